"""Work on many clusters: so many at once, each no longer than it may, and none that holds up the others."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar, cast

from iamrbac.usecases.handed import Handed

T = TypeVar("T")
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Said(Generic[E]):
    """What somebody at work says meanwhile."""

    name: str
    what: E


@dataclass(frozen=True, slots=True)
class Ended(Generic[T]):
    """The end of one piece of work."""

    name: str
    value: T | None
    """None where it took too long."""
    seconds: float


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


WAKE: Final = "\0"
Tell: TypeAlias = Callable[[E], None]
Work: TypeAlias = Callable[[Callable[[E], None]], T]
"""Is given what takes what it says meanwhile."""


class Crew(Generic[E, T]):
    """Threads of one run. What none of them does any more in time is left behind: they die with the process."""

    def __init__(
        self, at_once: int, timeout: float, late: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`late` is told who took too long, before anybody else is: it sees to it that nothing more is sent."""
        self._at_once = at_once
        self._timeout = timeout
        self._late = late
        self._clock = clock
        self._inbox: queue.SimpleQueue[tuple[str, object]] = queue.SimpleQueue()
        self._grace: float | None = None

    def hurry(self, seconds: float) -> None:
        """Give whoever is at work no longer than this from now on; may be called from a signal handler."""
        self._grace = self._clock() + seconds
        self._inbox.put((WAKE, None))

    def run(
        self, work: Iterable[tuple[str, Work[E, T]]], more: Callable[[], bool] = lambda: True
    ) -> Generator[Said[E] | Ended[T]]:
        """Do the work, and yield what is said and how each ends, as it happens.

        Nothing is begun while `more` says no; what was begun is waited for. What work raises is raised here, except
        that work which is late may raise what it likes.
        """
        waiting = iter(work)
        begun: dict[str, float] = {}
        while True:
            while len(begun) < self._at_once and more() and (piece := next(waiting, None)) is not None:
                begun[piece[0]] = self._clock()
                threading.Thread(target=self._do, args=piece, name=f"fleet {piece[0]}", daemon=True).start()
            if not begun:
                return
            try:
                name, what = self._inbox.get(timeout=max(0.0, self._next(begun) - self._clock()))
            except queue.Empty:
                for name in [one for one in begun if self._ends(begun[one]) <= self._clock()]:
                    self._late(name)
                    yield Ended(name, None, self._clock() - begun.pop(name))
                continue
            if name not in begun:
                continue
            if isinstance(what, Said):
                yield what
                continue
            seconds = self._clock() - begun.pop(name)
            if isinstance(what, _Failed):
                raise what.error
            yield Ended(name, cast("T", what), seconds)

    def _do(self, name: str, work: Work[E, T]) -> None:
        with Handed(lambda error: self._inbox.put((name, _Failed(error)))):
            value = work(lambda what: self._inbox.put((name, Said(name, what))))
            self._inbox.put((name, value))

    def _ends(self, begun: float) -> float:
        end = begun + self._timeout
        return end if self._grace is None else min(end, self._grace)

    def _next(self, begun: dict[str, float]) -> float:
        return min(map(self._ends, begun.values()))
