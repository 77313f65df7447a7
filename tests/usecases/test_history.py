"""History: the backups of all places together, and what could not be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from iamrbac.backup.codec import encode_backup
from iamrbac.cli.main import run as run_command
from iamrbac.compile.desired import Key
from iamrbac.model.errors import AwsError, ForbiddenError, KubeError, UsageError
from iamrbac.render.history import history_json, history_text
from iamrbac.usecases.backups import Part
from iamrbac.usecases.history import History, find_history
from tests.backup.builders import RUN, backup
from tests.cli.shapes import check
from tests.golden import compare
from tests.usecases.fakes import FakeAws, Killed, Silent
from tests.usecases.keeping import HOME, Keep, home
from tests.usecases.world import POLICY, Company, company

GOLDEN = Path(__file__).parent / "golden"
FIRST, SECOND, THIRD = (f"20261126-12210{number}-1a2b3c" for number in (1, 2, 3))


def plain(text: str, style: str) -> str:
    return text


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    return Keep(tmp_path / "state")


@pytest.fixture
def made(tmp_path: Path, keep: Keep) -> Company:
    """Three runs: all went well; some failed on staging; killed on production before its end."""
    founded = company(tmp_path / "repo")
    founded.keeping = keep.keeping()
    founded.apply()
    founded.keeping = keep.keeping()
    founded.policy(POLICY.replace("role: viewer", "role: developer"))

    def refuse(_number: int, what: str) -> KubeError | None:
        role = what.startswith("create Role ") and "developer" in what
        return KubeError("cannot create roles: forbidden (403)") if role else None

    founded.faults.fail = refuse
    founded.apply()
    founded.keeping = keep.keeping()

    def die(_number: int, what: str) -> Killed | None:
        return Killed() if what.startswith("create Role ") else None

    founded.faults.fail = die
    plan = founded.plan()
    for kube in founded.kubes.values():
        count: list[str] = []

        def second(doing: str, count: list[str] = count) -> KubeError | None:
            count.append(doing)
            if len(count) > 1:
                raise Killed
            return None

        kube.map_fault = second
    with pytest.raises(Killed):
        founded.apply(plan)
    for kube in founded.kubes.values():
        kube.map_fault = lambda _: None
    founded.faults.fail = lambda _number, _what: None
    return founded


def history(made: Company, keep: Keep, run: str | None = None, clusters: tuple[str, ...] = ()) -> History:
    found, findings = find_history(made.edges, keep.places, clusters, run, Silent())
    assert found is not None, findings
    return found


def test_runs_are_listed_the_newest_first_with_what_became_of_them(made: Company, keep: Keep) -> None:
    found = history(made, keep)
    assert [run.id for run in found.runs] == [THIRD, SECOND, FIRST]
    assert [run.finished for run in found.runs] == [False, True, True]
    assert found.exit_code() == 0
    compare(history_text(found, plain, details=False), GOLDEN / "history.txt")
    check("history", history_json(found, details=False))


def test_one_run_has_a_line_for_each_change(made: Company, keep: Keep) -> None:
    found = history(made, keep, SECOND)
    assert [run.id for run in found.runs] == [SECOND]
    compare(history_text(found, plain, details=True), GOLDEN / "history-one.txt")
    value = history_json(found, details=True)
    check("history", value)
    (run,) = value["runs"]
    changes = [change for cluster in run["clusters"] for change in cluster["changes"]]
    assert {change["outcome"] for change in changes} == {"failed", "skipped"}
    assert all(change["who"] == RUN.who and change["commit"] == RUN.commit for change in changes)
    assert all(change["because"] for change in changes if change["action"] == "create")


def test_without_the_clusters_what_is_here_shows_and_the_rest_is_said(made: Company, keep: Keep) -> None:
    made.aws = FakeAws(made.faults, {})
    found = history(made, keep)
    assert [run.id for run in found.runs] == [THIRD, SECOND, FIRST]
    assert [(one.cluster, one.message) for one in found.unread] == [
        ("staging", "no such cluster"),
        ("production", "no such cluster"),
    ]
    assert found.exit_code() == 1
    assert "! not known: staging: no such cluster. Next: look at eksName\n" in history_text(found, plain, details=False)
    check("history", history_json(found, details=False))


def test_another_runner_sees_what_the_clusters_have(made: Company, keep: Keep, tmp_path: Path) -> None:
    found = history(made, Keep(tmp_path / "elsewhere"))
    assert [run.id for run in found.runs] == [THIRD, SECOND, FIRST]
    assert found.runs[0].clusters[0].where == (f"ConfigMaps of {HOME} on staging",)


def test_a_place_that_is_forbidden_is_no_empty_one(made: Company, keep: Keep, tmp_path: Path) -> None:
    fault = ForbiddenError("cannot list configmaps: forbidden (403)")
    made.kubes["production"].map_fault = lambda doing: fault if doing == "list" else None
    found = history(made, Keep(tmp_path / "elsewhere"), clusters=("production",))
    assert (found.runs, found.exit_code()) == ((), 1)
    assert found.unread[0].cluster == "production"
    text = history_text(found, plain, details=False)
    assert text.startswith("No backups")
    assert "let the caller get, list, create and delete configmaps" in text


def test_results_in_one_place_are_enough(made: Company, keep: Keep) -> None:
    """The cluster's copy lacks them where the connection was lost at the end."""
    for _, name in list(made.kubes["staging"].home_maps):
        if name.endswith("-results"):
            made.kubes["staging"].delete_configmap(HOME, name)
    assert [run.finished for run in history(made, keep, clusters=("staging",)).runs] == [False, True, True]


def test_a_broken_copy_does_not_hide_a_whole_one_and_a_broken_one_alone_is_told(made: Company, keep: Keep) -> None:
    maps = made.kubes["staging"].home_maps
    for (place, name), map_ in list(maps.items()):
        if FIRST in name:
            maps[place, name] = replace(map_, binary=dict.fromkeys(map_.binary, b"x"))
    found = history(made, keep, FIRST, ("staging",))
    assert (found.runs[0].finished, found.exit_code()) == (True, 0)
    keep.local("acme", "staging").save(FIRST, Part.BACKUP, b"x")
    found = history(made, keep, FIRST, ("staging",))
    assert (found.runs[0].finished, found.exit_code()) == (False, 1)
    assert "the backup is broken" in history_text(found, plain, details=True)
    check("history", history_json(found, details=True))


def test_a_backup_of_another_cluster_is_not_taken_for_this_ones(made: Company, keep: Keep) -> None:
    stranger = replace(RUN, id="20261126-122109-ffffff")
    home(made, "staging").save(stranger.id, Part.BACKUP, encode_backup(backup(stranger, "elsewhere")))
    found = history(made, keep, stranger.id, ("staging",))
    assert found.exit_code() == 1
    assert "is of another run or cluster" in found.runs[0].clusters[0].error


def test_what_a_backup_says_cannot_move_the_terminal(made: Company, keep: Keep) -> None:
    evil = replace(RUN, id="20261126-122109-ffffff", who="\x1b[2Jmallory\n", host="\u202e")
    plan = backup(evil)
    key = Key("staging", "RoleBinding", "payments\x1b[1A", "x")
    plan = replace(plan, changes=(replace(plan.changes[1], key=key, before=None), plan.changes[0]))
    home(made, "staging").save(evil.id, Part.BACKUP, encode_backup(plan))
    text = history_text(history(made, keep, evil.id, ("staging",)), plain, details=True)
    assert text.replace("\n", "").isprintable()
    assert "\\x1b[2Jmallory\\n" in text


def test_an_id_that_is_nowhere_is_a_mistake_of_the_command_line(made: Company, keep: Keep) -> None:
    with pytest.raises(UsageError, match="there is no backup 2026"):
        history(made, keep, "20260101-000000-000000")


def test_an_id_that_is_not_found_where_not_all_was_read_is_not_known(made: Company, keep: Keep) -> None:
    made.aws = FakeAws(made.faults, {})
    found = history(made, keep, "20260101-000000-000000")
    assert (found.runs, found.exit_code()) == ((), 1)


def test_a_bucket_is_read_and_where_it_cannot_be_that_is_said(made: Company, keep: Keep) -> None:
    made.config((made.root / "iamrbac.yaml").read_text() + "backups: s3://acme-iamrbac/x\n")
    keep.bucket("", "", "acme", "staging").save(RUN.id, Part.BACKUP, encode_backup(backup(RUN)))
    keep.buckets.clear()
    found = history(made, keep, RUN.id)
    assert [one.where for one in found.runs[0].clusters] == [(str(keep.folder / "bucket" / "acme" / "staging"),)]
    assert set(keep.buckets) == {("s3://acme-iamrbac/x", "111122223333")}


def test_invalid_documents_but_the_config_are_no_hindrance(made: Company, keep: Keep) -> None:
    made.policy("kind: Nothing\n")
    assert len(history(made, keep).runs) == 3
    made.config("kind: Nothing\n")
    found, findings = find_history(made.edges, keep.places, (), None, Silent())
    assert found is None and findings


def test_an_outside_of_any_repository_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(["history"]) == AwsError.exit_code
