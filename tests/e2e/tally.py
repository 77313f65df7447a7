"""How much a long run has asked: the numbers behind "no difference"."""

from __future__ import annotations

import os
import sys
from collections import Counter

LONG = "IAMRBAC_FUZZ"
"""How many questions to ask; set by `make fuzz N=…`."""


class Tally:
    """Counts answers by kind."""

    def __init__(self, about: str) -> None:
        self._about = about
        self._counts: Counter[str] = Counter()

    def add(self, kind: str, number: int = 1) -> None:
        """Count some answers."""
        self._counts[kind] += number

    def tell(self) -> None:
        """Say the numbers after a long run."""
        if LONG in os.environ:
            counts = ", ".join(f"{number:,} {kind}" for kind, number in sorted(self._counts.items()))
            print(f"\n{self._about}: {counts}", file=sys.__stderr__)


def examples(questions: int, each: int) -> int:
    """How many examples ask that many questions, or as many as LONG says, if each asks some."""
    return max(1, int(os.environ.get(LONG, str(questions))) // each)
