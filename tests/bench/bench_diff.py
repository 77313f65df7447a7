"""diff against validate of the same repository: one policy that changes, and a template that changes a role of all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.bench.generate import generate
from tests.bench.measure import Row, child, iamrbac, table
from tests.conftest import ROOT
from tests.git.repo import Repo

ROLE = Path("templates") / "roles" / "developer.yaml.j2"


def rows(root: Path) -> list[Row]:
    """Measure on a copy, with a history, of a repository that `generate` wrote."""
    repo = Repo(root.parent / "history")
    shutil.copytree(root, repo.folder)
    repo.git("init", "--quiet", "--initial-branch=main")
    repo.commit({})
    validating, _ = min(child(iamrbac("validate", "-C", str(repo.folder))) for _ in range(3))
    policy = repo.folder / "policies" / "team-0001.yaml"
    repo.write(
        {"policies/team-0001.yaml": policy.read_text(encoding="utf-8").replace("role: viewer", "role: developer")}
    )
    one = _diff(repo)
    text = (ROOT / ROLE).read_text(encoding="utf-8")
    repo.write({ROLE.as_posix(): text + '  - {apiGroups: [""], resources: [secrets], verbs: [get]}\n'})
    return [
        _row("diff of one policy / validate, whole processes", one, validating, 8),
        _row("diff of a role that 1,000 teams have / validate, whole processes", _diff(repo), validating, 14),
    ]


def _diff(repo: Repo) -> tuple[float, float]:
    return min(child(iamrbac("diff", "-C", str(repo.folder), "--base", "main")) for _ in range(3))


def _row(name: str, measured: tuple[float, float], validating: float, goal: float) -> Row:
    seconds, memory = measured
    return Row(name, seconds / validating, goal, f"{seconds:.2f} s, {memory:.0f} MB / {validating:.2f} s")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "repository")
        print(table(rows(Path(folder) / "repository")))
