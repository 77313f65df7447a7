"""What an apply leaves on a cluster beside access: parent, record and event; and what is missing without a right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from iamrbac.backup.parts import split
from iamrbac.compile.desired import Key
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.errors import ApplySetError, ForbiddenError, KubeError
from iamrbac.plan.applyset import KINDS, NAMESPACES, TOOLING
from iamrbac.plan.observed import Meta, Observed
from iamrbac.rbac.objects import Role
from iamrbac.usecases.applied import Shelf, part_name
from iamrbac.usecases.apply import Applying, apply_plan
from iamrbac.usecases.home import ConfigMap
from iamrbac.usecases.outcome import Event, Outcome
from iamrbac.usecases.recording import Recording
from tests.usecases.applier import HOME, RUN, Applier
from tests.usecases.fakes import PAT, FakeKube, Killed, Silent
from tests.usecases.world import POLICY, company, dying_at

PARENT, RECORD = (HOME, "iamrbac-acme"), (HOME, "iamrbac-applied.acme")


@pytest.fixture
def made(tmp_path: Path) -> Applier:
    return Applier(company(tmp_path))


def asked(kube: FakeKube) -> list[str]:
    """What is asked of ConfigMaps from now on."""
    log: list[str] = []

    def note(doing: str) -> None:
        log.append(doing)

    kube.map_fault = note
    return log


def a_role(kube: FakeKube) -> Observed:
    return next(item for key, item in sorted(kube.objects.items()) if key.kind == "Role")


def refuse(*refused: str) -> Callable[[str], KubeError | None]:
    def fault(doing: str) -> KubeError | None:
        if doing in refused:
            return ForbiddenError(f"cannot {doing} configmap: forbidden (403)", where="staging")
        return None

    return fault


def test_the_first_apply_leaves_all_three(made: Applier) -> None:
    log = asked(made.kube())
    assert {event.outcome for event in made.apply()} == {Outcome.DONE}
    # However many objects there are; one create finds no namespace.
    assert log == ["get", "get", "create", "create", "create", "update", "create event"]
    parent = made.kube().home_maps[PARENT]
    assert parent.annotations[TOOLING].startswith("iamrbac/v")
    assert parent.annotations[NAMESPACES] == "payments"
    assert parent.annotations[KINDS] == "Role.rbac.authorization.k8s.io,RoleBinding.rbac.authorization.k8s.io"
    record = made.record()
    kinds = {key.kind for key in record.objects}
    assert kinds == {"Role", "RoleBinding", "AccessEntry"}
    assert {key.kind for key in made.record("production").objects} == {"Role", "RoleBinding", "AwsAuthRow"}
    assert (record.at, record.run, record.pending) == (RUN.at, RUN.id, {})
    (notice,) = made.kube().notices
    assert (notice.reason, notice.type) == ("Applied", "Normal")
    assert notice.message == f"{len(record.objects)} added by {PAT} from commit 9c1d2e3f4a5b+ (run {RUN.id})"
    assert made.warnings == []


def test_an_apply_with_nothing_to_do_asks_once_and_writes_nothing(made: Applier) -> None:
    made.apply()
    logs = [asked(kube) for kube in made.company.kubes.values()]
    assert made.apply() == []
    assert logs == [["get"], ["get"]]


def test_a_cluster_without_a_record_gets_one_where_nothing_is_to_change(made: Applier) -> None:
    made.company.apply()
    assert made.kube().home_maps == {}
    log = asked(made.kube())
    assert made.apply() == []
    assert not [doing for doing in log if doing == "update"]
    assert made.kube().home_maps.keys() == {PARENT, RECORD}
    assert made.kube().notices == []
    assert len(made.record().objects) > 3
    log.clear()
    made.apply()
    assert log == ["get"]


def test_the_parent_is_wide_while_writing_and_narrow_after(made: Applier) -> None:
    made.apply()
    made.company.policy(POLICY.replace("namespaces: [payments]", "namespaces: [search]"))
    during: list[str] = []

    def look(_count: int, what: str) -> None:
        during.append(made.kube().home_maps[PARENT].annotations[NAMESPACES])

    made.company.faults.fail = look
    made.apply()
    assert set(during) == {"payments,search"}
    assert made.kube().home_maps[PARENT].annotations[NAMESPACES] == "search"


def test_the_parent_stays_wide_when_something_was_not_removed(made: Applier) -> None:
    made.apply()
    made.company.policy(POLICY.replace("namespaces: [payments]", "namespaces: [search]"))
    made.company.faults.fail = lambda _count, what: KubeError("no") if what.startswith("delete Role ") else None
    events = made.apply()
    assert {event.outcome for event in events} == {Outcome.DONE, Outcome.FAILED}
    assert made.kube().home_maps[PARENT].annotations[NAMESPACES] == "payments,search"
    notice = made.kube().notices[-1]
    assert (notice.reason, notice.type) == ("PartlyApplied", "Warning")
    assert " not done by " in notice.message
    left = [key for key in made.record().pending if key.kind == "Role"]
    assert left and all(key.namespace == "payments" and key in made.record().objects for key in left)
    made.company.faults.fail = lambda _count, _what: None
    made.apply()
    assert made.record().pending == {}
    assert made.kube().home_maps[PARENT].annotations[NAMESPACES] == "search"


@pytest.mark.parametrize(
    "theirs",
    [
        ConfigMap("iamrbac-acme", annotations={TOOLING: "kubectl/v1.32"}),
        ConfigMap("iamrbac-acme", annotations={TOOLING: "iamrbac/v1"}),
        ConfigMap("iamrbac-acme"),
    ],
)
def test_a_parent_of_somebody_elses_refuses_before_any_write(made: Applier, theirs: ConfigMap) -> None:
    made.kube("production").home_maps[PARENT] = replace(theirs, version="7")
    with pytest.raises(ApplySetError) as caught:
        made.apply()
    assert caught.value.where == "production"
    assert "is not ours: " in caught.value.message
    assert "kubectl -n iamrbac-system get configmap iamrbac-acme" in caught.value.hint
    assert made.company.faults.log == []
    assert made.kube().home_maps == {}
    assert made.kube("production").home_maps[PARENT] == theirs


@pytest.mark.parametrize("refused", [("get",), ("create",), ("get", "create", "update")])
def test_without_the_right_it_is_a_warning_and_access_is_written(made: Applier, refused: tuple[str, ...]) -> None:
    made.kube().map_fault = refuse(*refused)
    assert {event.outcome for event in made.apply()} == {Outcome.DONE}
    assert made.kube().home_maps == {}
    (warning,) = made.warnings
    assert warning.startswith("staging: the ApplySet's parent iamrbac-acme is not kept up to date: cannot ")
    assert warning.endswith("Next: let the caller get, create and update configmaps in namespace iamrbac-system")
    assert made.record("production").objects
    made.warnings.clear()
    made.apply()
    (warning,) = made.warnings
    assert "staging: " in warning


def test_a_rollback_or_a_revoke_blesses_nothing_and_begins_no_record(made: Applier) -> None:
    made.company.apply()
    made.kube().objects.popitem()
    made.run = replace(RUN, doing="revoke arn:aws:iam::111122223333:user/alice")
    made.apply()
    assert RECORD not in made.kube().home_maps
    assert made.kube("production").home_maps == {}
    assert made.kube().notices[-1].message.startswith("revoke arn:aws:iam::111122223333:user/alice: 1 added by ")
    made.run = RUN
    made.apply()
    drifted = a_role(made.kube())
    made.kube().objects[drifted.key] = replace(drifted, spec=Role("Role", drifted.key.namespace, drifted.key.name, ()))
    del made.kube().objects[next(key for key in made.kube().objects if key.kind == "RoleBinding")]
    before = made.record().objects[drifted.key]
    made.run = replace(RUN, doing="rollback 20261126-122146-1a2b3c")
    plan = made.company.plan()
    (cluster,) = [one for one in plan.planned if one.name == "staging"]
    some = tuple(change for change in cluster.changes if change.key.kind == "RoleBinding")
    made.apply(replace(plan, clusters=(replace(cluster, changes=some),)))
    assert made.record().objects[drifted.key] == before
    assert made.kube().notices[-1].reason == "RolledBack"


def test_an_event_that_is_refused_is_a_note(made: Applier) -> None:
    made.kube().map_fault = refuse("create event")
    made.apply()
    assert made.warnings == []
    (note,) = made.notes
    assert note.startswith("staging: no event tells of this run: cannot create event")


def test_a_record_that_is_not_to_be_had_stops_the_run_before_any_write(made: Applier) -> None:
    made.kube().map_fault = lambda doing: KubeError("no answer") if doing == "get" else None
    with pytest.raises(KubeError, match="no answer"):
        made.apply()
    assert made.company.faults.log == []


def test_a_broken_record_is_told_and_made_anew(made: Applier) -> None:
    made.apply()
    maps = made.kube().home_maps
    maps[RECORD] = replace(maps[RECORD], binary={})
    made.kube().objects.popitem()
    made.apply()
    (warning,) = made.warnings
    assert warning.startswith("staging: the record of what was applied is made anew; it was broken: ")
    assert made.record().pending == {}


def test_a_killed_run_leaves_a_record_that_says_what_was_to_come(made: Applier) -> None:
    plan = made.company.plan()
    everything = {change.key for change in plan.changes if change.key.cluster == "staging"}

    def die(count: int, what: str) -> Killed | None:
        # The namespace is made by the first one that needs it, before the record.
        if what.startswith("create Namespace"):
            return None
        for kube in made.company.kubes.values():
            kube.map_fault = lambda _doing: KubeError("dead")
        return dying_at(0)(count, what)

    made.company.faults.fail = die
    with pytest.raises(Killed):
        made.apply()
    for kube in made.company.kubes.values():
        kube.map_fault = lambda _doing: None
    assert made.record().objects == {}
    assert set(made.record().pending) == everything
    made.company.faults.fail = lambda _count, _what: None
    made.apply()
    assert set(made.record().objects) == everything
    assert made.record().pending == {}


def test_an_interrupted_run_tells_what_it_did(made: Applier) -> None:
    how = Applying(Silent(), made.company.pause, recording=Recording(RUN, made.warnings.append))
    run = apply_plan(made.company.edges, made.company.plan(), how)
    first = next(run)
    assert isinstance(first, Event)
    run.close()
    cluster = first.change.key.cluster
    assert first.change.key in made.record(cluster).objects
    assert made.record(cluster).pending
    assert made.kube(cluster).notices[0].reason == "PartlyApplied"


def test_somebody_else_writes_the_record_meanwhile(made: Applier) -> None:
    """Without a lock: what the other run said of its own objects stays."""
    made.apply()
    other = Key("staging", "AccessEntry", "", "arn:aws:iam::111122223333:user/other")
    shelf = Shelf(made.kube(), "staging", HOME, "acme")

    def meanwhile(_count: int, _what: str) -> None:
        made.company.faults.fail = lambda _count, _what: None
        kept = shelf.read()
        assert kept.applied is not None
        stamp = next(iter(kept.applied.objects.values()))
        shelf.write(kept, replace(kept.applied, objects={**kept.applied.objects, other: stamp}))

    made.kube().objects.popitem()
    made.company.faults.fail = meanwhile
    made.apply()
    assert other in made.record().objects
    assert made.record().pending == {}
    assert made.warnings == []


def test_a_record_in_parts_grows_and_shrinks(made: Applier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iamrbac.usecases.applied.split", lambda whole: split(whole, 200))
    made.apply()
    names = sorted(name for _, name in made.kube().home_maps if name.startswith("iamrbac-applied"))
    assert len(names) > 2
    assert names[:2] == [part_name("acme", 1), part_name("acme", 2)]
    whole = made.record()
    # One that a killed run has left is written over.
    left = made.kube().home_maps.pop((HOME, names[0]))
    made.kube().objects.popitem()
    made.apply()
    assert made.record().objects == whole.objects
    assert left.version
    made.company.policy(POLICY.split("  access:")[0] + "  access:\n" + POLICY.splitlines()[-1] + "\n")
    made.apply()
    assert len(made.record().objects) < len(whole.objects)
    assert made.kube().home_maps[HOME, names[0]].data["part"].partition(" ")[0] < f"1/{len(names)}"
    made.kube().home_maps.pop((HOME, part_name("acme", 2)))
    assert Shelf(made.kube(), "staging", HOME, "acme").read().broken.startswith("part 2 of ")


def test_adopted_by_hand_tags_count(made: Applier) -> None:
    made.apply()
    entries = made.company.aws.entries["staging"]
    key = next(key for key, item in entries.items() if isinstance(item.spec, AccessEntry))
    assert made.record().objects[key].labels == {"iamrbac.dev/instance": "acme"}
    entries[key] = replace(entries[key], meta=Meta())
    assert key in made.record().objects
