"""A run, a run that is killed half-way, and both undone: as a person does it, on the sandbox."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from iamrbac.sandbox.runner import Sandbox
from iamrbac.usecases import lock
from iamrbac.usecases.lease import Verdict
from tests.cli.test_plan_apply import Shell, plan_json, schema
from tests.conftest import ROOT

ACCOUNT = "111122223333"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/staff/alice"
OTHERS = "team.example.com/owner"


@pytest.fixture
def repository(tmp_path: Path, fresh_sandbox: Sandbox, admin_environment: dict[str, str]) -> Path:
    """A copy of the sample repository, and a fresh sandbox whose admin we are."""
    copy = tmp_path / "repo"
    shutil.copytree(ROOT / "policies", copy / "policies")
    shutil.copy(ROOT / "iamrbac.yaml", copy)
    return copy


@pytest.fixture
def shell(repository: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(repository, capsys)


def everything(sandbox: Sandbox) -> dict[str, Any]:
    """All of RBAC, aws-auth's rows and EKS's entries, without versions and times."""
    found: dict[str, Any] = {}
    eks = sandbox.client("eks")
    for name in ("development", "staging", "production"):
        store = sandbox.cluster(name).store
        for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"):
            for one in store.list(kind):
                meta = one["metadata"]
                rest = {key: one.get(key) for key in ("rules", "subjects", "roleRef")}
                found[f"{name} {kind} {meta.get('namespace')}/{meta['name']}"] = (meta.get("labels") or {}, rest)
        config_map = store.get("ConfigMap", "kube-system", "aws-auth")
        if config_map is not None:
            rows = yaml.safe_load(config_map["data"].get("mapUsers", "")) or []
            annotation = (config_map["metadata"].get("annotations") or {}).get("rows.iamrbac.dev/acme") or "[]"
            found[f"{name} rows"] = (sorted(json.dumps(row, sort_keys=True) for row in rows), json.loads(annotation))
        if name == "production":
            continue
        for arn in eks.list_access_entries(clusterName=name)["accessEntries"]:
            entry = eks.describe_access_entry(clusterName=name, principalArn=arn)["accessEntry"]
            found[f"{name} entry {arn}"] = (sorted(entry["kubernetesGroups"]), entry["username"], entry["tags"])
    return found


def killed(repository: Path, after: int) -> None:
    """Apply in a process of its own, and kill that when it has told of some writes."""
    command = [sys.executable, "-m", "iamrbac", "apply", "--yes", "--allow-removals", "99", "-C", str(repository)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=os.environ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            after -= line.startswith((b"+ added", b"~ changed"))
            if not after:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL


def test_a_run_that_is_killed_is_undone_and_so_is_the_one_before(
    shell: Shell, repository: Path, fresh_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The lock of a run that died is free after a minute, for which nobody waits here.
    monkeypatch.setattr(lock, "judge", lambda *_: Verdict.TAKE)
    start = everything(fresh_sandbox)
    assert shell("apply", "--yes", "-q") == 0
    first = everything(fresh_sandbox)
    policy = repository / "policies" / "payments.yaml"
    policy.write_text(policy.read_text().replace("role: developer", "role: operator"))
    killed(repository, 2)
    assert everything(fresh_sandbox) != first
    assert shell("rollback") == 5
    assert "Undoing " in shell.err
    assert ": apply, by arn:aws:iam::111122223333:user/pat" in shell.err
    assert shell("rollback", "--yes", "--allow-removals", "99") == 0
    assert "the next `iamrbac apply` brings what the policies say again" in shell.err
    assert everything(fresh_sandbox) == first
    # Without an ID the last run goes, which was a rollback; so there is nothing to do after a second one of the first.
    runs = [run for run in _runs(fresh_sandbox) if run]
    assert len(runs) == 3
    assert shell("rollback", runs[0], "--yes") == 3
    assert "GRD" in shell.out
    assert shell("rollback", runs[0], "--yes", "--allow-removals", "99", "-o", "json") == 0
    lines = [json.loads(line) for line in shell.out.splitlines()]
    assert [error for line in lines for error in schema("apply-event").iter_errors(line)] == []
    assert lines[-1]["exitCode"] == 0
    assert everything(fresh_sandbox) == start
    assert shell("history") == 0
    assert all(run in shell.out for run in _runs(fresh_sandbox))
    assert f"rollback {runs[0]}" in shell.out
    assert shell("rollback", "nope", "--yes") == 64
    assert shell("rollback", runs[0], "--to", "main", "--yes") == 64


def _runs(sandbox: Sandbox) -> list[str]:
    """Return the runs that left a backup on some cluster: one that is killed may not have come to all of them."""
    clusters = [sandbox.cluster(name) for name in ("development", "staging", "production")]
    maps = [one for cluster in clusters for one in cluster.store.list("ConfigMap", "iamrbac-system")]
    return sorted({one["metadata"].get("labels", {}).get("iamrbac.dev/backup", "") for one in maps} - {""})


def test_what_was_adopted_is_given_back(shell: Shell, fresh_sandbox: Sandbox) -> None:
    changes = plan_json(shell)["changes"]
    role = next(one for one in changes if (one["kind"], one["cluster"]) == ("Role", "staging"))
    fresh_sandbox.cluster("staging").store.put(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": role["name"], "namespace": role["namespace"], "labels": {OTHERS: "x"}},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
        }
    )
    fresh_sandbox.client("eks").create_access_entry(
        clusterName="staging", principalArn=ALICE, kubernetesGroups=["theirs"], tags={OTHERS: "x"}
    )
    store = fresh_sandbox.cluster("production").store
    config_map = store.get("ConfigMap", "kube-system", "aws-auth")
    assert config_map is not None
    row = f"- userarn: {ALICE} # by hand\n  username: alice\n  groups: [theirs]\n"
    config_map["data"]["mapUsers"] = config_map["data"].get("mapUsers", "") + row
    store.put(config_map)
    start = everything(fresh_sandbox)
    keys = [f"Role/{role['namespace']}/{role['name']}", f"AccessEntry/{ALICE}", f"AwsAuthRow/{ALICE}"]
    adopting = [word for key in keys for word in ("--adopt", key)]
    assert shell("apply", "--yes", "-q", *adopting) == 0
    after = everything(fresh_sandbox)
    assert shell("rollback", "--yes", "--allow-removals", "99") == 0
    assert "no longer ours: it is given back" in shell.out
    assert everything(fresh_sandbox) == start
    assert shell("rollback", "--yes", "--allow-removals", "99") == 0
    assert "» adopt" in shell.out
    assert everything(fresh_sandbox) == after


def test_help_says_what_a_rollback_is_not(shell: Shell) -> None:
    assert shell("rollback", "--help") == 0
    said = " ".join(shell.out.split())
    assert "Namespaces stay" in said
    assert "brings what the policies say again" in said
