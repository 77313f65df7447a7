"""How old people from a file are, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

OLD: Final = timedelta(hours=1)
"""From here on an apply warns: whoever left an IAM group since has access again."""
_SKEW: Final = timedelta(minutes=5)
"""By how much two clocks may differ (what AWS allows to signatures)."""
_UNITS: Final = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


def people_text(at: datetime | None, now: datetime, file: str) -> str:
    """Return `people as of 2026-11-26T10:00:00Z (3 hours ago), from people.json`; `at` None: the file does not say."""
    if at is None:
        return f"people as of an unknown time, from {file}"
    return f"people as of {at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} ({_ago(now - at)}), from {file}"


def is_old(at: datetime | None, now: datetime) -> bool:
    """Say whether an apply has to warn: an hour old, of unknown age, or from a time that has not come yet."""
    return at is None or not -_SKEW <= now - at < OLD


def _ago(age: timedelta) -> str:
    if age < -_SKEW:
        return "in the future: one of two clocks is wrong"
    for unit, length in _UNITS:
        number = age // length
        if number > 0:
            return f"{number} {unit}{'' if number == 1 else 's'} ago"
    return "just now"
