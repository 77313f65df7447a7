"""How much time a log really covers: its first and last event, and the days in between that have none."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

SLACK: Final = timedelta(hours=1)
"""A day's log begins with its first event, which is after midnight."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The span of a log, in UTC."""

    first: datetime
    last: datetime
    missing: tuple[date, ...] = ()
    """Days within the span without a single event, in order."""

    @property
    def span(self) -> timedelta:
        """From the first event to the last."""
        return self.last - self.first

    def covers(self, days: int) -> bool:
        """Return whether nothing is missing of the last `days` days of the log."""
        since = self.last - timedelta(days=days)
        return self.first <= since + SLACK and not any(day >= since.date() for day in self.missing)


def coverage(first: str, last: str, days: Collection[str]) -> Coverage | None:
    """Return the coverage of events by their first and last times and their days (2026-11-26); None without any.

    Raises ValueError for a day that is none (2026-02-30).
    """
    if not first:
        return None
    have = {date.fromisoformat(day) for day in days}
    begin, end = min(have), max(have)
    # Of a log with wrong clocks in it, years may be missing; nobody reads a list of them.
    span = range((end - begin).days) if (end - begin).days <= _MOST else range(0)
    missing = tuple(day for one in span if (day := begin + timedelta(days=one)) not in have)
    return Coverage(_at(first), _at(last), missing)


_MOST: Final = 3_660


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
