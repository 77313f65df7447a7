"""status and rollback as a person runs them: real git, the sandbox's clusters, and a deliverer that is a few lines."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from iamrbac import wiring
from iamrbac.compile.names import INSTANCE_LABEL
from iamrbac.kube.client import KubeApi
from iamrbac.kube.paths import item
from iamrbac.model.documents import Cluster
from iamrbac.sandbox.runner import Sandbox
from tests.cli.test_plan_apply import Shell, schema
from tests.conftest import ROOT


def git(*arguments: str, folder: Path) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout.strip()


@pytest.fixture
def remote(
    tmp_path: Path, fresh_sandbox: Sandbox, admin_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A bare repository, and git settings of the test's own."""
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = pat\n\temail = pat@example.com\n[init]\n\tdefaultBranch = main\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place = tmp_path / "clusters.git"
    git("init", "--quiet", "--bare", str(place), folder=tmp_path)
    yield place


@pytest.fixture
def repository(tmp_path: Path, remote: Path) -> Path:
    """A copy of the sample's repository, committed; staging by Git, somebody else maps there."""
    copy = tmp_path / "repo"
    shutil.copytree(ROOT / "policies", copy / "policies")
    config = yaml.safe_load((ROOT / "iamrbac.yaml").read_text())
    config["gitops"] = {"repository": remote.as_uri()}
    for cluster in config["clusters"]:
        if cluster["name"] == "staging":
            cluster |= {"delivery": "gitops", "mapping": "external"}
    (copy / "iamrbac.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    git("init", "--quiet", folder=copy)
    commit(copy)
    return copy


@pytest.fixture
def shell(repository: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(repository, capsys)


def commit(repository: Path) -> str:
    git("add", "--all", folder=repository)
    git("commit", "--quiet", "-m", "policy", folder=repository)
    return git("rev-parse", "HEAD", folder=repository)


def objects(remote: Path) -> list[dict[str, Any]]:
    """What the branch has for staging."""
    names = git("ls-tree", "-r", "--name-only", "main", folder=remote).splitlines()
    return [
        yaml.safe_load(git("show", f"main:{name}", folder=remote))
        for name in names
        if name.startswith("clusters/staging/") and name.endswith(".yaml")
    ]


def cluster(repository: Path) -> KubeApi:
    """The API of staging, as the admin sees it."""
    edges = wiring.edges(repository)
    client = edges.kube(edges.aws.target(Cluster(name="staging", account="111122223333", region="eu-west-1")))
    assert isinstance(client, KubeApi)
    return client


def sync(remote: Path, sandbox: Sandbox, repository: Path) -> None:
    """Do what Argo CD does."""
    wanted = objects(remote)
    for one in wanted:
        sandbox.cluster("staging").store.put(one)
    names = {(one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]) for one in wanted}
    client = cluster(repository)
    ours = [one for one in client.state()[1] if INSTANCE_LABEL in one.meta.labels]
    for there in sorted(ours, key=lambda one: one.key.kind, reverse=True):
        if (there.key.kind, there.key.namespace, there.key.name) not in names:
            client.delete(there)
    client.close()


def status_json(shell: Shell, *arguments: str) -> dict[str, Any]:
    shell("status", "-o", "json", *arguments)
    value: dict[str, Any] = json.loads(shell.out)
    assert list(schema("status").iter_errors(value)) == []
    return value


def staging(shell: Shell) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in status_json(shell)["clusters"] if one["name"] == "staging")
    return found


def test_from_nothing_to_in_sync_and_back(shell: Shell, remote: Path, repository: Path, fresh_sandbox: Sandbox) -> None:
    assert shell("status") == 3
    assert "not delivered" in shell.out
    assert shell("apply", "--yes", "--cluster", "staging") == 0
    first = git("rev-parse", "main", folder=remote)
    assert shell("status") == 3
    assert shell.out.splitlines()[-1] == "Status: 1 out of sync, 2 direct."
    sync(remote, fresh_sandbox, repository)
    assert shell("status", "--wait", "1m") == 0
    found = staging(shell)
    assert found["sync"] == "in-sync"
    assert found["delivered"]["commit"] == first
    assert found["delivered"]["policy"] == {
        "commit": git("rev-parse", "HEAD", folder=repository),
        "standing": "same",
        "newer": 0,
    }
    policy = repository / "policies" / "search.yaml"
    policy.write_text(policy.read_text().replace("role: developer", "role: viewer", 1))
    commit(repository)
    assert staging(shell)["delivered"]["policy"]["standing"] == "older"
    assert shell("apply", "--yes", "--cluster", "staging") == 0
    sync(remote, fresh_sandbox, repository)
    assert shell("rollback", "--to", first[:10], "--yes") == 0
    assert "loses viewer" in shell.out
    assert "revert the policy too" in shell.err
    assert git("diff", "--stat", first, "main", folder=remote) == ""
    assert git("log", "-1", "--format=%s", "main", folder=remote).startswith(f"Roll back to {first[:12]}: ")
    assert f"Rolled-Back-To: {first}" in git("log", "-1", "--format=%b", "main", folder=remote)
    assert staging(shell)["delivered"]["rolledBackTo"] == first
    assert staging(shell)["delivered"]["policy"]["standing"] == "older"
    sync(remote, fresh_sandbox, repository)
    assert shell("status") == 0
    assert shell("rollback", "--to", first, "--yes") == 0
    assert shell("plan", "--cluster", "staging", "--detailed-exitcode") == 2


def test_drift_by_hand_is_shown_with_its_field_manager(
    shell: Shell, remote: Path, repository: Path, fresh_sandbox: Sandbox
) -> None:
    shell("apply", "--yes", "--cluster", "staging")
    sync(remote, fresh_sandbox, repository)
    store = fresh_sandbox.cluster("staging").store
    one = next(one for one in store.list("RoleBinding") if one["metadata"].get("labels", {}).get(INSTANCE_LABEL))
    one["subjects"].append({"kind": "User", "name": "mallory", "apiGroup": "rbac.authorization.k8s.io"})
    path = item("RoleBinding", one["metadata"]["namespace"], one["metadata"]["name"])
    client = cluster(repository)
    client._transport.write("edit", "PUT", f"{path}?fieldManager=kubectl-edit", one)
    client.close()
    assert shell("status") == 3
    assert re.search(r"otherwise in subjects; field manager kubectl-edit, \d{4}-\d\d-\d\dT[0-9:]{8}Z\n", shell.out)


def test_a_cluster_that_does_not_answer_is_unknown(shell: Shell, remote: Path, fresh_sandbox: Sandbox) -> None:
    shell("apply", "--yes", "--cluster", "staging")
    fresh_sandbox.cluster("staging").stop()
    assert shell("status") == 1
    found = staging(shell)
    assert (found["sync"], found["error"]["code"]) == ("unknown", "ERR202")
    assert found["delivered"]["commit"] == git("rev-parse", "main", folder=remote)


def test_a_rollback_that_nobody_confirms_or_that_leads_nowhere(
    shell: Shell, remote: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    shell("apply", "--yes", "--cluster", "staging")
    first = git("rev-parse", "main", folder=remote)
    policy = repository / "policies" / "search.yaml"
    policy.write_text(policy.read_text().replace("role: developer", "role: viewer", 1))
    shell("apply", "--yes", "--cluster", "staging")
    second = git("rev-parse", "main", folder=remote)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert shell("rollback", "--to", first) == 5
    assert git("rev-parse", "main", folder=remote) == second
    assert shell("rollback", "--to", "nope", "--yes") == 1
    assert "there is no revision nope there" in shell.err
    assert shell("rollback", "--to", first, "--cluster", "production", "--yes") == 64
    assert "written directly: production; there a run is undone, and no commit gone back to" in shell.err


def test_help_says_what_a_rollback_is_not(shell: Shell) -> None:
    assert shell("rollback", "--help") == 0
    said = " ".join(shell.out.split())
    assert "revert the policy too" in said
    assert "access entries and rows of aws-auth that are written directly" in said
