"""Asks before every request about a cluster whether it may be sent, also before botocore sends it again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3


class Gate:
    """The gate of a run's sessions; used by several threads."""

    def __init__(self, check: Callable[[str], None] = lambda _: None) -> None:
        """`check` is given a cluster's name, and raises where nothing more may be sent about it."""
        self._check = check
        self._here = threading.local()

    def watch(self, session: boto3.Session) -> boto3.Session:
        """Let every client of a session that is made from now on ask. Returns the session."""
        session.events.register("before-send.eks", self._asked)
        return session

    @contextmanager
    def about(self, cluster: str) -> Iterator[None]:
        """Say that what this thread sends meanwhile is about a cluster."""
        self._here.cluster = cluster
        try:
            yield
        finally:
            self._here.cluster = None

    def _asked(self, **_: Any) -> None:
        cluster = getattr(self._here, "cluster", None)
        if cluster is not None:
            self._check(cluster)
