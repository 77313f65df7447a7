"""What may stand in a request's way: something that counts writes, and kills whoever made the last one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Literal

from tests.torture.proxy import Asked, Forward, Said

How = Literal["answered", "unanswered", "under way"]
"""Killed when it had the answer; when the server had done it, but before the answer came; or while this write and
those of other threads were on their way, which all come to their ends."""
HOWS: Final[tuple[How, ...]] = ("answered", "unanswered", "under way")
_PATIENCE: Final = 60.0


def is_write(asked: Asked) -> bool:
    """Say whether a request changes a cluster; leases and reviews do not count."""
    if asked.method == "GET" or (asked.server == "aws" and not asked.path.startswith(("/clusters", "/tags"))):
        return False
    return "/apis/authorization.k8s.io/" not in asked.path and not _is_aside(asked.path)


def _is_aside(path: str) -> bool:
    return "/leases" in path or "/apis/authentication.k8s.io/" in path


class Counter:
    """Counts the writes that were answered."""

    def __init__(self) -> None:
        self.writes: list[str] = []

    def __call__(self, asked: Asked, forward: Forward) -> Said | None:
        said = forward(asked)
        if is_write(asked):
            self.writes.append(f"{asked.server} {asked.method} {asked.path} {said.status}")
        return said


class Killer:
    """Lets `last` writes happen, kills, and lets nothing more happen."""

    def __init__(self, last: int, how: How) -> None:
        self.kill: Callable[[], None] = lambda: None
        self.written = 0
        self._last = last
        self._how = how
        self._state = threading.Condition()
        self._under_way = 0
        self._over = last == 0

    def __call__(self, asked: Asked, forward: Forward) -> Said | None:
        if not is_write(asked):
            if self._last == 0 and _is_aside(asked.path) and asked.method != "GET":
                said = forward(asked)
                self.kill()
                return said
            return forward(asked)
        return self._many(asked, forward) if self._how == "under way" else self._one(asked, forward)

    def settled(self) -> None:
        """Wait until nothing is under way."""
        with self._state:
            assert self._state.wait_for(lambda: self._under_way == 0, _PATIENCE)

    def _one(self, asked: Asked, forward: Forward) -> Said | None:
        """One write after the other."""
        with self._state:
            if self._over:
                return None
            said = forward(asked)
            self.written += 1
            if self.written < self._last:
                return said
            self._over = True
            if self._how == "answered":
                return replace(said, afterwards=self.kill)
            self.kill()
            return None

    def _many(self, asked: Asked, forward: Forward) -> Said | None:
        """As many writes at a time as come."""
        with self._state:
            if self._over:
                return None
            self.written += 1
            self._under_way += 1
            if self.written == self._last:
                self._over = True
                self.kill()
        try:
            return forward(asked)
        finally:
            with self._state:
                self._under_way -= 1
                self._state.notify_all()
