"""Spans of time as people write them: 90m, 4h, 1h30m, 2d."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

EXAMPLES: Final = "90s, 10m, 1h30m or 2d"
_SPAN: Final = re.compile("([0-9]{1,6}[dhms])+")
_PART: Final = re.compile("([0-9]+)([dhms])")
_UNITS: Final = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def span(text: str) -> timedelta | None:
    """Return the span that a text is, None where it is none."""
    if not _SPAN.fullmatch(text):
        return None
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text)))


def span_text(length: timedelta) -> str:
    """Return a span as it would be written, in days, hours, minutes and seconds."""
    left = int(length.total_seconds())
    said = ""
    for unit, size in _UNITS.items():
        number, left = divmod(left, size)
        said += f"{number}{unit}" if number else ""
    return said or "0s"
