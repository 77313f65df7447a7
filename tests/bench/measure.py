"""Timing, and the table that the benchmarks print."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
# As iamrbac sets it for a process of its own; the baselines have it too.
gc.set_threshold(50_000, 20, 100)


@dataclass(frozen=True)
class Row:
    """One measured thing beside its goal; both are multiples of the baseline, or `unit`."""

    name: str
    value: float
    goal: float
    detail: str
    """What was measured against what, in seconds."""
    unit: str = "x"


def best_of(times: int, work: Callable[[], T]) -> tuple[float, T]:
    """Return the shortest time in seconds, and the last result: noise only ever makes a run longer."""
    shortest, result = _timed(work)
    for _ in range(times - 1):
        seconds, result = _timed(work)
        shortest = min(shortest, seconds)
    return shortest, result


def child(arguments: Sequence[str]) -> tuple[float, float]:
    """Run a command to its end and return its wall time in seconds and its peak memory in MB."""
    peak = [sys.executable, "-S", str(Path(__file__).with_name("peak.py"))]
    said = subprocess.run([*peak, *arguments], stdout=subprocess.PIPE, check=True, text=True).stdout
    seconds, memory = said.split()
    return float(seconds), float(memory)


def iamrbac(*arguments: str) -> list[str]:
    """The command line of this checkout's iamrbac."""
    return [sys.executable, "-m", "iamrbac", *arguments]


def table(rows: Iterable[Row]) -> str:
    """Return the rows as an aligned table, worst news visible."""
    lines = [("what", "measured", "goal", "", "detail")]
    for row in rows:
        met = "met" if row.value <= row.goal else "MISSED"
        lines.append((row.name, f"{row.value:.2f} {row.unit}", f"<= {row.goal:.2f} {row.unit}", met, row.detail))
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "\n".join(
        "  ".join([*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[4]]).rstrip()
        for line in lines
    )


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result
