"""`revoke` as a person runs it, on the sandbox."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from iamrbac import wiring
from iamrbac.model.errors import OutputError
from iamrbac.sandbox.runner import Sandbox
from tests.cli.test_plan_apply import Shell, schema
from tests.conftest import ROOT

ALICE = "arn:aws:iam::111122223333:user/staff/alice"


@pytest.fixture
def repository(tmp_path: Path, fresh_sandbox: Sandbox, admin_environment: dict[str, str]) -> Path:
    """A copy of the sample repository, and a fresh sandbox whose admin we are."""
    copy = tmp_path / "repo"
    shutil.copytree(ROOT / "policies", copy / "policies")
    shutil.copy(ROOT / "iamrbac.yaml", copy)
    return copy


@pytest.fixture
def shell(repository: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(repository, capsys)
    assert shell("apply", "--yes", "-q") == 0
    return shell


def test_alice_goes_and_no_apply_gives_her_back(shell: Shell, repository: Path) -> None:
    before = (repository / "iamrbac.yaml").read_text()
    assert shell("revoke", "alice") == 5
    assert "- alice loses developer in payments, payments-batch (staging)" in shell.out
    assert "Plan: 0 to add, 0 to change, 0 to replace, 3 to remove, 0 to adopt." in shell.out
    assert shell("revoke", "alice", "--yes", "--write") == 0
    assert f"iamrbac.yaml suspends {ALICE} now: commit that." in shell.out
    assert "takes some seconds to count at EKS" in shell.out
    after = (repository / "iamrbac.yaml").read_text()
    assert after == before.replace("suspended: []", f'suspended: ["{ALICE}"]')
    assert shell("plan", "--detailed-exitcode") == 0
    assert shell("revoke", "alice", "--yes", "--write") == 0
    assert "Nothing of ours maps alice on development, staging, production." in shell.out
    assert (repository / "iamrbac.yaml").read_text() == after


def test_without_the_line_it_is_said_that_the_next_apply_gives_it_back(shell: Shell) -> None:
    assert shell("revoke", "staff/alice", "--yes", "--cluster", "staging", "--no-lock") == 0
    assert f"suspended:\n  - {ALICE}\n" in shell.out
    assert "gives back what the policies say" in shell.err
    assert "warning: no lock is taken" in shell.err
    assert shell("plan", "--detailed-exitcode", "--cluster", "staging") == 2


def test_a_config_that_cannot_be_edited_does_not_stop_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(root: Path, arn: str) -> None:
        raise OutputError("suspended: cannot be edited", where="iamrbac.yaml", hint="put it there by hand")

    monkeypatch.setattr(wiring, "suspend", refuse)
    assert shell("revoke", "alice", "--yes", "--write", "--cluster", "staging") == 1
    assert "Applied: 0 added, 0 changed, 0 replaced, 1 removed, 0 adopted." in shell.out
    assert f"suspended:\n  - {ALICE}\n" in shell.out
    assert "put it there by hand" in shell.err


def test_the_json_has_the_published_shape(shell: Shell) -> None:
    for arguments, code, left in ((("alice",), 0, 0), (("pat", "--allow-lockout-of", "x"), 6, 3)):
        assert shell("revoke", *arguments, "--yes", "-o", "json") == code
        lines = [json.loads(line) for line in shell.out.splitlines()]
        assert [error for line in lines for error in schema("apply-event").iter_errors(line)] == []
        assert (lines[0]["type"], lines[0]["suspended"], len(lines[0]["left"])) == ("revoke", "missing", left)
        assert lines[-1]["exitCode"] == code


def test_what_is_not_ours_is_named_with_its_command(shell: Shell) -> None:
    assert shell("revoke", "pat", "--yes") == 6
    assert (
        "! production: row of aws-auth arn:aws:iam::111122223333:user/pat, groups system:masters is not ours and "
        "stays: it still lets pat in. Next: kubectl -n kube-system edit configmap aws-auth, and take the row out"
    ) in shell.out
    assert "aws eks delete-access-entry --region eu-west-1 --cluster-name staging" in shell.out


def test_a_session_is_answered_with_its_role(shell: Shell) -> None:
    assert shell("revoke", "arn:aws:sts::111122223333:assumed-role/x/y", "--yes") == 64
    assert "name the role: arn:aws:iam::111122223333:role/x" in shell.err


def test_help_says_what_it_is_and_what_comes_back(shell: Shell) -> None:
    assert shell("revoke", "--help") == 0
    said = " ".join(shell.out.split())
    assert "The next `iamrbac apply` gives it back unless iamrbac.yaml suspends the principal" in said
    assert "no policy is asked" in said.lower()
