"""When the next round is: never later than a grant ends, never longer than the interval, sooner after a failure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.usecases.schedule import FIRST_RETRY, Pace, next_wait

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PACES = st.builds(Pace, st.floats(0.5, 1e6), st.floats(0, 1))
CHANCES = st.floats(0, 1)
ENDS = st.lists(st.floats(-1e6, 1e6).map(lambda seconds: NOW + timedelta(seconds=seconds)))


@given(PACES, CHANCES, ENDS, st.integers(0, 10_000))
def test_a_wait_is_within_the_interval_and_its_jitter(
    pace: Pace, chance: float, ends: list[datetime], failures: int
) -> None:
    wait = next_wait(pace, chance, NOW, ends, failures)
    assert 0 <= wait <= pace.interval * (1 + pace.jitter)
    if not failures and not any(end > NOW for end in ends):
        assert wait >= pace.interval * (1 - pace.jitter) - 1e-6


@given(PACES, CHANCES, ENDS, st.integers(0, 100))
def test_no_grant_ends_long_before_the_round_that_takes_it_away(
    pace: Pace, chance: float, ends: list[datetime], failures: int
) -> None:
    at = NOW + timedelta(seconds=next_wait(pace, chance, NOW, ends, failures))
    first = min((end for end in ends if end > NOW), default=None)
    if first is not None:
        assert at <= first + timedelta(milliseconds=2)
        on_time = first - NOW <= timedelta(seconds=next_wait(pace, chance, NOW, (), failures))
        # A round that is there because of an end is not before it: it would see the grant as still given.
        assert not on_time or at >= first


@given(PACES, CHANCES, st.integers(1, 1000))
def test_failures_bring_the_next_round_forward_ever_less(pace: Pace, chance: float, failures: int) -> None:
    wait, longer = (next_wait(pace, chance, NOW, (), number) for number in (failures, failures + 1))
    assert wait <= longer <= next_wait(pace, chance, NOW, (), 0)


def test_the_first_waits() -> None:
    waits = [next_wait(Pace(300, 0), 0.5, NOW, (), failures) for failures in range(8)]
    assert waits == [300, FIRST_RETRY, 20, 40, 80, 160, 300, 300]
