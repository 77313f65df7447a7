"""lint against validate: equal rights in equal places are judged once, so it costs little more than compiling."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from iamrbac import wiring
from iamrbac.usecases.lint import lint_policies
from iamrbac.usecases.validate import validate
from tests.bench.generate import generate
from tests.bench.measure import Row, best_of, child, iamrbac, table

AT = datetime(2026, 11, 24, tzinfo=UTC)


def rows(root: Path) -> list[Row]:
    """Measure on a repository that `generate` wrote."""
    builtin = wiring.builtin()
    validating, _ = best_of(3, lambda: validate(wiring.repository(root), wiring.roles(root).names()))
    linting, result = best_of(
        3,
        lambda: lint_policies(wiring.repository(root), wiring.roles(root), builtin.rbac, builtin.catalogue, AT),
    )
    if not result.valid or not result.findings:
        raise RuntimeError("the generated repository was not judged")
    process, memory = child(iamrbac("lint", "-C", str(root)))
    return [
        Row(
            "lint / validate",
            linting / validating,
            5,
            f"{linting:.2f} s / {validating:.2f} s, {len(result.findings):,} findings; "
            f"whole process {process:.2f} s, {memory:.0f} MB",
        )
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "repository")
        print(table(rows(Path(folder) / "repository")))
