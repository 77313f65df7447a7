"""When a lease may be taken: decided from what it says and what our own clock saw, by the rules of client-go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.usecases.lease import (
    DEADLINE,
    DURATION,
    PERIOD,
    Lease,
    Seen,
    Verdict,
    free,
    judge,
    look,
    micro_time,
    released,
    renewed,
    taken,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
THEIRS = Lease("them@host/1", 60, "2026-11-24T11:59:00.000000Z", "2026-11-24T11:59:55.000000Z", 3, "7")
times = st.text("0123456789-:TZ.", max_size=30)
leases = st.builds(
    Lease,
    st.sampled_from(["", "a", "b"]),
    st.integers(-5, 100_000),
    times,
    times,
    st.integers(0, 9),
    st.sampled_from(["1", "2"]),
)
"""Also such as no honest writer makes: any time, any duration."""
clocks = st.floats(0, 1e6)


@given(st.lists(st.tuples(leases, st.floats(0, 100)), min_size=1, max_size=20), clocks)
def test_a_held_lease_is_free_only_after_it_was_seen_unchanged_for_its_whole_duration(
    reads: list[tuple[Lease, float]], at: float
) -> None:
    seen: Seen | None = None
    first = at
    previous: Lease | None = None
    for lease, later in reads:
        at += later
        if lease != previous:
            first, previous = at, lease
        seen = look(seen, lease, at)
        assert free(seen, at) == (lease.holder == "" or at - first >= lease.duration)
        assert seen.lease.version == lease.version


@given(leases, clocks, st.floats(0, 1e5), st.floats(0, 1e5), st.booleans())
def test_who_waits_waits_no_longer_than_asked_or_than_a_dead_holder_needs(
    lease: Lease, began: float, later: float, timeout: float, alive: bool
) -> None:
    at = began + later
    verdict = judge(Seen(lease, began, alive), at, began, timeout)
    if verdict is Verdict.TAKE:
        assert not lease.holder or at - began >= lease.duration
    elif verdict is Verdict.WAIT:
        assert at - began < (timeout if alive else max(timeout, DURATION))
    else:
        assert at - began >= timeout


def test_a_clock_of_the_holder_that_goes_wrong_changes_nothing() -> None:
    for renewed_at in ("1970-01-01T00:00:00.000000Z", "2999-01-01T00:00:00.000000Z", "", "yesterday"):
        seen = look(None, replace(THEIRS, renewed=renewed_at), 100.0)
        assert not free(seen, 100.0 + THEIRS.duration - 0.1)
        assert free(seen, 100.0 + THEIRS.duration)


def test_a_holder_that_renews_is_alive_and_one_that_only_got_a_label_is_not() -> None:
    seen = look(None, THEIRS, 0.0)
    assert not look(seen, replace(THEIRS, version="8", metadata={"labels": {"a": "b"}}), 5.0).alive
    again = look(seen, renewed(THEIRS, NOW), 5.0)
    assert again.alive
    assert judge(again, 6.0, 0.0, 0) is Verdict.GIVE_UP
    assert judge(again, 6.0, 0.0, 10) is Verdict.WAIT


def test_what_is_written_is_what_leader_election_writes() -> None:
    at = "2026-11-24T12:00:00.000000Z"
    first = taken(None, "me", NOW)
    assert first == Lease("me", DURATION, at, at, 0)
    later = renewed(first, NOW + timedelta(seconds=5))
    assert later == replace(first, renewed="2026-11-24T12:00:05.000000Z")
    gone = released(later, NOW + timedelta(seconds=7))
    assert (gone.holder, gone.duration, gone.transitions) == ("", 1, 0)
    over = taken(THEIRS, "me", NOW)
    assert (over.holder, over.acquired, over.renewed, over.transitions, over.version) == ("me", at, at, 4, "7")


def test_times_are_in_utc_with_microseconds() -> None:
    assert (
        micro_time(datetime(2026, 11, 24, 13, 0, 0, 5, timezone(timedelta(hours=1)))) == "2026-11-24T12:00:00.000005Z"
    )


def test_nothing_is_begun_that_could_outlast_the_lease() -> None:
    longest_write = 35
    assert DEADLINE + longest_write < DURATION
    assert PERIOD * 3 < DEADLINE
