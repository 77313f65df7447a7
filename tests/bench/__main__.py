"""All benchmarks in one run, one table: `make bench`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench import bench_access, bench_compile, bench_help, bench_real, bench_requests, bench_validate
from tests.bench.generate import CLUSTERS, LINES, POLICIES, generate
from tests.bench.measure import table


def main() -> None:
    """Generate once, measure all, print."""
    with tempfile.TemporaryDirectory(prefix="iamrbac-bench-") as folder:
        root = Path(folder) / "repository"
        generate(root)
        print(f"{POLICIES:,} policies, {POLICIES * LINES:,} grants, {CLUSTERS} clusters; ratios of this one run.\n")
        measured = [*bench_validate.rows(root), *bench_compile.rows(root), *bench_help.rows(), *bench_requests.rows()]
        measured += bench_access.rows()
        print(table([*measured, *bench_real.rows()]))


if __name__ == "__main__":
    main()
