"""`iamrbac test`: 1,000 cases beside 1,000 policies, against validating the same repository."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from iamrbac import wiring
from iamrbac.usecases.expect import RunRequest, Verdict, run_tests
from iamrbac.usecases.validate import validate
from tests.bench.generate import CLUSTERS, LINES, POLICIES, generate
from tests.bench.measure import Row, best_of, child, iamrbac, table

AT = datetime(2026, 11, 1, tzinfo=UTC)
EVERYBODY = 10
"""Cases about everybody on every cluster; the others are about a team's set on one."""
_HEAD = "apiVersion: iamrbac.dev/v1alpha1\nkind: AccessTest\ntests:\n"


def write_tests(root: Path) -> None:
    """Write one case beside each policy."""
    folder = root / "tests" / "access"
    folder.mkdir(parents=True)
    for number in range(POLICIES):
        case = _everybody(number) if number % (POLICIES // EVERYBODY) == 0 else _team(number)
        (folder / f"team-{number:04}.yaml").write_text(_HEAD + case, encoding="utf-8")


def _team(number: int) -> str:
    team, cluster = f"team-{number:04}", (number * LINES) % CLUSTERS
    return (
        f"  - team: {team}/developers\n    clusters: [cluster-{cluster:02}]\n    namespaces: [{team}]\n"
        '    can: ["get,list,watch pods", get pods/log]\n    cannot: ["* secrets", "* roles", create pods/exec]\n'
    )


def _everybody(number: int) -> str:
    cannot = '["impersonate,bind,escalate *", get nodes/proxy]'
    return f'  - name: nobody, says team {number}\n    principal: "*"\n    cannot: {cannot}\n'


def rows(root: Path) -> list[Row]:
    """Measure on a repository that `generate` wrote, after all others: this writes tests into it."""
    write_tests(root)
    own = wiring.builtin()

    def judge(request: RunRequest) -> Verdict:
        return run_tests(wiring.repository(root), wiring.roles(root), own.rbac, own.catalogue, request)

    validating, result = best_of(3, lambda: validate(wiring.repository(root), wiring.roles(root).names()))
    judging, verdict = best_of(3, lambda: judge(RunRequest(AT)))
    alone, _ = best_of(3, lambda: judge(RunRequest(AT, paths=("tests/access/team-0001.yaml",))))
    if not result.valid or verdict.count("passed") != POLICIES:
        raise RuntimeError("the generated tests do not pass")
    process, memory = child(iamrbac("test", "-q", "-C", str(root)))
    return [
        Row(
            f"test, {POLICIES:,} cases less one case / validate",
            (judging - alone) / validating,
            2.0,
            f"{judging:.2f} s - {alone:.2f} s / {validating:.2f} s; whole process {process:.2f} s, {memory:.0f} MB",
        )
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "repository")
        print(table(rows(Path(folder) / "repository")))
