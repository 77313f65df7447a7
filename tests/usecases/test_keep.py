"""What an apply changes is kept before the first write, and what became of it at the end."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from iamrbac.compile.desired import Desired
from iamrbac.model.backups import Backups
from iamrbac.model.errors import AwsError, BackupError, ForbiddenError, KubeError
from iamrbac.plan.observed import Observed
from iamrbac.rbac.objects import Role
from iamrbac.state.local import LocalStore
from iamrbac.usecases.apply import Applying, apply_plan
from iamrbac.usecases.backups import Kept
from iamrbac.usecases.keep import BackedUp
from iamrbac.usecases.outcome import Outcome
from tests.backup.builders import RUN
from tests.usecases.fakes import ACCOUNT, FakeKube, Killed, Silent
from tests.usecases.keeping import HOME, Keep, home, records
from tests.usecases.test_delivery import BY_GIT, EXTERNAL, PLACE
from tests.usecases.world import NODES, POLICY, Company, company, dying_at


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    return Keep(tmp_path / "state")


@pytest.fixture
def made(tmp_path: Path, keep: Keep) -> Company:
    founded = company(tmp_path / "repo")
    founded.keeping = keep.keeping()
    return founded


def test_both_halves_are_in_the_cluster_and_here_and_say_everything(made: Company, keep: Keep) -> None:
    made.apply()
    for cluster in ("staging", "production"):
        (record,) = records(home(made, cluster))
        assert records(keep.local("acme", cluster)) == [record]
        assert record.backup.run == replace(RUN, id="20261126-122101-1a2b3c")
        assert record.results is not None
        assert {result.outcome for result in record.results} == {"done"}
        assert [result.key for result in record.results] == [one.key for one in record.backup.changes]
        assert all(one.before is None and one.because == ("policies/payments.yaml:7",) for one in record.backup.changes)
    (told,) = keep.told
    assert told == BackedUp(
        "20261126-122101-1a2b3c",
        (
            ("staging", (f"ConfigMaps of {HOME} on staging", str(keep.folder / "acme" / "staging"))),
            ("production", (f"ConfigMaps of {HOME} on production", str(keep.folder / "acme" / "production"))),
        ),
    )
    assert keep.warnings == []


def test_what_was_there_is_kept_with_labels_versions_and_the_rows_as_text(made: Company, keep: Keep) -> None:
    made.apply()
    before = dict(made.kubes["staging"].objects)
    made.keeping = keep.keeping()
    made.policy(POLICY.replace("role: viewer", "role: developer").replace("[{iamGroup: payments-oncall}]", "[]"))
    made.policy(POLICY.replace("role: viewer", "role: developer"))
    made.people.groups["payments-developers"] = ()
    made.apply()
    record = records(home(made, "staging"))[-1]
    gone = {one.key: one.before for one in record.backup.changes if one.before is not None and one.key in before}
    assert gone
    for key, item in gone.items():
        assert item is not None
        assert (item.spec, item.meta) == (before[key].spec, before[key].meta)
    rows = records(home(made, "production"))[-1].backup.aws_auth
    assert rows is not None
    assert rows["mapRoles"] == NODES
    assert "alice" in rows["mapUsers"]


def test_the_number_of_writes_does_not_grow_with_the_changes(made: Company, keep: Keep) -> None:
    asked: list[str] = []

    def count(doing: str) -> None:
        asked.append(doing)

    made.kubes["staging"].map_fault = count
    events = [event for event in made.apply() if event.change.key.cluster == "staging"]
    # The first `create` finds no home namespace, which is made then; the list is for what may be too old.
    assert asked == ["create", "create", "create", "list"]
    assert len(events) > len(asked)


def test_nothing_is_kept_where_nothing_changes(made: Company, keep: Keep) -> None:
    made.apply()
    made.keeping = keep.keeping()
    made.apply()
    assert len(keep.told) == 1
    assert len(home(made, "staging").kept()) == 1


def test_killed_before_any_write_the_backup_is_there_and_says_that_it_has_no_end(tmp_path: Path) -> None:
    whole = company(tmp_path / "whole")
    whole.apply()
    for number in range(1, whole.faults.writes + 1):
        keep = Keep(tmp_path / f"state{number}")
        made = company(tmp_path / f"killed{number}")
        # The home namespaces are there: the first write is the first that changes anybody's access.
        for kube in made.kubes.values():
            kube.namespaces |= {HOME}
        made.keeping = keep.keeping()
        made.faults.fail = dying_at(number)
        dead: dict[str, bool] = {}

        def die(doing: str, dead: dict[str, bool] = dead, made: Company = made, number: int = number) -> None:
            if made.faults.writes >= number:
                raise Killed

        for kube in made.kubes.values():
            kube.map_fault = die
        with pytest.raises(Killed):
            made.apply()
        for kube in made.kubes.values():
            kube.map_fault = lambda _: None
        for cluster in made.kubes:
            (record,) = records(home(made, cluster))
            assert not record.finished
            assert record.backup.changes
        made.faults.fail = lambda _number, _what: None
        made.keeping = keep.keeping()
        made.apply()
        assert made.plan().changes == ()
        assert not next(one.finished for one in home(made, "staging").kept())


def test_a_failure_and_what_waited_for_it_are_in_the_results(made: Company) -> None:
    made.faults.fail = lambda _number, what: AwsError("throttled") if "AccessEntry" in what else None
    made.apply()
    (record,) = records(home(made, "staging"))
    assert record.results is not None
    assert {("AccessEntry", "failed", "throttled")} == {
        (one.key.kind, one.outcome, one.reason) for one in record.results if one.outcome != "done"
    }


def test_an_interrupted_run_writes_what_was_done_and_no_more(made: Company) -> None:
    how = Applying(Silent(), made.pause, keeping=made.keeping)
    with closing(apply_plan(made.edges, made.plan(), how)) as events:
        next(events)
    for cluster, kube in made.kubes.items():
        (record,) = records(home(made, cluster))
        assert record.results is not None
        entries = made.aws.entries[cluster]
        for result in record.results:
            assert result.outcome == "done"
            if result.key.kind not in ("AwsAuthRow", "Namespace"):
                assert result.key in kube.objects or result.key in entries
        told = {result.key for result in record.results}
        assert told.issuperset((*kube.objects, *entries))


@pytest.mark.parametrize("fault", [ForbiddenError("cannot create configmap: forbidden (403)"), KubeError("timeout")])
def test_where_it_cannot_be_kept_nothing_is_written_anywhere(made: Company, keep: Keep, fault: KubeError) -> None:
    made.kubes["production"].map_fault = lambda doing: fault if doing == "create" else None
    for kube in made.kubes.values():
        kube.namespaces |= {HOME}
    with pytest.raises(BackupError) as caught:
        made.apply()
    assert (caught.value.where, caught.value.code, caught.value.exit_code) == ("production", "ERR214", 1)
    assert "it cannot be backed up, and nothing was changed: " in caught.value.message
    assert caught.value.hint.endswith("do without a backup (--no-backup)")
    assert made.faults.log == []
    assert home(made, "staging").kept() == keep.local("acme", "staging").kept() == ()


def test_a_home_that_cannot_be_made_is_told(made: Company) -> None:
    def refuse(_number: int, what: str) -> KubeError | None:
        return ForbiddenError("cannot create namespace: forbidden (403)") if "Namespace" in what else None

    made.faults.fail = refuse
    with pytest.raises(BackupError, match="cannot create namespace") as caught:
        made.apply()
    assert "kubectl create namespace iamrbac-system" in caught.value.hint


def test_a_local_copy_that_fails_is_a_warning(made: Company, keep: Keep) -> None:
    keep.folder.write_text("a file where a folder should be")
    assert {event.outcome for event in made.apply()} == {Outcome.DONE}
    assert len(keep.warnings) == 2
    assert "no local backup: " in keep.warnings[0]
    assert [places for _, places in keep.told[0].clusters] == [
        (f"ConfigMaps of {HOME} on staging",),
        (f"ConfigMaps of {HOME} on production",),
    ]


def test_results_that_cannot_be_written_are_a_warning_and_the_run_looks_unfinished(made: Company, keep: Keep) -> None:
    plan = made.plan()
    seen: list[str] = []

    def second(doing: str) -> KubeError | None:
        seen.append(doing)
        return KubeError("timeout") if doing == "create" and seen.count("create") > 2 else None

    made.kubes["staging"].map_fault = second
    assert {event.outcome for event in made.apply(plan)} == {Outcome.DONE}
    assert any("timeout" in warning for warning in keep.warnings)
    assert home(made, "staging").kept() == (Kept("20261126-122101-1a2b3c", False),)
    assert keep.local("acme", "staging").kept() == (Kept("20261126-122101-1a2b3c", True),)


def test_a_bucket_is_written_too_and_nothing_goes_on_without_it(made: Company, keep: Keep) -> None:
    plan = replace(made.plan(), backups=Backups(s3="s3://acme-iamrbac"))
    made.apply(plan)
    assert set(keep.buckets) == {("s3://acme-iamrbac", ACCOUNT)}
    stored = LocalStore(keep.folder / "bucket", "acme", "staging")
    assert records(stored) == records(home(made, "staging"))


def test_a_bucket_that_refuses_stops_all(made: Company, keep: Keep) -> None:
    keep.folder.mkdir()
    (keep.folder / "bucket").write_text("a file where a folder should be")
    with pytest.raises(BackupError, match="it cannot be backed up, and nothing was changed"):
        made.apply(replace(made.plan(), backups=Backups(s3="s3://acme-iamrbac", account="222233334444")))
    assert not any("Role" in what or "Access" in what for what in made.faults.log)
    assert set(keep.buckets) == {("s3://acme-iamrbac", "222233334444")}
    assert home(made, "staging").kept() == ()


def test_the_oldest_go_after_an_apply_in_which_all_went_well(made: Company, keep: Keep) -> None:
    made.apply(replace(made.plan(), backups=Backups(keep=2)))
    for role in ("developer", "viewer", "developer"):
        made.keeping = keep.keeping()
        made.policy(POLICY.replace("role: viewer", f"role: {role}"))
        made.apply(replace(made.plan(), backups=Backups(keep=2)))
    for store in (home(made, "staging"), keep.local("acme", "staging")):
        assert [one.id for one in store.kept()] == ["20261126-122103-1a2b3c", "20261126-122104-1a2b3c"]


def test_a_deletion_that_fails_is_only_said(made: Company, keep: Keep) -> None:
    made.apply()
    made.keeping = keep.keeping()
    made.policy(POLICY.replace("role: viewer", "role: developer"))
    made.kubes["staging"].map_fault = lambda doing: KubeError("timeout") if doing == "delete" else None
    assert {event.outcome for event in made.apply(replace(made.plan(), backups=Backups(keep=1)))} == {Outcome.DONE}
    assert len(keep.warnings) == 1 and "timeout" in keep.warnings[0]


def test_nothing_goes_after_one_in_which_something_failed(made: Company, keep: Keep) -> None:
    made.apply()
    made.keeping = keep.keeping()
    made.policy(POLICY.replace("role: viewer", "role: developer"))
    made.faults.fail = lambda _number, what: KubeError("no") if what.startswith("create Role ") else None
    made.apply(replace(made.plan(), backups=Backups(keep=1)))
    assert len(home(made, "staging").kept()) == 2


def test_nothing_of_the_credentials_is_kept(made: Company) -> None:
    made.apply()
    for kube in made.kubes.values():
        text = json.dumps([sorted(map_.binary) for map_ in kube.home_maps.values()])
        assert "PEM" not in text
    for cluster in made.kubes:
        (record,) = records(home(made, cluster))
        assert "PEM" not in repr(record) and "https://x" not in repr(record)


def test_a_backup_can_be_put_back(made: Company, keep: Keep) -> None:
    """Every `before` is enough to write the object again."""
    made.apply()
    made.keeping = keep.keeping()
    made.people.groups["payments-developers"] = ()
    made.people.groups["payments-oncall"] = ()
    before = dict(made.kubes["staging"].objects)
    made.policy(POLICY.replace("role: viewer", "role: developer"))
    made.apply()
    record = records(home(made, "staging"))[-1]
    restored: dict[object, Observed] = {}
    kube = FakeKube(made.faults, frozenset({"payments"}))
    items = [one.before for one in record.backup.changes if one.before is not None]
    for item in sorted(items, key=lambda one: not isinstance(one.spec, Role)):
        if item.key.kind in ("Role", "RoleBinding"):
            kube.create(Desired(item.key, item.spec, item.meta.labels))
            restored[item.key] = kube.objects[item.key]
    assert restored
    assert all(restored[key].spec == before[key].spec for key in before if key in restored)


def refuse_all(_doing: str) -> KubeError | None:
    raise AssertionError("whoever delivers by Git need have no right in the cluster")


@pytest.mark.parametrize("config", [BY_GIT, EXTERNAL])
def test_what_is_delivered_by_git_is_kept_here_and_asks_nothing_of_the_cluster(
    made: Company, keep: Keep, config: str
) -> None:
    made.config(config)
    for kube in made.kubes.values():
        kube.map_fault = refuse_all
    made.apply()
    for cluster in made.kubes:
        (record,) = records(keep.local("acme", cluster))
        assert record.results is not None
        assert record.backup.changes
        committed = [one for one in record.results if one.key.kind in ("Role", "RoleBinding")]
        assert committed
        assert all(one.outcome == "done" and one.reason.startswith("commit ") for one in committed)
    assert not any("Namespace" in what for what in made.faults.log)


def test_where_git_delivers_and_nothing_can_be_kept_nothing_is_committed(made: Company, keep: Keep) -> None:
    made.config(EXTERNAL)
    keep.folder.write_text("a file where a folder should be")
    with pytest.raises(BackupError, match="it cannot be backed up, and nothing was changed"):
        made.apply()
    assert made.git.open(PLACE).files() == {}
