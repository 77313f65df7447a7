"""Killed after any single write, an apply leaves a state that gives nobody too much, and the same command goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.torture import run
from tests.torture.middle import HOWS, How, Killer
from tests.torture.repository import CLUSTERS, Side
from tests.torture.road import Road
from tests.torture.sizes import Tally, long_run, sample

CHANGES: Final = 40


@pytest.fixture(scope="module")
def tally(road: Road) -> Iterator[Tally]:
    made = Tally("Killed in the middle of an apply")
    way = road.ways["after"]
    made.add("changes over two clusters", len(way.plan["changes"]))
    made.add("writes for them", way.writes)
    yield made
    made.tell()


def killed(road: Road, tally: Tally, writes: int, how: How, *arguments: str) -> Side:
    """Go to the other side, and be killed after some writes; judge what is left. Return where it was to go."""
    side = road.other
    killer = Killer(writes, how)
    with road.ground.between(killer):
        process = run.start(road.environment(), road.repository(side), *arguments)
        killer.kill = process.kill
        ran = run.ended(process)
        killer.settled()
    # After its very last write it may have ended before the signal came.
    assert ran.code == -9 or (ran.code == 0 and killer.written <= writes), ran.said
    tally.add("kills" if ran.code == -9 else "runs that were quicker than the signal")
    road.inspect(side, f"{how}, {writes} writes towards {side}")
    return side


def test_killed_after_any_write_it_goes_on(road: Road, tally: Tally) -> None:
    assert min(len(way.plan["changes"]) for way in road.ways.values()) >= CHANGES
    most = min(way.writes for way in road.ways.values())
    for place, writes in enumerate(sample(range(1, most + 1), 3)):
        # There and, in a long run, back: every point of both ways, in turns in each manner.
        for turn in range(2 if long_run() else 1):
            side = killed(road, tally, writes, HOWS[(place + turn) % len(HOWS)], *run.UNLOCKED)
            road.go_on(side, *run.UNLOCKED)
            tally.add("of them converged by the same command")


def test_killed_with_the_lock_the_next_run_takes_it_over(road: Road, tally: Tally) -> None:
    most = min(way.writes for way in road.ways.values())
    for writes in (0, 1, most // 2, most - 1) if long_run() else (most // 2,):
        side = killed(road, tally, writes, "answered", *run.APPLY)
        left = [name for name in CLUSTERS if road.shorten(name)]
        assert left
        road.go_on(side, *run.APPLY)
        tally.add("of them held the lock, which the next run took over")
