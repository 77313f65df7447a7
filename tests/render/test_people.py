"""The age of people from a file, in words, and from when on an apply warns of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from iamrbac.render.people import is_old, people_text

AT = datetime(2026, 11, 26, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "said", "old"),
    [
        (timedelta(0), "just now", False),
        (timedelta(minutes=-4), "just now", False),
        (timedelta(minutes=-6), "in the future: one of two clocks is wrong", True),
        (timedelta(seconds=60), "1 minute ago", False),
        (timedelta(minutes=59, seconds=59), "59 minutes ago", False),
        (timedelta(hours=1), "1 hour ago", True),
        (timedelta(hours=3, minutes=59), "3 hours ago", True),
        (timedelta(days=2), "2 days ago", True),
    ],
)
def test_age(age: timedelta, said: str, old: bool) -> None:
    assert people_text(AT, AT + age, "people.json") == f"people as of 2026-11-26T10:00:00Z ({said}), from people.json"
    assert is_old(AT, AT + age) is old


def test_what_has_no_time_is_old() -> None:
    assert people_text(None, AT, "people.json") == "people as of an unknown time, from people.json"
    assert is_old(None, AT)


def test_another_offset_is_shown_in_utc() -> None:
    at = datetime.fromisoformat("2026-11-26T12:00:00+02:00")
    assert people_text(at, AT, "f").startswith("people as of 2026-11-26T10:00:00Z (just now)")
