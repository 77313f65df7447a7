"""All benchmarks in one run, one table: `make bench`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench import (
    bench_access,
    bench_audit,
    bench_aws_auth,
    bench_compile,
    bench_delivery,
    bench_diff,
    bench_expect,
    bench_fleet,
    bench_help,
    bench_import,
    bench_lint,
    bench_principals,
    bench_real,
    bench_report,
    bench_requests,
    bench_review,
    bench_token,
    bench_validate,
)
from tests.bench.generate import CLUSTERS, LINES, POLICIES, generate
from tests.bench.measure import table


def main() -> None:
    """Generate once, measure all, print."""
    with tempfile.TemporaryDirectory(prefix="iamrbac-bench-") as folder:
        root = Path(folder) / "repository"
        generate(root)
        print(f"{POLICIES:,} policies, {POLICIES * LINES:,} grants, {CLUSTERS} clusters; ratios of this one run.\n")
        alone = (bench_validate, bench_lint, bench_expect, bench_diff, bench_compile)
        measured = [row for bench in alone for row in bench.rows(root)]
        measured += [*bench_help.rows(), *bench_token.rows(), *bench_requests.rows(), *bench_aws_auth.rows()]
        measured += [*bench_access.rows(), *bench_review.rows(root), *bench_delivery.rows()]
        measured += [*bench_principals.rows(), *bench_fleet.rows(), *bench_audit.rows(), *bench_import.rows()]
        measured += bench_report.rows(Path(folder) / "company")
        print(table([*measured, *bench_real.rows()]))


if __name__ == "__main__":
    main()
