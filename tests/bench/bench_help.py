"""`iamrbac --help` against `aws --version`, or against what that at least has to do where there is no `aws`."""

from __future__ import annotations

import shutil
import sys

from tests.bench.measure import Row, child, iamrbac, table

RUNS = 5


def rows() -> list[Row]:
    """Measure whole processes, the shortest of a few runs each."""
    aws = shutil.which("aws")
    # Without the AWS CLI: the library that it is made of, imported and nothing else.
    stand_in = [sys.executable, "-c", "import botocore.session"]
    baseline, name = ([aws, "--version"], "aws --version") if aws else (stand_in, "python -c 'import botocore.session'")
    reference = min(child(baseline)[0] for _ in range(RUNS))
    own = min(child(iamrbac("--help"))[0] for _ in range(RUNS))
    bare = min(child([sys.executable, "-c", "pass"])[0] for _ in range(RUNS))
    detail = f"{own * 1000:.0f} ms / {reference * 1000:.0f} ms; python alone {bare * 1000:.0f} ms"
    return [Row(f"iamrbac --help / {name}", own / reference, 1 / 3, detail)]


if __name__ == "__main__":
    print(table(rows()))
