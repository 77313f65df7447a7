"""Backups and history as a person meets them, on the sandbox: apply, kill, look."""

from __future__ import annotations

import json
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from iamrbac.cli.main import run
from iamrbac.sandbox.runner import Sandbox
from tests.cli.shapes import check
from tests.conftest import ROOT

ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")
HOME = "iamrbac-system"
AT = ["-C", str(ROOT), "--cluster", "staging", "--cluster", "production"]
APPLY = ["apply", *AT, "--yes"]


@pytest.fixture
def shell(
    fresh_sandbox: Sandbox, admin_environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Sandbox:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return fresh_sandbox


def backups(sandbox: Sandbox, cluster: str) -> list[dict[str, Any]]:
    found = sandbox.cluster(cluster).store.list("ConfigMap", HOME)
    return [one for one in found if "iamrbac.dev/backup" in one["metadata"].get("labels", {})]


def test_an_apply_can_be_looked_at_afterwards(
    shell: Sandbox, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(APPLY) == 0
    said = re.search(rf"Backup ({ID.pattern}) is kept; to go back: iamrbac rollback \1\n", capsys.readouterr().err)
    assert said is not None
    id_ = said[1]
    for cluster in ("staging", "production"):
        assert [one["metadata"]["name"] for one in backups(shell, cluster)] == [
            f"iamrbac-backup-acme-{id_}",
            f"iamrbac-backup-acme-{id_}-results",
        ]
        file = tmp_path / "state" / "iamrbac" / "backups" / "acme" / cluster / f"{id_}.jsonl.gz"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run(["history", *AT, "-q"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{id_}  ")
    assert f"apply by {shell.arn('pat')} on " in out
    assert re.search("^  staging     [0-9]+ added$", out, re.MULTILINE)
    # Another machine, which has the clusters only.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    assert run(["history", id_, *AT, "-q", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    check("history", document)
    (past,) = document["runs"]
    assert (past["finished"], past["who"]) == (True, shell.arn("pat"))
    changes = [change for one in past["clusters"] for change in one["changes"]]
    assert {change["outcome"] for change in changes} == {"done"}
    assert all(re.fullmatch(r"policies/[a-z/.-]+:[0-9]+", change["because"][0]) for change in changes)
    assert run(["history", "20260101-000000-000000", *AT, "-q"]) == 64


def test_the_first_line_of_json_says_where_and_the_last_what_was_allowed(
    shell: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*APPLY, "-q", "-o", "json", "--allow-removals", "3"]) == 0
    first, *_, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line in (first, last):
        check("apply-event", line)
    assert first["type"] == "backup"
    assert ID.fullmatch(first["id"])
    assert {one["name"]: one["where"][0] for one in first["clusters"]} == {
        "staging": f"ConfigMaps of {HOME} on staging",
        "production": f"ConfigMaps of {HOME} on production",
    }
    assert last["allowed"] == [{"name": "Allowed-Removals", "value": "3"}]
    assert run(["history", *AT, "-q"]) == 0
    assert "  allowed: Allowed-Removals 3\n" in capsys.readouterr().out


def test_without_a_backup_it_is_said_aloud(shell: Sandbox, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run([*APPLY, "-q", "--no-backup"]) == 0
    assert (
        "warning: no backup is kept (--no-backup): what is changed now cannot be rolled back\n"
        in capsys.readouterr().err
    )
    assert backups(shell, "staging") == []
    assert not (tmp_path / "state").exists()
    assert run(["history", *AT, "-q"]) == 0
    assert capsys.readouterr().out == "No backups.\n"


def test_nothing_changes_where_a_place_that_was_asked_for_refuses(
    shell: Sandbox, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    repository = tmp_path / "repo"
    repository.mkdir()
    shutil.copytree(ROOT / "policies", repository / "policies")
    config = (ROOT / "iamrbac.yaml").read_text()
    (repository / "iamrbac.yaml").write_text(config + "\nbackups: s3://nobodys-bucket/iamrbac\n")
    at = ["-C", str(repository), "--cluster", "staging", "-q"]
    assert run(["apply", *at, "--yes"]) == 1
    error = capsys.readouterr().err
    assert "error: [ERR214] s3://nobodys-bucket/iamrbac/acme/staging/: it cannot be backed up" in error
    assert "or do without a backup (--no-backup)" in error
    assert backups(shell, "staging") == []
    assert run(["plan", *at, "--detailed-exitcode"]) == 2
    assert run(["history", *at]) == 1
    assert "not known: staging: s3://nobodys-bucket/iamrbac/acme/staging/: s3:ListBucket" in capsys.readouterr().out
