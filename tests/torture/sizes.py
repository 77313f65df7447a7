"""How long a run is: a sample for every run of the tests, or as much as `make torture N=…` asks for."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")
LONG: Final = "IAMRBAC_TORTURE"
"""Rounds of writers; set by `make torture N=…`, which also takes every point to kill at, and more faults."""


def long_run() -> int:
    """Return how much is asked for; 0 for a sample."""
    return int(os.environ.get(LONG) or "0")


def sample(everything: Sequence[T], few: int) -> Sequence[T]:
    """Return some of all, ends included, evenly spread; all of it in a long run."""
    if long_run() or len(everything) <= few:
        return everything
    last = len(everything) - 1
    return [everything[round(last * i / (few - 1))] for i in range(few)]


class Tally:
    """Counts what happened, and says it after a long run."""

    def __init__(self, about: str) -> None:
        self._about = about
        self.counts: Counter[str] = Counter()

    def add(self, what: str, number: int = 1) -> None:
        self.counts[what] += number

    def tell(self) -> None:
        if long_run():
            counts = ", ".join(f"{number:,} {what}" for what, number in self.counts.items())
            print(f"\n{self._about}: {counts}", file=sys.__stderr__, flush=True)
