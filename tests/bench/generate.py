"""A large access repository, the same every time: 1,000 policies, 10,000 grants, 20 clusters, about 30,000 objects."""

from __future__ import annotations

from pathlib import Path

POLICIES = 1_000
LINES = 10
"""Lines of access in each policy; each is one grant."""
CLUSTERS = 20
ENVIRONMENTS = ("development", "staging", "production")
ROLES = ("viewer", "developer", "operator", "deployer")
ACCOUNT = "111122223333"


def generate(root: Path) -> None:
    """Write the repository into an empty folder."""
    (root / "policies").mkdir(parents=True)
    (root / "iamrbac.yaml").write_text(_config(), encoding="utf-8")
    for number in range(POLICIES):
        (root / "policies" / f"team-{number:04}.yaml").write_text(_policy(number), encoding="utf-8")


def policy_bytes(root: Path) -> list[bytes]:
    """Return the contents of all policy files."""
    return [path.read_bytes() for path in sorted((root / "policies").rglob("*.yaml"))]


def _config() -> str:
    catalogue = ", ".join(f"team-{number:04}, team-{number:04}-batch" for number in range(POLICIES))
    clusters = "".join(
        f"  - name: cluster-{number:02}\n"
        f'    account: "{ACCOUNT}"\n'
        "    region: eu-west-1\n"
        f"    labels: {{env: {ENVIRONMENTS[number % 3]}}}\n"
        f"    namespaces: [{catalogue}]\n"
        for number in range(CLUSTERS)
    )
    return (
        "apiVersion: iamrbac.dev/v1alpha1\nkind: Config\nmetadata: {name: bench}\n"
        f'identity: {{account: "{ACCOUNT}", groups: users}}\nclusters:\n{clusters}'
    )


def _policy(number: int) -> str:
    team = f"team-{number:04}"
    lines = "".join(_line(number, index) for index in range(LINES))
    return (
        "apiVersion: iamrbac.dev/v1alpha1\nkind: AccessPolicy\n"
        f"metadata:\n  name: {team}\nspec:\n  owners: [{team}-leads@example.com]\n"
        "  members:\n"
        f"    developers:\n      - iamGroup: {team}-developers\n      - iamUser: {team}-lead\n"
        f"    oncall:\n      - iamGroup: {team}-oncall\n"
        f"    deployer:\n      - iamRole: ci/{team}-deployer\n"
        f"  access:\n{lines}"
    )


def _line(number: int, index: int) -> str:
    """Grants that look like a real team's: a few roles, two namespaces, one or two clusters each."""
    team = f"team-{number:04}"
    first = (number * LINES + index) % CLUSTERS
    clusters = f"[cluster-{first:02}]" if index % 2 else f"[cluster-{first:02}, cluster-{(first + 7) % CLUSTERS:02}]"
    namespaces = f'[{team}, "{team}-*"]' if index % 5 == 4 else f"[{team}]"
    if index % 7 == 6:
        role = "{clusterRole: view}"
    elif index % 4 == 2:
        role = "{template: operator, parameters: {exec: true}}"
    else:
        role = ROLES[index % 4]
    to = ("developers", "oncall", "deployer")[index % 3]
    return f"    - to: [{to}]\n      clusters: {clusters}\n      namespaces: {namespaces}\n      role: {role}\n"
