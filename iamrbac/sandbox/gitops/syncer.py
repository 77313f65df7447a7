"""Following a branch: a round now and then, and one on demand, by whatever brings a cluster to a commit."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Protocol, Self

from iamrbac.model.errors import IamrbacError

ROUND_SECONDS: Final = 1.0
"""How often a sandbox looks at the branch and at the cluster; Argo CD itself takes minutes, or a webhook."""


@dataclass(frozen=True, slots=True)
class Target:
    """A cluster, and the token of an administrator of it."""

    url: str
    ca_pem: str = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Synced:
    """What one round did."""

    commit: str | None
    """What the cluster was brought to; None where the branch does not exist."""
    said: tuple[str, ...] = ()
    """What was done, a line for each object; not for machines."""
    problem: str | None = None
    """Why the cluster is not as the commit says, one line."""


class Syncer(Protocol):
    """Brings a cluster to what a branch says: it creates, puts back, and prunes what it made and is there no more."""

    name: str
    """What it is, for people."""

    def round(self) -> Synced:
        """Pull, and bring the cluster to that commit. Raises IamrbacError where it cannot go on at all.

        It may see the cluster through a watch: what somebody did there a moment ago can be for the next round.
        """
        ...

    def stop(self) -> None:
        """End it; fine where it never began."""
        ...


class Following:
    """A cluster that follows a branch for as long as the `with` lasts."""

    def __init__(self, syncer: Syncer, seconds: float = ROUND_SECONDS) -> None:
        self.name = syncer.name
        self._syncer = syncer
        self._seconds = seconds
        self._turn = threading.Lock()
        self._stopped = threading.Event()
        self._failure: IamrbacError | None = None
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def sync(self) -> Synced:
        """Do a round now: what had been pushed before is in the cluster then, or the answer has a problem.

        Raises IamrbacError where it cannot go on.
        """
        self.check()
        with self._turn:
            return self._syncer.round()

    def check(self) -> None:
        """Raise IamrbacError where it has stopped by itself."""
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        try:
            with self._turn:
                self._syncer.round()
        except BaseException:
            self._syncer.stop()
            raise
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()
        self._syncer.stop()

    def _follow(self) -> None:
        try:
            while not self._stopped.wait(self._seconds):
                with self._turn:
                    self._syncer.round()
        except IamrbacError as error:
            self._failure = error
