"""A report of 300 people on 20 clusters of 50 namespaces, against the compiling and linting that it rests on."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from iamrbac import wiring
from iamrbac.documents.identities import identities_json
from iamrbac.identity.snapshot import IamName, Identities
from iamrbac.usecases.ground import policy_ground
from iamrbac.usecases.lint import lint_policies
from tests.bench.measure import Row, best_of, child, iamrbac, table

AT = datetime(2026, 11, 26, tzinfo=UTC)
ACCOUNT = "111122223333"
TEAMS, PEOPLE, CLUSTERS = 25, 12, 20


def company(root: Path) -> Path:
    """Write a repository into an empty folder and return its file of people."""
    (root / "policies").mkdir(parents=True)
    places = ", ".join(f"team-{team:02}{more}" for team in range(TEAMS) for more in ("", "-batch"))
    clusters = "".join(
        f'  - {{name: cluster-{number:02}, account: "{ACCOUNT}", region: eu-west-1, namespaces: [{places}], '
        f"labels: {{env: {('development', 'staging', 'production')[number % 3]}}}}}\n"
        for number in range(CLUSTERS)
    )
    (root / "iamrbac.yaml").write_text(
        "apiVersion: iamrbac.dev/v1alpha1\nkind: Config\nmetadata: {name: company}\n"
        f'identity: {{account: "{ACCOUNT}", groups: users}}\nclusters:\n{clusters}'
    )
    groups: dict[IamName, tuple[str, ...]] = {}
    for number in range(TEAMS):
        team = f"team-{number:02}"
        people = tuple(f"arn:aws:iam::{ACCOUNT}:user/{team}-p{one:02}" for one in range(PEOPLE))
        groups[IamName(ACCOUNT, f"{team}-developers")] = people
        groups[IamName(ACCOUNT, f"{team}-oncall")] = people[:4]
        groups[IamName(ACCOUNT, f"{team}-lead")] = people[:1]
        (root / "policies" / f"{team}.yaml").write_text(_policy(team))
    file = root / "people.json"
    file.write_text(json.dumps(identities_json(Identities(groups), AT)))
    return file


def _policy(team: str) -> str:
    own = f"[{team}, {team}-batch]"
    lines = (
        '{to: [developers], clusters: ["*"], namespaces: ["team-*"], role: viewer}',
        f"{{to: [developers], clusters: {{env: development}}, namespaces: {own}, role: developer}}",
        f'{{to: [oncall], clusters: ["*"], namespaces: {own}, role: operator}}',
        f"{{to: [lead], clusters: {{env: production}}, namespaces: [{team}], role: {{clusterRole: admin}}}}",
    )
    members = "".join(f"    {name}: [{{iamGroup: {team}-{name}}}]\n" for name in ("developers", "oncall", "lead"))
    return (
        f"apiVersion: iamrbac.dev/v1alpha1\nkind: AccessPolicy\nmetadata: {{name: {team}}}\nspec:\n"
        f"  members:\n{members}  access:\n" + "".join(f"    - {line}\n" for line in lines)
    )


def rows(root: Path) -> list[Row]:
    """Measure on an empty folder."""
    people = company(root)
    builtin = wiring.builtin()

    def under() -> object:
        repository, roles = wiring.repository(root), wiring.roles(root)
        known = wiring.saved_people(people).known
        ground = policy_ground(repository, roles, builtin.rbac, AT, (), known, as_declared=True)
        return ground, lint_policies(repository, roles, builtin.rbac, builtin.catalogue, AT)

    resting, _ = best_of(3, under)
    found = []
    for form, goal in (("html", 6.0), ("csv", 9.0)):
        out = root / f"report.{form}"
        argv = ["report", "-C", str(root), "--identities", str(people), f"--{form}", "--out", str(out), "-q"]
        seconds, memory = min(child(iamrbac(*argv)) for _ in range(2))
        found.append(
            Row(
                f"report --{form}, whole process / compile and lint",
                seconds / resting,
                goal,
                f"{seconds:.2f} s / {resting:.2f} s, {out.stat().st_size / 1e6:.1f} MB, {memory:.0f} MB of memory",
            )
        )
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(table(rows(Path(folder) / "company")))
