"""So many things at once, all waited for, whatever fails among them."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError

import pytest

from iamrbac.usecases.pool import Pool

LONG = 60.0


def test_results_come_in_order_and_no_more_than_so_many_at_once() -> None:
    now, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(3)

    def work(number: int) -> int:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(LONG)
        with lock:
            now -= 1
        return number

    with Pool(3) as pool:
        assert list(pool.map(work, range(30))) == list(range(30))
    assert most == 3


def test_after_a_failure_what_was_not_begun_is_not_and_nobody_waits_for_it() -> None:
    free, done = threading.Event(), []

    def work(number: int) -> None:
        if number == 0:
            raise ZeroDivisionError
        assert free.wait(LONG)
        done.append(number)

    with Pool(1) as pool:
        with pytest.raises(ZeroDivisionError):
            list(pool.map(work, range(1000)))
        free.set()
    assert len(done) <= 1


def test_leaving_it_waits_for_what_was_submitted() -> None:
    free, done = threading.Event(), []

    def work() -> None:
        assert free.wait(LONG)
        done.append(1)

    with Pool(2) as pool:
        futures = [pool.submit(work) for _ in range(5)]
        assert futures[4].cancel()
        free.set()
    assert len(done) == 4
    with pytest.raises(CancelledError):
        futures[4].result()


def test_pools_within_pools_wait_for_nobody_else() -> None:
    def inner(number: int) -> int:
        with Pool(4) as pool:
            return sum(pool.map(lambda one: one * number, range(10)))

    with Pool(50) as pool:
        assert sum(pool.map(inner, range(100))) == 45 * sum(range(100))


def test_an_interruption_is_handed_on() -> None:
    def work() -> None:
        raise KeyboardInterrupt

    with Pool(1) as pool, pytest.raises(KeyboardInterrupt):
        pool.submit(work).result()
