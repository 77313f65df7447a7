"""Tells a story step by step, and stops at the first thing that does not hold."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic


class DoesNotHoldError(Exception):
    """A step of the demo did not come out as promised; the message says what was expected and what came."""


class Narrator:
    """Writes the story and counts the checks."""

    def __init__(self, write: Callable[[str], None], paint: Callable[[str, str], str]) -> None:
        self._write = write
        self._paint = paint
        self._started = monotonic()
        self._chapter = 0
        self.held = 0

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self._chapter += 1
        self._write(f"\n{self._paint(f'{self._chapter}. {title}', 'bold')}")

    def command(self, who: str, line: str) -> None:
        """Show what somebody types."""
        self._write(f"   {self._paint(who + ' $', 'dim')} {line}")

    def quote(self, text: str, *, most: int = 12) -> None:
        """Show what came back, shortened to `most` lines."""
        lines = text.rstrip().splitlines()
        for line in lines[:most]:
            self._write(f"     {line}")
        if len(lines) > most:
            self._write(self._paint(f"     … {len(lines) - most} more lines", "dim"))

    def check(self, what: str, holds: bool, seen: str = "") -> None:
        """Say that something holds. Raises DoesNotHoldError, with what was seen, when it does not."""
        if not holds:
            raise DoesNotHoldError(f"expected: {what}; seen: {seen.strip() or 'nothing'}")
        self.held += 1
        self._write(f"   {self._paint('ok', 'good')} {what}")

    def end(self) -> None:
        """Write the numbers."""
        seconds = monotonic() - self._started
        self._write(f"\n{self._paint(f'All {self.held} checks held', 'good')} in {seconds:.0f} s.")
