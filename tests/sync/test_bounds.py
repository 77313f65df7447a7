"""What hangs is given up, and whoever was told to end writes no more."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from iamrbac.model.errors import EndedError, KubeError, OvertimeError
from iamrbac.usecases.bounds import Bounds


def bounds(until: float = 1, at: Callable[[], float] = lambda: 0, ended: Callable[[], str] = lambda: "") -> Bounds:
    return Bounds(until, "5m", at, ended)


def test_an_answer_and_an_error_come_through() -> None:
    assert bounds().read("staging", lambda: 7) == 7

    def broken() -> int:
        raise KubeError("no answer")

    with pytest.raises(KubeError, match="no answer"):
        bounds().read("staging", broken)


def test_what_hangs_is_left_behind() -> None:
    clock, release = [0.0], threading.Event()

    def hangs() -> None:
        clock[0] = 2.0
        release.wait(60)

    with pytest.raises(OvertimeError, match="it was not done within 5m, and is left as it is") as caught:
        bounds(at=lambda: clock[0]).read("staging", hangs)
    release.set()
    assert caught.value.where == "staging"


def test_whoever_was_told_to_end_begins_nothing() -> None:
    begun: list[int] = []
    with pytest.raises(EndedError, match="sync was told to end"):
        bounds(ended=lambda: "sync was told to end").read("staging", lambda: begun.append(1))
    assert begun == []
    with pytest.raises(EndedError):
        bounds(ended=lambda: "x").pause("staging", lambda _: False, 5)


def test_a_pause_is_not_longer_than_the_time_that_is_left() -> None:
    slept: list[float] = []
    clock = [0.0]

    def sleep(seconds: float) -> bool:
        slept.append(seconds)
        clock[0] += seconds
        return False

    with pytest.raises(OvertimeError):
        bounds(until=3, at=lambda: clock[0]).pause("staging", sleep, 60)
    assert slept == [3]
