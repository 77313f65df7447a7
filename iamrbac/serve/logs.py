"""Log lines on a stream: for people, or one JSON object a line."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final, Protocol, TextIO


class Level(IntEnum):
    """How much a line matters."""

    DEBUG = 0
    INFO = 1
    WARNING = 2
    ERROR = 3


class Log(Protocol):
    """Where lines go."""

    def __call__(self, level: Level, event: str, /, **fields: object) -> None:
        """Write one line: an event's name and what is known of it."""
        ...


_WIDTH: Final = max(len(one.name) for one in Level)


class Lines:
    """Writes lines; used by several threads. A stream that nobody reads any more is no reason to stop."""

    def __init__(self, stream: TextIO, now: Callable[[], datetime], *, as_json: bool, least: Level) -> None:
        """Take where to, the clock, the format, and the level below which nothing is written."""
        self._stream = stream
        self._now = now
        self._json = as_json
        self._least = least
        self._lock = threading.Lock()

    def __call__(self, level: Level, event: str, /, **fields: object) -> None:
        """Write one line; fields that are None or "" are left out."""
        if level < self._least:
            return
        at = f"{self._now().astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
        said = {name: value for name, value in fields.items() if value not in (None, "")}
        line = _json(at, level, event, said) if self._json else _text(at, level, event, said)
        with self._lock:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except OSError:
                return


def _json(at: str, level: Level, event: str, fields: dict[str, object]) -> str:
    return json.dumps({"time": at, "level": level.name.lower(), "event": event, **fields}, ensure_ascii=False)


def _text(at: str, level: Level, event: str, fields: dict[str, object]) -> str:
    words = " ".join(f"{name}={_word(value)}" for name, value in fields.items())
    return f"{at} {level.name.lower():<{_WIDTH}} {event} {words}".rstrip()


def _word(value: object) -> str:
    """Return a value that reads as one word, quoted where it is several, never more than one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    plain = isinstance(value, int | float) or (text.isprintable() and not set(text) & set(' "='))
    return text if plain else json.dumps(text, ensure_ascii=False)
