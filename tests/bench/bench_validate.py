"""validate against CSafeLoader on the same bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml

from iamrbac import wiring
from iamrbac.usecases.validate import validate
from tests.bench.generate import generate, policy_bytes
from tests.bench.measure import Row, best_of, child, iamrbac, table


def rows(root: Path) -> list[Row]:
    """Measure on a repository that `generate` wrote."""
    contents = [*policy_bytes(root), (root / "iamrbac.yaml").read_bytes()]
    loading, _ = best_of(3, lambda: [yaml.load(content, yaml.CSafeLoader) for content in contents])
    validating, result = best_of(3, lambda: validate(wiring.repository(root), wiring.roles(root).names()))
    if not result.valid:
        raise RuntimeError("the generated repository is not valid")
    process, memory = child(iamrbac("validate", "-C", str(root)))
    return [
        Row(
            "validate / CSafeLoader of the same bytes",
            validating / loading,
            2.5,
            f"{validating:.2f} s / {loading:.2f} s; whole process {process:.2f} s, {memory:.0f} MB",
        )
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "repository")
        print(table(rows(Path(folder) / "repository")))
