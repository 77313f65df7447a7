"""A few threads at a time, out of those that the process keeps.

A pool of its own for each list that is read and each phase that is written costs hundreds of clusters more than what
they do: Python starts threads one after the other, under one lock of the process, and each waits until it has run.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from functools import cache, partial
from typing import Any, ParamSpec, TypeVar

from iamrbac.usecases.handed import Handed

P = ParamSpec("P")
T = TypeVar("T")


class Pool(Executor):
    """Does so many things at once. Used as ThreadPoolExecutor is; leaving it waits for all that was submitted."""

    def __init__(self, max_workers: int) -> None:
        self._most = max_workers
        self._lock = threading.Lock()
        self._busy = 0
        self._waiting: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._all: list[Future[Any]] = []

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have something done as soon as there is room."""
        future: Future[T] = Future()
        with self._lock:
            self._all.append(future)
            self._waiting.append((partial(fn, *args, **kwargs), future))
            if self._busy >= self._most:
                return future
            self._busy += 1
        _threads().begin(self._work)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for all that was submitted."""
        del cancel_futures
        if wait:
            _wait(self._all)

    def _work(self) -> None:
        """Do what waits, one after the other, until nothing does."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy -= 1
                    return
                work, future = self._waiting.popleft()
            # One that was cancelled meanwhile (`map` does so after a failure) is over by this.
            if future.set_running_or_notify_cancel():
                with Handed(future.set_exception):
                    future.set_result(work())


_wait = wait


class _Threads:
    """Threads that end with the process: who leaves a pool has waited for its work, and who hangs keeps nobody."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[queue.SimpleQueue[Callable[[], None]]] = []

    def begin(self, work: Callable[[], None]) -> None:
        """Do something that raises nothing, in a thread that is free, or in a new one: no work waits for another."""
        with self._lock:
            inbox = self._idle.pop() if self._idle else None
        if inbox is None:
            inbox = queue.SimpleQueue()
            threading.Thread(target=self._serve, args=(inbox,), name="iamrbac", daemon=True).start()
        inbox.put(work)

    def _serve(self, inbox: queue.SimpleQueue[Callable[[], None]]) -> None:
        while True:
            inbox.get()()
            with self._lock:
                self._idle.append(inbox)


@cache
def _threads() -> _Threads:
    return _Threads()
