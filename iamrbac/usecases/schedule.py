"""When the next round of `sync` is: after an interval that is left to chance a little, or when a grant ends. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

FIRST_RETRY: Final = 10.0
"""Seconds after the first round that failed; twice as long after each further one, never longer than the interval."""
_MARGIN: Final = 0.001
"""Seconds behind an expiry, so that no clock's rounding puts the round before it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often there is to be a round."""

    interval: float
    """Seconds."""
    jitter: float
    """From 0 to 1: the part of the interval by which a wait is longer or shorter."""


def next_wait(pace: Pace, chance: float, now: datetime, ends: Iterable[datetime], failures: int) -> float:
    """Return the seconds from `now` to the next round; never negative.

    `chance` is drawn from 0 to 1. `ends` are the times at which grants end: the first that is still to come is not
    waited beyond. `failures` is how many rounds failed in a row.
    """
    base = pace.interval
    if failures:
        # The exponent is bounded: a float is not.
        base = min(base, FIRST_RETRY * 2.0 ** min(failures - 1, 64))
    wait = base * (1 + pace.jitter * (2 * chance - 1))
    left = [(end - now).total_seconds() + _MARGIN for end in ends if end > now]
    return max(0.0, min(wait, *left) if left else wait)
