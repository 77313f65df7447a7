"""Somebody else who keeps rows in aws-auth: as a script does it that honours resourceVersion, and looks at text."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from tests.conformance.http import Client

PATH: Final = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
KEPT: Final = 5
ATTEMPTS: Final = 1000
LONGEST_PAUSE: Final = 40.0
"""Between two writes, in terms of how long the last one took: it is as busy on a slow machine as on a fast one."""


class ForeignWriter:
    """Adds a row and takes its oldest one away, again and again; its lines are known by heart."""

    def __init__(self, client: Client, seed: int) -> None:
        self.lines: list[str] = []
        """What has to be in mapUsers, byte for byte."""
        self.lost: list[str] = []
        """What was to be taken away, and was not there."""
        self.writes = 0
        self.conflicts = 0
        self._client = client
        self._random = random.Random(seed)
        self._pause = threading.Event()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Write, in a thread of its own, as long as the context lasts."""
        over = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(self._work, over)
            try:
                yield
            finally:
                over.set()
            done.result()

    def _work(self, over: threading.Event) -> None:
        while True:
            began = time.monotonic()
            self._write()
            if over.wait(self._random.uniform(0, LONGEST_PAUSE) * (time.monotonic() - began)):
                return

    def _write(self) -> None:
        number = self.writes
        arn = f"arn:aws:iam::111122223333:user/foreign-{number}"
        line = f"- {{userarn: {arn}, 'username': \"f{number}\", groups: [theirs]}}   # theirs, {number}\n"
        oldest = self.lines[:1] if len(self.lines) >= KEPT else []
        self._put(oldest, line)
        self.writes += 1

    def _put(self, away: list[str], line: str) -> None:
        for _ in range(ATTEMPTS):
            current = self._client.get(PATH).json
            self._edit(current, away, line)
            answer = self._client.put(PATH, current)
            if answer.code == 200:
                self.lines = [one for one in self.lines if one not in away] + ([line] if line else [])
                return
            assert answer.code == 409, answer.raw
            self.conflicts += 1
            self._pause.wait(self._random.uniform(0, 0.05))
        raise AssertionError("nobody lets the foreign writer through")

    def _edit(self, current: dict[str, Any], away: list[str], line: str) -> None:
        users: str = current["data"]["mapUsers"]
        self.lost += [one for one in away if one not in users]
        for one in away:
            users = users.replace(one, "", 1)
        current["data"]["mapUsers"] = line + users if self._random.random() < 0.5 else users + line
