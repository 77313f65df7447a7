"""What plan and apply ask of AWS and of a cluster: no more calls than kinds, and no right that README does not name."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from iamrbac import wiring
from iamrbac.cli.main import run
from iamrbac.sandbox.runner import Sandbox
from tests.conftest import ROOT
from tests.recorded import recorded

README = (ROOT / "README.md").read_text()


def noop(cluster: str = "staging") -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """Plan a cluster that is as it should be, and return what that asked."""
    with recorded() as (operations, requests):
        assert run(["plan", "-C", str(ROOT), "--cluster", cluster, "--detailed-exitcode", "-q"]) == 0
    return operations, requests


@pytest.fixture
def applied(fresh_sandbox: Sandbox, admin_environment: dict[str, str]) -> Sandbox:
    assert run(["apply", "-C", str(ROOT), "--yes", "-q"]) == 0
    return fresh_sandbox


def roles(sandbox: Sandbox, number: int) -> None:
    """Put other people's roles into staging."""
    for index in range(number):
        metadata = {"name": f"other-{index}", "namespace": "payments"}
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": []}
        sandbox.cluster("staging").store.put(role)


def test_requests_of_a_no_op_plan_grow_by_pages_only(applied: Sandbox) -> None:
    _, few = noop()
    roles(applied, 300)
    _, more = noop()
    assert more == few
    roles(applied, 1200)
    _, many = noop()
    assert many - few == Counter({("GET", "/apis/rbac.authorization.k8s.io/v1/roles"): 2})


def test_iam_is_asked_once_for_each_group(applied: Sandbox) -> None:
    with recorded() as (operations, _):
        assert run(["plan", "-C", str(ROOT), "-q"]) == 0
    assert operations["iam:GetGroup"] == len({"payments-developers", "payments-oncall", "search-developers"})
    assert operations["eks:DescribeCluster"] == 3


def block(title: str, language: str) -> str:
    """Return the first code block of a language after a heading of README."""
    section = README.split(title, 1)[1]
    match = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert match is not None, (title, language)
    return match.group(1)


def iam_actions() -> set[str]:
    """Actions of README's IAM policy."""
    policy = json.loads(block("## Permissions", "json"))
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def rbac_rights() -> set[tuple[str, str]]:
    """(verb, resource) of README's ClusterRole."""
    role = yaml.safe_load(block("## Permissions", "yaml"))
    return {(verb, resource) for rule in role["rules"] for verb in rule["verbs"] for resource in rule["resources"]}


VERBS = {"POST": "create", "PUT": "update", "DELETE": "delete", "PATCH": "patch"}


def right(method: str, path: str) -> tuple[str, str]:
    """The verb and resource that RBAC judges a request by."""
    parts = [part for part in path.split("/") if part]
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if parts[0] == "namespaces" and len(parts) > 2:
        parts = parts[2:]
    resource, named = parts[0], len(parts) > 1
    return (VERBS.get(method) or ("get" if named else "list"), resource)


POLICY = """\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {name: search}
spec:
  members:
    developers: [{iamGroup: search-developers}]
    leads: [{iamUser: erin}, {iamRole: payments-deployer}]
    applier: [{iamUser: carol}]
  access:
    - {to: [developers], clusters: [development], namespaces: [search, search-new], role: viewer}
    - {to: [developers], clusters: [development], scope: cluster, role: viewer}
    - {to: [developers], clusters: [development], namespaces: [search], role: {eksAccessPolicy: AmazonEKSViewPolicy}}
    - {to: [leads], clusters: [development, production], namespaces: [search], role: operator}
    - {to: [applier], clusters: [development, production], namespaces: [search], role: viewer}
"""


def be_carol(sandbox: Sandbox, repository: Path, patch: pytest.MonkeyPatch) -> None:
    """Let pat map carol, give her README's ClusterRole and no more, and act as her.

    Without a lock and a record, so that the home namespace and what is in it are left for her to make.
    """
    (repository / "policies" / "search.yaml").write_text(
        POLICY.split("    - {to: [dev")[0] + POLICY.splitlines(True)[-1]
    )
    with pytest.MonkeyPatch.context() as without:
        without.setattr(wiring, "recording", lambda *_: None)
        for name in ("development", "production"):
            assert run(["apply", "-C", str(repository), "--yes", "-q", "--no-lock", "--cluster", name]) == 0
    role = yaml.safe_load(block("## Permissions", "yaml"))
    for name in ("development", "production"):
        sandbox.cluster(name).store.put(role)
        sandbox.cluster(name).store.put(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": "appliers"},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": role["metadata"]["name"],
                },
                "subjects": [
                    {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": sandbox.arn("carol")},
                ],
            }
        )
    for name, value in sandbox.environment("carol").items():
        patch.setenv(name, value)


def spoil(sandbox: Sandbox) -> None:
    """Change every object of ours in development by hand: each has to be updated."""
    store = sandbox.cluster("development").store
    for kind, namespace in (
        ("Role", "search"),
        ("ClusterRole", None),
        ("RoleBinding", "search"),
        ("ClusterRoleBinding", None),
    ):
        for found in store.list(kind, namespace):
            if found["metadata"].get("labels", {}).get("iamrbac.dev/instance"):
                del found["metadata"]["labels"]["iamrbac.dev/set"]
                store.put(found)


def test_readme_names_the_rights_that_are_used_and_they_are_enough(
    fresh_sandbox: Sandbox, admin_environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "repo"
    (repository / "policies").mkdir(parents=True)
    config = (
        (ROOT / "iamrbac.yaml")
        .read_text()
        .replace("name: development", "name: development\n    manageNamespaces: true")
    )
    # So that a backup is too old, and goes.
    config += "\nbackups: {keep: 1}\n"
    (repository / "iamrbac.yaml").write_text(config)
    be_carol(fresh_sandbox, repository, monkeypatch)
    erin = fresh_sandbox.arn("erin")
    fresh_sandbox.client("eks").create_access_entry(clusterName="development", principalArn=erin)
    apply = ["apply", "-C", str(repository), "--yes", "-q", "--cluster", "development", "--cluster", "production"]
    with recorded() as (operations, requests):
        (repository / "policies" / "search.yaml").write_text(POLICY)
        assert run([*apply, "--adopt", f"AccessEntry/{erin}"]) == 0
        spoil(fresh_sandbox)
        assert run(apply) == 0
        lines = [line for line in POLICY.splitlines(keepends=True) if "eksAccessPolicy" not in line]
        (repository / "policies" / "search.yaml").write_text("".join(lines))
        assert run([*apply, "--allow-removals", "99"]) == 0
        (repository / "policies" / "search.yaml").write_text(
            POLICY.split("    - {to: [dev")[0] + POLICY.splitlines(True)[-1]
        )
        assert run([*apply, "--allow-removals", "99"]) == 0
    # The list of all policies is asked for on clusters with many entries only; sts:GetCallerIdentity needs no right.
    used = (set(operations) | {"eks:ListAccessPolicies"}) - {"sts:GetCallerIdentity"}
    assert used == iam_actions()
    needed = {(verb, kind) for verb in ("bind", "escalate") for kind in ("roles", "clusterroles")}
    assert {right(*request) for request in requests} | needed == rbac_rights()
