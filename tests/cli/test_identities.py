"""`identities export` and `--identities`: the same plan without IAM, its age told, and nothing read into a hole."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iamrbac.sandbox.runner import Sandbox
from tests.cli.test_plan_apply import Shell, repository, shell
from tests.recorded import recorded

__all__ = ["repository", "shell"]
LEFT = "IAM roles of ours that no policy wants any more are not looked for\n"
GROUP = "iamGroup: payments-oncall\n"


@pytest.fixture
def people(shell: Shell, tmp_path: Path) -> Path:
    file = tmp_path / "people.json"
    assert shell("identities", "export", "--out", str(file)) == 0
    return file


def aged(file: Path, age: timedelta) -> str:
    """Make a file older, and return its time."""
    at = f"{datetime.now(UTC) - age:%Y-%m-%dT%H:%M:%SZ}"
    file.write_text(json.dumps({**json.loads(file.read_text()), "at": at}))
    return at


@pytest.mark.parametrize("applied", [False, True])
def test_the_plan_is_the_same_and_iam_is_not_asked(shell: Shell, people: Path, applied: bool) -> None:
    if applied:
        assert shell("apply", "--yes", "-q") == 0
    for more in ((), ("-o", "json"), ("--cluster", "production", "-o", "json")):
        assert shell("plan", *more) == 0
        live = shell.out
        with recorded() as (operations, _):
            assert shell("plan", "--identities", str(people), *more) == 0
        assert shell.out == live
        assert [one for one in operations if one.startswith("iam:")] == []
        assert operations["eks:DescribeCluster"] == (1 if "--cluster" in more else 3)


def test_compile_and_questions_ask_no_aws_at_all(shell: Shell, people: Path) -> None:
    for form in ("access-entries", "aws-auth"):
        assert shell("compile", "--form", form) == 0
        live = shell.out
        with recorded() as (operations, requests):
            assert shell("compile", "--form", form, "--people", str(people)) == 0
        assert shell.out == live
        assert (dict(operations), dict(requests)) == ({}, {})
    with recorded() as (operations, requests):
        assert shell("can", "alice", "get", "pods", "-n", "payments", "--identities", str(people)) == 0
        assert shell.err.startswith("people as of ")
        assert shell("access", "--identities", str(people)) == 0
        assert shell("who-can", "get", "pods", "-n", "payments", "--identities", str(people)) == 0
        assert shell("test", "--identities", str(people)) == 0
    assert (dict(operations), dict(requests)) == ({}, {})


def test_a_plan_always_says_how_old_its_people_are(shell: Shell, people: Path) -> None:
    at = aged(people, timedelta(hours=3, minutes=5))
    shell("plan", "--identities", str(people))
    assert shell.err.startswith(f"people as of {at} (3 hours ago), from {people}\n{LEFT}Reading people and 3 clusters")
    shell("plan", "-q", "--identities", str(people))
    assert shell.err == f"people as of {at} (3 hours ago), from {people}\n"
    file = json.loads(people.read_text())
    del file["at"]
    people.write_text(json.dumps(file))
    shell("plan", "-q", "--identities", str(people))
    assert shell.err == f"people as of an unknown time, from {people}\n"


def test_an_apply_warns_of_old_people(shell: Shell, people: Path) -> None:
    assert shell("apply", "--yes", "-q", "--cluster", "staging", "--identities", str(people)) == 0
    assert "warning: people" not in shell.err
    assert shell.err.startswith("people as of ")
    aged(people, timedelta(hours=1))
    assert shell("apply", "--yes", "-q", "--identities", str(people)) == 0
    assert shell.err.splitlines()[1] == (
        "warning: people of an old file: whoever left an IAM group since gets access again; "
        f"iamrbac identities export --out {people} makes it anew"
    )
    assert shell("plan", "--detailed-exitcode") == 0


def test_a_saved_plan_of_a_file_is_stale_where_people_have_changed(
    shell: Shell, people: Path, fresh_sandbox: Sandbox, tmp_path: Path
) -> None:
    saved = str(tmp_path / "plan.json")
    assert shell("plan", "--identities", str(people), "--out", saved) == 0
    fresh_sandbox.remove_from_group("alice", "payments-developers")
    assert shell("apply", saved) == 4
    assert shell("apply", saved, "--identities", str(people)) == 0


@pytest.mark.parametrize("part", ["groups", "principals"])
def test_a_name_that_the_file_lacks_stops_the_plan(shell: Shell, people: Path, part: str) -> None:
    assert shell("apply", "--yes", "-q") == 0
    file = json.loads(people.read_text())
    people.write_text(json.dumps({**file, part: []}))
    with recorded() as (operations, requests):
        assert shell("apply", "--yes", "--identities", str(people), "--allow-removals", "99") == 1
    anew = f"it is not in {people}. Next: make it anew: iamrbac identities export --out {people}"
    assert anew in shell.out
    assert [one for one in operations if one.startswith(("eks:Delete", "eks:Create", "eks:Update"))] == []
    assert [one for one in requests if one[0] == "DELETE" and "/leases/" not in one[1]] == []
    assert shell("compile", "--form", "aws-auth", "--identities", str(people)) == 1
    assert anew in shell.out
    assert shell("can", "alice", "get", "pods", "-n", "payments", "--identities", str(people)) == 3
    assert anew in shell.out + shell.err


def test_roles_that_groups_assume_are_read_and_made_all_the_same(shell: Shell, people: Path, repository: Path) -> None:
    policy = repository / "policies" / "payments.yaml"
    policy.write_text(policy.read_text().replace(GROUP, f"{GROUP}        via: role\n"))
    assert shell("plan", "-o", "json") == 0
    live = shell.out
    with recorded() as (operations, _):
        assert shell("plan", "-o", "json", "--identities", str(people)) == 0
    assert shell.out == live
    assert operations["iam:GetGroup"] == 0
    assert shell("apply", "--yes", "-q", "--identities", str(people)) == 0
    assert shell("plan", "--detailed-exitcode") == 0


def test_only_export_is_known(shell: Shell) -> None:
    assert shell("identities", "import") == 64
    assert shell("identities") == 64
