"""Two states of one access repository, forty changes apart, over an access-entries cluster and an aws-auth cluster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

ACCOUNT: Final = "111122223333"
REGION: Final = "eu-west-1"
INSTANCE: Final = "torture"
ENTRIES, ROWS = "entries", "rows"
CLUSTERS: Final = (ENTRIES, ROWS)
NAMESPACES: Final = ("payments", "payments-batch", "search")
ADMIN: Final = "pat"
USERS: Final = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kim", "lee")
Side = Literal["before", "after"]

CONFIG: Final = """\
apiVersion: iamrbac.dev/v1alpha1
kind: Config
metadata: {{name: {instance}}}
identity: {{account: "{account}", groups: users}}
clusters:
  - {{name: entries, account: "{account}", region: {region}, mapping: access-entries}}
  - {{name: rows, account: "{account}", region: {region}, mapping: aws-auth}}
guards:
  maxRemovals: {{count: 100, fraction: 1}}
  minAdmins: {min_admins}
  protectedPrincipals: [{protected}]
suspended: [{suspended}]
"""
SANDBOX: Final = """\
apiVersion: iamrbac.dev/v1alpha1
kind: Sandbox
people:
{people}
  - {{user: pat, groups: [platform-admins], admin: true}}
  - {{user: quinn}}
  - {{user: rosa, groups: [cluster-admins]}}
  - {{user: ruth, groups: [cluster-admins]}}
  - {{user: sam}}
  - {{user: breakglass}}
roles: [{{name: deployer, path: /ci/}}]
clusters:
  entries: {{authenticationMode: API, namespaces: [{namespaces}]}}
  rows: {{authenticationMode: CONFIG_MAP, namespaces: [{namespaces}]}}
"""
POLICY: Final = """\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {{name: {team}}}
spec:
  owners: [{team}@example.com]
  members:
{members}
  access:
{access}
"""
AUDITOR: Final = """\
rules:
  - {{apiGroups: [""], resources: [pods, services], verbs: [{verbs}]}}
"""


@dataclass(frozen=True)
class Policy:
    """One team's policy: set → users, and its lines as YAML in flow style."""

    team: str
    members: dict[str, tuple[str, ...]]
    access: tuple[str, ...]

    def text(self) -> str:
        members = (
            f"    {name}: [{', '.join(_member(one) for one in who)}]" for name, who in sorted(self.members.items())
        )
        return POLICY.format(
            team=self.team, members="\n".join(members), access="\n".join(f"    - {{{line}}}" for line in self.access)
        )


EVERYWHERE: Final = 'clusters: ["*"]'
VIEW: Final = "{eksAccessPolicy: AmazonEKSViewPolicy}"
POLICIES: Final[dict[Side, tuple[Policy, ...]]] = {
    "before": (
        Policy(
            "payments",
            {
                "developers": ("alice", "bob", "carol"),
                "oncall": ("dave", "erin"),
                "auditors": ("frank",),
                "deployer": ("ci/deployer",),
            },
            (
                f"to: [developers], {EVERYWHERE}, namespaces: [payments], role: developer",
                f"to: [oncall], {EVERYWHERE}, namespaces: [payments], role: operator",
                f"to: [auditors], {EVERYWHERE}, namespaces: [search], role: auditor",
                f"to: [deployer], {EVERYWHERE}, namespaces: [payments], role: deployer",
                f"to: [oncall], clusters: [entries], namespaces: [payments], role: {VIEW}",
            ),
        ),
        Policy(
            "search",
            {"developers": ("grace", "heidi"), "leads": ("ivan",)},
            (
                f"to: [developers], {EVERYWHERE}, namespaces: [search], role: developer",
                f"to: [leads], {EVERYWHERE}, namespaces: [search], role: {{clusterRole: view}}",
            ),
        ),
    ),
    "after": (
        Policy(
            "payments",
            {
                "developers": ("alice", "dave", "judy"),
                "oncall": ("bob", "erin", "kim"),
                "auditors": ("frank", "lee"),
                "deployer": ("ci/deployer",),
            },
            (
                f"to: [developers], {EVERYWHERE}, namespaces: [payments], role: developer",
                f"to: [developers], {EVERYWHERE}, namespaces: [search], role: viewer",
                f"to: [oncall], {EVERYWHERE}, namespaces: [payments], "
                "role: {template: operator, parameters: {exec: true}}",
                f"to: [auditors], {EVERYWHERE}, namespaces: [search], role: auditor",
                f"to: [deployer], {EVERYWHERE}, namespaces: [payments], role: deployer",
                f"to: [auditors], clusters: [entries], namespaces: [search], role: {VIEW}",
            ),
        ),
        Policy(
            "search",
            {"developers": ("grace", "ivan"), "leads": ("heidi",)},
            (
                f"to: [developers], {EVERYWHERE}, namespaces: [search], role: developer",
                f"to: [leads], {EVERYWHERE}, namespaces: [search], role: operator",
            ),
        ),
    ),
}
VERBS: Final[dict[Side, str]] = {"before": "get, list", "after": "get, list, watch"}
"""What an auditor may: the same role's rules change."""


def write(root: Path, side: Side, instance: str = INSTANCE) -> Path:
    """Write the repository as it is on a side; return its folder."""
    write_config(root, instance)
    for policy in POLICIES[side]:
        write_policy(root, policy)
    roles = root / "templates" / "roles"
    roles.mkdir(parents=True)
    (roles / "auditor.yaml.j2").write_text(AUDITOR.format(verbs=VERBS[side]))
    return root


def write_config(
    root: Path,
    instance: str = INSTANCE,
    *,
    min_admins: int = 1,
    protected: tuple[str, ...] = (),
    suspended: tuple[str, ...] = (),
) -> None:
    """Write iamrbac.yaml and sandbox.yaml; there need be no folder yet."""
    (root / "policies").mkdir(parents=True, exist_ok=True)
    text = CONFIG.format(
        instance=instance,
        account=ACCOUNT,
        region=REGION,
        min_admins=min_admins,
        protected=", ".join((arn_of(ADMIN), *protected)),
        suspended=", ".join(suspended),
    )
    (root / "iamrbac.yaml").write_text(text)
    people = "\n".join(f"  - {{user: {user}}}" for user in USERS)
    (root / "sandbox.yaml").write_text(SANDBOX.format(people=people, namespaces=", ".join(NAMESPACES)))


def write_policy(root: Path, policy: Policy) -> None:
    """Write one team's file."""
    (root / "policies" / f"{policy.team}.yaml").write_text(policy.text())


def arn_of(user: str) -> str:
    """Return a user's ARN."""
    return f"arn:aws:iam::{ACCOUNT}:user/{user}"


def _member(name: str) -> str:
    kind = "iamRole" if "/" in name else "iamGroup" if name.endswith("-admins") else "iamUser"
    return f"{{{kind}: {name}}}"


FOREIGN: Final = {
    "mapRoles": (
        "# Written by eksctl. Without this row the nodes are NotReady.\n"
        "- groups:\n"
        "  - system:bootstrappers\n"
        "  - system:nodes\n"
        "  rolearn: arn:aws:iam::111122223333:role/eks-node-role\n"
        "  username: system:node:{{EC2PrivateDNSName}}\n"
        "\n"
        '-   rolearn:   "arn:aws:iam::111122223333:role/legacy-ci"   # until the migration\n'
        "    username:  'ci'\n"
        '    groups:    [ci , "builders"]\n'
        "    since: 2019-01-01\n"
    ),
    "mapUsers": (
        "# The platform team. Ask before you change this.\n"
        "- userarn: arn:aws:iam::111122223333:user/pat  \n"
        "  username: pat\n"
        "  groups:\n"
        "    - system:masters\n"
        "- {userarn: arn:aws:iam::111122223333:user/quinn, username: quinn, groups: ['system:masters']}\n"
        "- a row that is none\n"
        "# below: whatever else there is\n"
    ),
    "mapAccounts": "[]   # none\n",
    "notes": "kept as it is\r\n",
}
"""What others have in aws-auth, as people leave it."""
OURS: Final = frozenset((*map(arn_of, USERS), f"arn:aws:iam::{ACCOUNT}:role/deployer"))
"""Whom our rows in aws-auth may be for."""
