"""Every kind of member on the real authenticator: who gets in as what, and who does not.

An instance of its own beside the sample's, with people of its own: the sandbox is shared.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from iamrbac.token.sign import Credentials
from tests.e2e.real import ACCOUNT, REGION, RealCluster, RealSandbox, Who

ENTRIES, ROWS = "development", "production"
NAMES = (ENTRIES, ROWS)
SSO = f"/aws-reserved/sso.amazonaws.com/{REGION}/"
CONFIG = f"""\
apiVersion: iamrbac.dev/v1alpha1
kind: Config
metadata: {{name: who}}
identity: {{account: "{ACCOUNT}", groups: users}}
home: {{namespace: iamrbac-who}}
clusters:
  - {{name: {ENTRIES}, account: "{ACCOUNT}", region: {REGION}, mapping: access-entries, namespaces: [payments]}}
  - {{name: {ROWS}, account: "{ACCOUNT}", region: {REGION}, mapping: aws-auth, namespaces: [payments]}}
guards: {{maxRemovals: {{count: 100, fraction: 1}}, minAdmins: 0}}
"""


@dataclass
class World:
    """People, groups and roles under names that nobody else uses, and a policy for each of `members`."""

    real: RealSandbox
    root: Path
    tag: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    users: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)

    def name(self, short: str) -> str:
        """A name of our own."""
        return f"{short}-{self.tag}"

    def user(self, short: str, *groups: str, path: str = "/") -> tuple[str, Credentials]:
        """Make a user with a key, in groups: the ARN, and the key."""
        iam, name = self.real.client("iam"), self.name(short)
        arn = iam.create_user(UserName=name, Path=path)["User"]["Arn"]
        key = iam.create_access_key(UserName=name)["AccessKey"]
        for group in groups:
            iam.add_user_to_group(GroupName=self.name(group), UserName=name)
        self.users.append(name)
        return arn, Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def remove(self, name: str) -> None:
        """Delete a user and whatever hangs on it."""
        iam = self.real.client("iam")
        for group in iam.list_groups_for_user(UserName=name)["Groups"]:
            iam.remove_user_from_group(GroupName=group["GroupName"], UserName=name)
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName=name)
        self.users.remove(name)

    def group(self, short: str) -> None:
        """Make a group."""
        self.real.client("iam").create_group(GroupName=self.name(short))
        self.groups.append(self.name(short))

    def role(self, name: str, path: str) -> str:
        """Make a role that anybody may assume: its ARN."""
        made = self.real.client("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument="{}")
        self.roles.append(name)
        return str(made["Role"]["Arn"])

    def policy(self, team: str, member: str) -> None:
        """Let a team's one member list what is in `payments`, everywhere."""
        (self.root / "policies" / f"{team}.yaml").write_text(
            "apiVersion: iamrbac.dev/v1alpha1\nkind: AccessPolicy\n"
            f"metadata: {{name: {team}}}\nspec:\n  members: {{all: [{{{member}}}]}}\n"
            '  access: [{clusters: ["*"], namespaces: [payments], role: {clusterRole: view}}]\n'
        )

    def apply(self, *options: str) -> None:
        """Make it so."""
        done = self.real.run("iamrbac", "apply", "--yes", "-q", "-C", str(self.root), *options)
        assert done.returncode == 0, done.stdout + done.stderr

    def clean(self) -> None:
        """Take all of it away again."""
        for file in (self.root / "policies").iterdir():
            file.unlink()
        self.apply("--allow-removals", "100")
        iam = self.real.client("iam")
        for name in tuple(self.users):
            self.remove(name)
        for name in self.groups:
            iam.delete_group(GroupName=name)
        for name in self.roles:
            iam.delete_role(RoleName=name)


@pytest.fixture(scope="module")
def world(real: RealSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("who")
    (root / "policies").mkdir()
    (root / "iamrbac.yaml").write_text(CONFIG)
    made = World(real, root)
    for group in ("red", "blue", "oncall", "again"):
        made.group(group)
    made.role(made.name("robot"), "/ci/")
    for name in ("Who", "Who_More"):
        made.role(f"AWSReservedSSO_{name}{made.tag}_0123456789abcdef", SSO)
    made.policy("red", f"iamGroup: {made.name('red')}")
    made.policy("blue", f"iamGroup: {made.name('blue')}")
    made.policy("robots", f"iamRole: ci/{made.name('robot')}")
    made.policy("sso", f"permissionSet: Who{made.tag}")
    made.policy("oncall", f"iamGroup: {made.name('oncall')}, via: role")
    made.policy("again", f"iamGroup: {made.name('again')}")
    yield made
    made.clean()


@pytest.fixture(scope="module")
def both(world: World) -> tuple[str, Credentials]:
    return world.user("both", "red", "blue", path="/staff/")


@pytest.fixture(scope="module")
def again(world: World) -> tuple[str, Credentials]:
    return world.user("again", "again")


@pytest.fixture(scope="module")
def applied(world: World, both: object, again: object) -> World:
    world.apply()
    return world


@pytest.fixture(params=NAMES)
def cluster(request: pytest.FixtureRequest, applied: World) -> RealCluster:
    return applied.real.clusters[request.param]


def gets_in(cluster: RealCluster, keys: Credentials, expected: Who) -> None:
    """The server takes them for whom the plan means, and they may what their policies say."""
    assert cluster.settled(keys, expected) == expected
    client = cluster.as_(keys)
    assert client.get("/api/v1/namespaces/payments/pods").code == 200
    assert client.get("/api/v1/namespaces/search/pods").code == 403


def session_of(role: str, session: str) -> str:
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"


def rows(world: World) -> str:
    aws_auth = world.real.clusters[ROWS].objects.get("ConfigMap", "kube-system", "aws-auth")
    assert aws_auth is not None
    return str(aws_auth["data"]["mapRoles"])


def entries(world: World) -> list[str]:
    pages = world.real.client("eks").get_paginator("list_access_entries").paginate(clusterName=ENTRIES)
    return [principal for page in pages for principal in page["accessEntries"]]


def test_a_person_in_two_groups_has_both(cluster: RealCluster, both: tuple[str, Credentials]) -> None:
    arn, keys = both
    gets_in(cluster, keys, (arn, ("iamrbac:who:blue:all", "iamrbac:who:red:all")))


def test_a_role_with_a_path(applied: World, cluster: RealCluster) -> None:
    """An entry has the path, a row has none: either form in the other's place would let nobody in."""
    name = applied.name("robot")
    gets_in(cluster, applied.real.session(name, "build"), (session_of(name, "build"), ("iamrbac:who:robots:all",)))
    assert f"arn:aws:iam::{ACCOUNT}:role/ci/{name}" in entries(applied)
    assert f"arn:aws:iam::{ACCOUNT}:role/{name}" in rows(applied)
    assert f"role/ci/{name}" not in rows(applied)


def test_a_permission_set(applied: World, cluster: RealCluster) -> None:
    name = f"AWSReservedSSO_Who{applied.tag}_0123456789abcdef"
    keys = applied.real.session(name, "ana@example.com")
    # An @ would not do in a user name of Kubernetes: {{SessionName}} has a hyphen for it.
    gets_in(cluster, keys, (session_of(name, "ana-example.com"), ("iamrbac:who:sso:all",)))
    assert f"arn:aws:iam::{ACCOUNT}:role{SSO}{name}" in entries(applied)
    assert f"arn:aws:iam::{ACCOUNT}:role/{name}" in rows(applied)
    other = f"AWSReservedSSO_Who_More{applied.tag}_0123456789abcdef"
    assert cluster.who(applied.real.session(other, "ana@example.com")) is None


def enter(world: World, keys: Credentials, session: str) -> Credentials:
    """Assume the role of the set with `via: role`. Raises ClientError where STS refuses."""
    sts = boto3.Session(keys.access_key, keys.secret_key, region_name=REGION).client("sts", endpoint_url=world.real.url)
    role = f"arn:aws:iam::{ACCOUNT}:role/iamrbac/who.oncall.all"
    given = sts.assume_role(RoleArn=role, RoleSessionName=session)["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def test_a_group_that_comes_in_by_a_role(applied: World, cluster: RealCluster) -> None:
    """Joining and leaving is IAM's alone: nothing is applied here."""
    iam = applied.real.client("iam")
    _, keys = applied.user(f"oncall-{cluster.name}")
    user = applied.users[-1]
    with pytest.raises(ClientError, match="AccessDenied"):
        enter(applied, keys, user)
    iam.add_user_to_group(GroupName=applied.name("oncall"), UserName=user)
    with pytest.raises(ClientError, match="AccessDenied"):
        enter(applied, keys, "somebody-else")
    assert cluster.who(keys) is None, "their own keys are nobody's"
    session = enter(applied, keys, user)
    expected = (session_of("who.oncall.all", user), ("iamrbac:who:oncall:all",))
    gets_in(cluster, session, expected)
    iam.remove_user_from_group(GroupName=applied.name("oncall"), UserName=user)
    with pytest.raises(ClientError, match="AccessDenied"):
        enter(applied, keys, user)
    assert cluster.who(session) == expected, "a session that is open lives on until it ends"


def test_a_user_who_was_made_anew(applied: World, again: tuple[str, Credentials]) -> None:
    """EKS matches an entry by unique id, a row by ARN: only the entry has to be made anew."""
    arn, keys = again
    here, there = (applied.real.clusters[name] for name in NAMES)
    expected = (arn, ("iamrbac:who:again:all",))
    gets_in(here, keys, expected)
    applied.remove(applied.name("again"))
    same, anew = applied.user("again", "again")
    assert same == arn
    assert here.who(anew) is None
    gets_in(there, anew, expected)
    plan = applied.real.run("iamrbac", "plan", "-C", str(applied.root))
    assert f"AccessEntry {arn}" in plan.stdout, plan.stdout + plan.stderr
    assert "1 to replace" in plan.stdout, plan.stdout + plan.stderr
    applied.apply()
    gets_in(here, anew, expected)
    assert here.who(keys) is None
