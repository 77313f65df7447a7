"""`iamrbac migrate` on a real API server with EKS's own authenticator, while people ask all the time.

The rows are read by its backend EKSConfigMap, the entries by DynamicFile.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from iamrbac.token.sign import Credentials
from tests.e2e.real import ACCOUNT, RealCluster, RealSandbox, Who, eventually, may, meanwhile

CLUSTER = "production"
CONFIG = f"""\
apiVersion: iamrbac.dev/v1alpha1
kind: Config
metadata: {{name: acme}}
identity: {{account: "{ACCOUNT}", groups: users}}
clusters: [{{name: production, account: "{ACCOUNT}", region: eu-west-1}}]
"""
SANDBOX = """\
apiVersion: iamrbac.dev/v1alpha1
kind: Sandbox
people:
  - {user: alice, path: /staff/, groups: [developers]}
  - {user: pat, groups: [platform-admins], admin: true}
roles: [{name: deployer, path: /ci/}]
clusters: {production: {authenticationMode: CONFIG_MAP, namespaces: [payments]}}
"""
ROWS = f"""\
# alice asked for this
- userarn: arn:aws:iam::{ACCOUNT}:user/staff/alice
  username: alice
  groups: [developers]
"""
DEPLOYER = f"- {{rolearn: 'arn:aws:iam::{ACCOUNT}:role/deployer', username: 'ci:{{{{SessionName}}}}', groups: [ci]}}\n"
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "people", "namespace": "payments"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
    "subjects": [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "developers"},
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ci:build-7"},
    ],
}
MASTERS = "system:masters"


@dataclass
class Asking:
    """People who ask who they are and what they may, from a thread of their own."""

    cluster: RealCluster
    people: dict[str, tuple[Credentials, Who, str]]
    """Name → keys, whom they have to be (without system:masters), and the namespace in which they may delete pods."""
    asked: int = 0
    wrong: list[str] = field(default_factory=list)

    def once(self) -> None:
        for name, (keys, expected, namespace) in self.people.items():
            self.asked += 1
            who = self.cluster.who(keys)
            if who is not None:
                who = who[0], tuple(one for one in who[1] if one != MASTERS and not one.startswith("iamrbac-migrate"))
            if who != expected:
                self.wrong.append(f"{name} is {who}")
                continue
            client = self.cluster.as_(keys)
            try:
                if not may(client, "delete", "pods", namespace):
                    self.wrong.append(f"{name} may not delete pods")
            finally:
                client.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("access")
    (root / "iamrbac.yaml").write_text(CONFIG)
    (root / "sandbox.yaml").write_text(SANDBOX)
    return root


@pytest.fixture(scope="module")
def hand_made(folder: Path) -> Iterator[RealSandbox]:
    """One cluster in the mode CONFIG_MAP, with rows by hand."""
    sandbox = RealSandbox(folder)
    try:
        cluster = sandbox.clusters[CLUSTER]
        there = cluster.objects.get("ConfigMap", "kube-system", "aws-auth")
        assert there is not None
        data = there["data"]
        cluster.set_aws_auth({"mapRoles": data["mapRoles"] + DEPLOYER, "mapUsers": data["mapUsers"] + ROWS})
        cluster.objects.put(BINDING)
        yield sandbox
    finally:
        sandbox.stop()


def migrate(sandbox: RealSandbox, folder: Path, *more: str) -> dict[str, object]:
    command = (sys.executable, "-m", "iamrbac", "migrate", "--to", "access-entries", "--yes", "-o", "json")
    with pytest.MonkeyPatch.context() as patch:
        # Where sessions of assumed roles are kept: those of another sandbox are no good here.
        patch.setenv("HOME", str(folder))
        done = sandbox.run(*command, "-C", str(folder), *more, cwd=folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_nobody_notices_before_during_and_after(hand_made: RealSandbox, folder: Path) -> None:
    cluster = hand_made.clusters[CLUSTER]
    before = cluster.objects.get("ConfigMap", "kube-system", "aws-auth")
    assert before is not None
    people: dict[str, tuple[Credentials, Who, str]] = {
        "pat": (hand_made.people["pat"].keys, ("pat", ()), "kube-system"),
        "alice": (hand_made.people["alice"].keys, ("alice", ("developers",)), "payments"),
        "deployer": (hand_made.session("deployer", "build@7"), ("ci:build-7", ("ci",)), "payments"),
    }
    asking = Asking(cluster, people)
    for keys, expected, _ in people.values():
        rows = (expected[0], (MASTERS,)) if expected is not None and expected[0] == "pat" else expected
        assert cluster.settled(keys, rows) == rows
    assert eventually(lambda: may(cluster.as_(people["alice"][0]), "delete", "pods", "payments"), True)
    with meanwhile(asking.once):
        migrate(hand_made, folder, "--keep-rows", "--settle", "2s", "--probe", "alice", "--probe", "deployer")
        migrate(hand_made, folder, "--undo", "--settle", "2s")
        migrate(hand_made, folder, "--settle", "2s", "--probe", "alice", "--probe", "deployer")
    assert asking.wrong == []
    assert asking.asked > 30
    entries = hand_made.client("eks").list_access_entries(clusterName=CLUSTER)["accessEntries"]
    assert len(entries) == 3
    after = cluster.objects.get("ConfigMap", "kube-system", "aws-auth")
    assert after is not None
    assert "# Written by eksctl" in after["data"]["mapRoles"]
    assert [row["username"] for row in yaml.safe_load(after["data"]["mapRoles"])] == [
        "system:node:{{EC2PrivateDNSName}}"
    ]
    assert not yaml.safe_load(after["data"]["mapUsers"])


def test_at_the_very_end_the_mode_is_api_and_everybody_is_who_they_were(hand_made: RealSandbox, folder: Path) -> None:
    """The sandbox's authenticator starts anew for that, so that nobody asks meanwhile."""
    cluster, alice = hand_made.clusters[CLUSTER], hand_made.people["alice"].keys
    migrate(hand_made, folder, "--nodes", "--settle", "0s")
    migrate(hand_made, folder, "--final", "--probe", "alice")
    assert cluster.settled(alice, ("alice", ("developers",))) == ("alice", ("developers",))
    pat = hand_made.people["pat"].keys
    assert eventually(lambda: may(cluster.as_(pat), "delete", "nodes", ""), True)
