"""`can`, `who-can` and `access` of living clusters, and `snapshot`, on the sandbox."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from iamrbac.cli.main import run
from iamrbac.sandbox.runner import Sandbox
from tests.cli.shapes import check
from tests.conftest import ROOT

Ask: TypeAlias = Callable[..., tuple[int, str, str]]
STAGING = ("--live", "--cluster", "staging")
ALICE, PAT = (f"arn:aws:iam::111122223333:user/{name}" for name in ("staff/alice", "pat"))
FOREIGN = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "theirs"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": ALICE}],
}


@pytest.fixture
def shell(
    tmp_path: Path,
    fresh_sandbox: Sandbox,
    admin_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Ask]:
    """Run a command as the sandbox's admin, in a copy of the sample."""
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    shutil.copy(ROOT / "iamrbac.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)

    def asked(*argv: str) -> tuple[int, str, str]:
        code = run(list(argv))
        return (code, *capsys.readouterr())

    yield asked


@pytest.fixture
def ask(shell: Ask) -> Ask:
    """The same where the sample is applied."""
    assert shell("apply", "--yes", "-q")[0] == 0
    return shell


def as_json(ask: Ask, *argv: str) -> tuple[int, Any]:
    code, out, _ = ask(*argv, "-o", "json")
    answer = json.loads(out)
    check(argv[0], answer)
    return code, answer


def test_living_clusters_answer_with_the_policy_lines_of_what_is_ours(ask: Ask) -> None:
    code, answer = as_json(ask, "can", "alice", "get", "pods", "-n", "payments", "--live")
    assert code == 0
    assert [one["user"]["source"] for one in answer["clusters"]] == ["entry", "entry", "row"]
    assert all(one["because"][0].startswith("policies/payments.yaml:") for one in answer["via"])
    assert ask("can", "alice", "delete", "nodes", *STAGING)[0] == 3
    code, answer = as_json(ask, "can", "pat", "delete", "nodes", *STAGING)
    assert [one["role"] for one in answer["via"]] == ["eksAccessPolicy AmazonEKSClusterAdminPolicy"]


def test_what_is_not_ours_counts_and_is_told_apart(ask: Ask, fresh_sandbox: Sandbox) -> None:
    fresh_sandbox.cluster("staging").store.put(FOREIGN)
    code, out, _ = ask("can", "alice", "delete", "nodes", *STAGING)
    assert code == 0
    assert out.splitlines()[2:] == [
        f"     → User {ALICE}",
        "     → ClusterRoleBinding theirs",
        "     → clusterRole cluster-admin",
        "     → * on * (*)",
    ]
    code, answer = as_json(ask, "who-can", "delete", "nodes", *STAGING)
    (cluster,) = answer["clusters"]
    assert {one["principal"] for one in cluster["chains"]} == {ALICE, PAT, None}
    _, out, _ = ask("access", "--principal", "alice", *STAGING)
    assert f"  {ALICE}  clusterRole cluster-admin in (whole cluster)" in out.splitlines()


def test_access_of_living_clusters_names_everybody_mapped(ask: Ask) -> None:
    code, answer = as_json(ask, "access", *STAGING)
    assert code == 0
    assert {ALICE, PAT} <= {one["principal"] for one in answer["access"]}
    _, answer = as_json(ask, "access", *STAGING, "--team", "search")
    assert {one["group"] for one in answer["access"]} == {"iamrbac:acme:search:developers"}


def test_a_cluster_that_cannot_be_read_leaves_the_answer_open(ask: Ask, fresh_sandbox: Sandbox) -> None:
    config = Path("iamrbac.yaml")
    config.write_text(config.read_text().replace("  - name: staging\n", "  - name: staging\n    eksName: gone\n"))
    code, answer = as_json(ask, "can", "alice", "get", "pods", "-n", "payments", "--live")
    assert (code, answer["allowed"]) == (1, None)
    assert [one["cluster"] for one in answer["failed"]] == ["staging"]
    assert [one["cluster"] for one in answer["clusters"]] == ["development", "production"]
    for argv in (("who-can", "get", "pods", "--live"), ("access", "--live")):
        code, out, err = ask(*argv)
        assert code == 1
        assert "staging" in err
        assert "staging" not in out
    # A "no" elsewhere is one all the same.
    assert ask("can", "alice", "delete", "nodes", "--live")[0] == 3


def test_a_snapshot_answers_for_people_without_aws(shell: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = shell("snapshot")
    assert (code, err) == (0, "")
    check("identities", json.loads(out))
    code, said, err = shell("identities", "export", "--out", "people.json")
    assert (code, said) == (0, "")
    assert err == "Written to people.json: 3 groups, 3 users and roles\n"
    assert {**json.loads(Path("people.json").read_text()), "at": ""} == {**json.loads(out), "at": ""}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert shell("can", "alice", "get", "pods", "-n", "payments", "--people", "people.json")[0] == 0
    code, out, err = shell("snapshot", "--out", "again.json")
    assert (code, out) == (1, "")
    assert not Path("again.json").exists()


def test_a_snapshot_of_invalid_documents_is_not_taken(shell: Ask) -> None:
    Path("policies/bad.yaml").write_text("kind: AccessPolicy\n")
    code, out, _ = shell("snapshot", "--out", "people.json")
    assert code == 3
    assert out.startswith("policies/bad.yaml:1:1: error ")
    assert not Path("people.json").exists()


def test_each_cluster_says_whether_i_may(ask: Ask, fresh_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in fresh_sandbox.variables("alice").items():
        monkeypatch.setenv(name, value)
    code, out, err = ask("can", "create", "deployments", "-n", "payments", *STAGING)
    assert (code, err) == (0, f"I am {ALICE}\n")
    first, who, why = out.splitlines()
    assert first == "yes  I may create deployments.apps in payments (staging)"
    assert who == f"     {ALICE}, in iamrbac:acme:payments:developers, system:authenticated"
    assert why.strip()
    code, answer = as_json(ask, "can", "create", "deployments", "-n", "payments", "--live")
    assert (code, answer["allowed"]) == (3, False)
    assert {one["cluster"]: one["allowed"] for one in answer["clusters"]} == {
        "development": True,
        "staging": True,
        "production": False,
    }
    assert {one["user"]["source"] for one in answer["clusters"]} == {"self"}
    assert ask("can", "get", "/healthz", *STAGING)[0] == 0
    assert ask("can", "post", "/metrics", *STAGING)[0] == 3


def test_a_cluster_that_does_not_know_me_and_one_that_is_gone(
    shell: Ask, fresh_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in fresh_sandbox.variables("carol").items():
        monkeypatch.setenv(name, value)
    code, out, _ = shell("can", "get", "pods", "-n", "search", *STAGING)
    assert (code, out) == (3, "no  I may not get pods in search (staging)\n     nothing maps me there\n")
    fresh_sandbox.client("eks").delete_cluster(name="development")
    code, answer = as_json(shell, "can", "get", "pods", "-n", "search", "--live", "--cluster", "development")
    assert (code, answer["allowed"], [one["cluster"] for one in answer["failed"]]) == (1, None, ["development"])
