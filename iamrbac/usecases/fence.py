"""What makes a time-out real: to a cluster that is late nothing more is sent, however long a thread waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, cast

from iamrbac.model.errors import ClusterTimeoutError
from iamrbac.plan.observed import Target
from iamrbac.usecases.ports import Aws, Edges, Kube

AGAIN: Final = "see whether it answers, then run the same command again: it goes on from what is there"


class Fences:
    """Which clusters may be spoken to. Whoever sends asks before every request, also before it is sent again."""

    def __init__(self) -> None:
        self._shut: dict[str, str] = {}

    def shut(self, cluster: str, why: str) -> None:
        """Let nothing more be sent to a cluster, whoever asks."""
        self._shut[cluster] = why

    def why(self, cluster: str) -> str:
        """Return why nothing is sent to a cluster; "" while something may be."""
        return self._shut.get(cluster, "")

    def check(self, cluster: str) -> None:
        """Raise ClusterTimeoutError where nothing is sent to a cluster any more."""
        why = self._shut.get(cluster)
        if why:
            raise ClusterTimeoutError(why, where=cluster, hint=AGAIN)


class FencedEdges:
    """The edges of a run, behind its fences; one client for each cluster, however often it is opened."""

    def __init__(self, edges: Edges, fences: Fences) -> None:
        self._edges = edges
        self._fences = fences
        self._lock = threading.Lock()
        self._open: dict[str, Kube] = {}
        self.edges = replace(edges, kube=self._kube, aws=cast("Aws", _Fenced(edges.aws, self._aws_check)))

    def close(self, cluster: str) -> None:
        """Let go of a cluster's connections, which hundreds of clusters would keep open to the end."""
        with self._lock:
            self._open.pop(cluster, None)

    def _kube(self, target: Target) -> Kube:
        with self._lock:
            if target.name not in self._open:
                fenced = _Fenced(self._edges.kube(target), lambda _: self._fences.check(target.name))
                self._open[target.name] = cast("Kube", fenced)
            return self._open[target.name]

    def _aws_check(self, arguments: tuple[Any, ...]) -> None:
        """Calls about a cluster have it, or its target, as their first argument."""
        if arguments:
            self._fences.check(arguments[0].name)


class _Fenced:
    """Everything that an edge can do, each call only while it may be made."""

    def __init__(self, of: object, check: Callable[[tuple[Any, ...]], None]) -> None:
        self._of = of
        self._check = check

    def __getattr__(self, name: str) -> Any:
        """Return a method of the edge behind the fence, so that none can be forgotten."""
        method = getattr(self._of, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self._check(arguments)
            return method(*arguments, **options)

        return call
