"""A repository with history: what a base says, and a branch that changes a bit of everything."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.git.repo import Repo

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
ACCOUNT = "111122223333"


def config(rest: str = "", clusters: str = "") -> str:
    """iamrbac.yaml with three clusters."""
    return f"""\
apiVersion: iamrbac.dev/v1alpha1
kind: Config
metadata: {{name: acme}}
identity: {{account: "{ACCOUNT}", groups: users}}
clusters:
{clusters or CLUSTERS}{rest}"""


def cluster(name: str, env: str, more: str = "") -> str:
    catalogue = "[free, payments, payments-batch, search]"
    return (
        f'  - {{name: {name}, account: "{ACCOUNT}", region: eu-west-1, labels: {{env: {env}}}, '
        f"namespaces: {catalogue}{more}}}\n"
    )


CLUSTERS = cluster("development", "development") + cluster("staging", "staging") + cluster("production", "production")
GATES = """\
namespaces:
  - {name: "payments*", owner: payments}
  - {name: search, owner: search}
gates:
  - {name: production-reason, clusters: {env: production}, refuse: gain, unless: [reason, temporary]}
  - {name: no-cluster-wide, refuse: cluster-wide}
  - {name: a-month, maxDays: 30}
"""
WAIVERS = """\
apiVersion: iamrbac.dev/v1alpha1
kind: Waivers
waivers:
  - rule: gate/no-cluster-wide
    scope: {team: search, clusters: [staging]}
    reason: search rebuilds staging's storage
    notAfter: "2026-07-01T00:00:00Z"
  - rule: gate/production-reason
    scope: {team: payments}
    reason: the last launch
    notAfter: "2026-05-01T00:00:00Z"
"""


def policy(team: str, members: str, *access: str) -> str:
    lines = "".join(f"    - {line}\n" for line in access)
    return f"""\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {{name: {team}}}
spec:
  members: {members}
  access:
{lines}"""


def grant(name: str, ends: str, member: str = "iamUser: dave", role: str = "viewer") -> str:
    return f"""\
apiVersion: iamrbac.dev/v1alpha1
kind: TemporaryGrant
metadata: {{name: {name}}}
spec:
  team: payments
  members: [{{{member}}}]
  access: [{{clusters: [production], namespaces: [payments], role: {role}}}]
  notAfter: "{ends}"
  reason: INC-4211
"""


PAYMENTS = "{developers: [{iamGroup: payments-developers}], oncall: [{iamGroup: payments-oncall}, {iamUser: erin}]}"
SEARCH = "{developers: [{iamGroup: search-developers}]}"
BASE = {
    "iamrbac.yaml": config(GATES),
    "waivers.yaml": WAIVERS,
    "policies/payments.yaml": policy(
        "payments",
        PAYMENTS,
        '{to: [developers], clusters: ["*"], namespaces: ["payments*"], role: developer}',
        "{to: [oncall], clusters: [production], namespaces: [payments], role: viewer}",
    ),
    "policies/search.yaml": policy("search", SEARCH, "{clusters: [staging], namespaces: [search], role: viewer}"),
    "policies/temporary/launch.yaml": grant("launch", "2026-06-10T00:00:00Z"),
}
HEAD = {
    # The branch opens its own gates, and lets payments into search's namespace: neither counts before it is merged.
    "iamrbac.yaml": config('namespaces:\n  - {name: "payments*", owner: payments}\n'),
    "policies/payments.yaml": policy(
        "payments",
        PAYMENTS,
        "{to: [developers], clusters: [development, staging], namespaces: [payments, payments-batch], role: developer}",
        "{to: [developers], clusters: [production], namespaces: [payments], role: viewer}",
        "{to: [oncall], clusters: [production], namespaces: [payments], role: {template: operator, parameters: "
        "{exec: true}}}",
        "{to: [oncall], clusters: [production], namespaces: [payments-batch], role: operator, reason: PAY-7 batches}",
        "{to: [oncall], clusters: [staging], namespaces: [search], role: viewer}",
    ),
    "policies/search.yaml": policy(
        "search",
        SEARCH,
        "{clusters: [staging], namespaces: [search], role: viewer}",
        "{clusters: [staging, production], scope: cluster, role: {clusterRole: storage-admin}, reason: SEA-1}",
        "{clusters: [development], namespaces: [search], role: {eksAccessPolicy: AmazonEKSAutoNodePolicy}}",
    ),
    "policies/temporary/launch.yaml": grant("launch", "2026-08-01T00:00:00Z"),
}


def history(folder: Path) -> Repo:
    """The base on main, and the branch `change` checked out."""
    repo = Repo.init(folder)
    repo.commit(BASE, "the base")
    repo.git("switch", "--quiet", "-c", "change")
    repo.commit(HEAD, "the change")
    return repo
