"""Round after round, as long as nobody says that it is to end, and only where we lead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from iamrbac.usecases.schedule import Pace, next_wait
from iamrbac.usecases.sync_report import Result, Round

STANDBY_SECONDS: Final = 1.0
"""Between two looks at whether we lead."""
FAILED: Final = frozenset({Result.FAILED, Result.PARTLY})
"""Results after which the next round is soon; what is paused waits for a person, whom the interval serves."""


@dataclass(slots=True)
class Memory:
    """What a round knows of those before it."""

    clusters: tuple[str, ...] = ()
    ends: tuple[datetime, ...] = ()
    """When grants end: also where a round could not read them, the next is not later."""
    failures: int = 0
    """Rounds that failed in a row."""
    rounds: int = 0

    def keep(self, one: Round) -> None:
        """Take note of a round."""
        self.rounds += 1
        self.clusters = tuple(found.name for found in one.clusters) or self.clusters
        self.ends = one.ends if one.people_at is not None else self.ends
        failed = any(found.result in FAILED for found in one.every) or one.result in FAILED
        self.failures = self.failures + 1 if failed else 0


@dataclass(frozen=True, slots=True)
class Looping:
    """How to go on."""

    pace: Pace
    make: Callable[[], Round]
    told: Callable[[Round, float], None]
    """Is told of a round, and how many seconds there are to the next."""
    now: Callable[[], datetime]
    chance: Callable[[], float]
    """Draws from 0 to 1."""
    sleep: Callable[[float], bool]
    """Waits for some seconds; True when it is to end."""
    leads: Callable[[], bool] = lambda: True
    beat: Callable[[], None] = lambda: None
    """Is called again and again while all is well, for whoever asks whether we live."""
    memory: Memory = field(default_factory=Memory)


def loop(how: Looping) -> None:
    """Make rounds until it is to end."""
    ended = how.sleep(0)
    while not ended:
        how.beat()
        if not how.leads():
            ended = how.sleep(STANDBY_SECONDS)
            continue
        one = how.make()
        how.memory.keep(one)
        memory = how.memory
        wait = next_wait(how.pace, how.chance(), how.now(), memory.ends, memory.failures)
        how.told(one, wait)
        how.beat()
        ended = how.sleep(wait)
