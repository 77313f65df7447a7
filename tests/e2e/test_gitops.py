"""Delivery by Git on real servers: iamrbac commits and pushes, Argo CD's own sync engine pulls and keeps it true."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iamrbac.sandbox.gitops.engine import Engine
from iamrbac.sandbox.gitops.repository import git
from iamrbac.sandbox.gitops.syncer import Following, Target
from iamrbac.token.sign import Credentials
from tests.conformance.http import RBAC, Client
from tests.e2e.real import ACCOUNT, REGION, RealCluster, RealSandbox
from tests.sandbox.gitops.hosted import Hosted
from tests.sandbox.gitops.waiting import until

pytestmark = pytest.mark.gitops_engine

CONFIG = """\
apiVersion: iamrbac.dev/v1alpha1
kind: Config
metadata: {{name: {name}}}
identity: {{account: "{account}", groups: users}}
home: {{namespace: {name}-system}}
gitops:
  repository: {bare}
  layout: argocd
  author: {{name: Pat, email: pat@example.com}}
  argocd: {{repoURL: https://git.example.com/acme/clusters.git}}
clusters:
  - {{name: staging, account: "{account}", region: {region}, delivery: gitops, manageNamespaces: true}}
guards:
  minAdmins: 1
  protectedPrincipals: ["arn:aws:iam::{account}:user/pat"]
"""
POLICY = """\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {{name: {name}}}
spec:
  owners: [leads@example.com]
  members: {{developers: [{{iamUser: {name}}}]}}
  access: [{{clusters: [staging], namespaces: [{namespaces}], role: developer}}]
"""
CONFIG_MAP = "/api/v1/namespaces/{}/configmaps/others"


class World:
    """A user of this test's own, a policy for her, and the cluster staging that follows a repository."""

    def __init__(self, real: RealSandbox, folder: Path) -> None:
        self.name = f"g{uuid.uuid4().hex[:8]}"
        self.first, self.second = f"{self.name}-one", f"{self.name}-two"
        self.real = real
        self.cluster: RealCluster = real.clusters["staging"]
        self.hosted = Hosted(folder)
        self.repository = folder / "access"
        (self.repository / "policies").mkdir(parents=True)
        about = {"name": self.name, "account": ACCOUNT, "region": REGION, "bare": self.hosted.bare}
        (self.repository / "iamrbac.yaml").write_text(CONFIG.format(**about))
        self.policy(self.first, self.second)
        # What another team has there before us.
        self.hosted.write("other.yaml", self._theirs(), self._their_namespace())
        self.path = self.hosted.clone / self.hosted.source.path
        self.path.rename(self.path.with_name("staging"))
        self.hosted.push()

    def _theirs(self) -> dict[str, Any]:
        metadata = {"name": "others", "namespace": f"{self.name}-others"}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"theirs": "1"}}

    def _their_namespace(self) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{self.name}-others"}}

    def policy(self, *namespaces: str) -> None:
        text = POLICY.format(name=self.name, namespaces=", ".join(namespaces))
        (self.repository / "policies" / "team.yaml").write_text(text)

    def iamrbac(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = self.real.run("iamrbac", *words, cwd=self.repository)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def apply(self, code: int = 0) -> None:
        self.iamrbac("apply", "--yes", "--quiet", code=code)

    @property
    def tip(self) -> str:
        return git(self.hosted.bare, "rev-parse", "main")

    def files(self) -> set[str]:
        return set(git(self.hosted.bare, "ls-tree", "-r", "--name-only", "main").splitlines())

    def binding(self, namespace: str) -> dict[str, Any]:
        (found,) = [one for one in self.cluster.objects.list("RoleBinding", namespace) if self.name in str(one)]
        return found


@pytest.fixture
def keys(real: RealSandbox, world: World) -> Iterator[Credentials]:
    iam = real.client("iam")
    iam.create_user(UserName=world.name)
    key = iam.create_access_key(UserName=world.name)["AccessKey"]
    yield Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    eks = real.client("eks")
    arn = f"arn:aws:iam::{ACCOUNT}:user/{world.name}"
    if arn in eks.list_access_entries(clusterName="staging")["accessEntries"]:
        eks.delete_access_entry(clusterName="staging", principalArn=arn)
    iam.delete_access_key(UserName=world.name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=world.name)


@pytest.fixture
def world(real: RealSandbox, tmp_path: Path) -> Iterator[World]:
    found = World(real, tmp_path)
    yield found
    for namespace in (found.first, found.second, f"{found.name}-others", f"{found.name}-system"):
        found.cluster.objects.delete("Namespace", None, namespace)


@pytest.fixture
def following(world: World) -> Iterator[Following]:
    source = world.hosted.source
    source = type(source)(source.repository, source.branch, "clusters/staging")
    target = Target(world.cluster.url, world.cluster.ca_pem, world.cluster.token)
    with Following(Engine(source, target, world.name), 0.5) as found:
        yield found
        found.check()


@pytest.fixture
def granted(world: World, keys: Credentials, following: Following) -> Client:
    """Delivered and synced by one command, and the user's own connection."""
    world.iamrbac("apply", "--yes", "--quiet", "--wait", "10m")
    world.iamrbac("plan", "--detailed-exitcode")
    return world.cluster.as_(keys)


def in_sync(world: World) -> bool:
    plan = json.loads(world.iamrbac("plan", "-o", "json").stdout)
    return not [one for one in plan["findings"] if one["id"] == "GIT006"]


def pods(client: Client, namespace: str) -> Callable[[], int]:
    return lambda: awake(client).get(f"/api/v1/namespaces/{namespace}/pods").code


def awake(client: Client) -> Client:
    """A connection anew: the server closes one that nobody used for a while."""
    client.close()
    return client


def test_access_comes_with_the_push_and_goes_with_the_revert(
    world: World, keys: Credentials, following: Following
) -> None:
    granted = world.cluster.as_(keys)
    assert pods(granted, world.first)() == 401
    # The entry would count at once, so it waits for what it gives access to.
    world.apply(6)
    until(lambda: all(world.cluster.objects.list("RoleBinding", one) for one in (world.first, world.second)), True)
    world.apply()
    world.iamrbac("plan", "--detailed-exitcode")
    until(pods(granted, world.first), 200)
    assert pods(granted, "default")() == 403
    commit = world.tip
    world.iamrbac("apply", "--yes", "--quiet")
    assert world.tip == commit, "a second apply makes no commit"

    git(world.hosted.clone, "pull", "--quiet", "origin", "main")
    world.hosted.revert(commit)
    until(pods(granted, world.first), 403)
    # The policy still says it: the plan tells who would have it again, and apply brings it back.
    assert f"{world.name} gains developer" in world.iamrbac("plan").stdout
    world.apply()
    until(pods(granted, world.first), 200)


def test_a_change_by_hand_is_put_back(world: World, granted: Client) -> None:
    until(pods(granted, world.first), 200)
    binding = world.binding(world.first)
    (subject,) = binding["subjects"]
    path = f"{RBAC}/namespaces/{world.first}/rolebindings/{binding['metadata']['name']}"
    more = {"subjects": [subject, {**subject, "name": "intruders"}]}
    assert awake(world.cluster.superuser).patch(path, more).code == 200
    until(lambda: [one["name"] for one in world.binding(world.first)["subjects"]], [subject["name"]])

    assert awake(world.cluster.superuser).delete(path).code == 200
    until(lambda: len(world.cluster.objects.list("RoleBinding", world.first)), 1)
    until(pods(granted, world.first), 200)
    until(lambda: in_sync(world), True)


def test_what_a_policy_says_no_more_is_pruned_and_nothing_else(world: World, granted: Client) -> None:
    until(pods(granted, world.second), 200)
    theirs, path = world.cluster.superuser, CONFIG_MAP.format(f"{world.name}-others")
    assert awake(theirs).get(path).json["data"] == {"theirs": "1"}
    before = world.files()
    world.policy(world.first)
    world.apply()
    until(pods(granted, world.second), 403)
    until(lambda: world.cluster.objects.list("RoleBinding", world.second), [])
    assert pods(granted, world.first)() == 200
    # A namespace stays, whatever becomes of its file; so does what we did not write.
    gone = before - world.files()
    assert {path.split("/")[2] for path in gone} == {world.second}
    assert world.cluster.objects.get("Namespace", None, world.second) is not None
    assert "clusters/staging/other.yaml" in world.files()
    assert awake(theirs).get(path).json["data"] == {"theirs": "1"}
    until(lambda: in_sync(world), True)


def test_status_waits_for_the_engine_and_a_rollback_brings_access_back(world: World, granted: Client) -> None:
    until(pods(granted, world.second), 200)
    first = world.tip
    world.iamrbac("status", "--wait", "5m")
    world.policy(world.first)
    world.apply()
    world.iamrbac("status", "--wait", "5m")
    until(pods(granted, world.second), 403)

    world.iamrbac("rollback", "--to", first, "--yes")
    assert git(world.hosted.bare, "diff", "--stat", first, "main") == ""
    world.iamrbac("status", "--wait", "5m")
    until(pods(granted, world.second), 200)
    (cluster,) = json.loads(world.iamrbac("status", "-o", "json").stdout)["clusters"]
    assert cluster["delivered"]["rolledBackTo"] == first


def test_the_demo_holds_with_argo_cds_engine() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "iamrbac", "demo", "--gitops", "--kube", "real"],
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "2. The cluster follows: Argo CD's sync engine pulls and syncs" in done.stdout
    assert "All 31 checks held in " in done.stdout
