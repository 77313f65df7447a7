"""`iamrbac audit-log` of a gzip log against `zcat | python json.loads` of the same lines: whole processes."""

from __future__ import annotations

import gzip
import json
import resource
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from tests.audit.build import event
from tests.bench.measure import Row, child, iamrbac, table
from tests.conftest import ROOT

EVENTS = 200_000
FEW = 20_000
RUNS = 3
ALONE = "import json, sys\nfor line in sys.stdin.buffer: json.loads(line)"
REPOSITORY = ROOT / "tests" / "cli" / "repositories" / "asked"


def rows() -> list[Row]:
    """Measure in turns, the least of each, in seconds of CPU: zcat has a CPU of its own where one is free.

    And the peak memory beside that of a tenth of the log.
    """
    with tempfile.TemporaryDirectory(prefix="iamrbac-bench-audit-") as folder:
        many, few = Path(folder) / "many.log.gz", Path(folder) / "few.log.gz"
        size = _write(many, EVENTS)
        _write(few, FEW)
        zcat = ["sh", "-c", f"gzip -dc {shlex.quote(str(many))} | {sys.executable} -S -c {shlex.quote(ALONE)}"]
        own = iamrbac("audit-log", str(many), "-C", str(REPOSITORY), "--cluster", "staging", "-q")
        pairs = [(_cpu(zcat), _cpu(own)) for _ in range(RUNS)]
        alone, seconds = (min(pair[side] for pair in pairs) for side in (0, 1))
        memory = child(own)[1]
        little = child([*own[:4], str(few), *own[5:]])[1]
    rate = f"{EVENTS:,} events, {size / 1e6:.0f} MB: CPU {seconds:.2f} s / {alone:.2f} s"
    return [
        Row("audit-log / zcat | python json.loads", seconds / alone, 2.0, rate),
        Row("audit-log, memory of 10 times the log", memory / little, 1.1, f"{memory:.0f} MB / {little:.0f} MB"),
    ]


def _cpu(arguments: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(arguments, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _write(file: Path, events: int) -> int:
    size = 0
    with gzip.open(file, "wb", compresslevel=1) as out:
        for one in islice(cycle(_kinds()), events):
            line = json.dumps(one, separators=(",", ":")).encode() + b"\n"
            size += out.write(line)
    return size


def _kinds() -> Iterator[dict[str, Any]]:
    """Mostly what nodes and controllers do; of people one in ten, and one of these in ten is denied."""
    for number in range(2_000):
        at = f"2026-11-{number % 28 + 1:02}T10:{number % 60:02}:00"
        if number % 10:
            yield event("update", "leases", "kube-node-lease", name=f"ip-{number}", user="system:node:ip", at=at)
        else:
            denied = 403 if number % 100 == 0 else 200
            mine: dict[str, Any] = {"sets": ["payments/developers"], "user": f"person-{number % 50}"}
            yield event("get", "pods", f"n-{number % 30}" if denied == 403 else "payments", code=denied, at=at, **mine)


if __name__ == "__main__":
    print(table(rows()))
