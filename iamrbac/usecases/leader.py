"""Which one of several `sync` works: whoever holds a Lease, by the rules of Kubernetes' own leader election.

Source: client-go, tools/leaderelection (whose defaults the times below are). Beside it every apply still takes its
cluster's own lock, so that a leader that hangs in the middle of a write and its successor never write to one cluster.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from iamrbac.model.errors import ConflictError, ExistsError, IamrbacError
from iamrbac.usecases.lease import Lease, Leases, Seen, free, look, released, renewed, taken

NAME: Final = "iamrbac-sync"
COMMIT: Final = "iamrbac.dev/commit"
"""The annotation of the lease with the commit that was worked on last: whoever follows goes on from it."""
DURATION: Final = 15
"""Seconds that the lease is good for unrenewed."""
DEADLINE: Final = 10.0
"""Seconds without a renewal after which the leader is none any more."""
PERIOD: Final = 2.0
"""Seconds between two looks, or renewals."""
JOIN_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Electing:
    """How to elect."""

    leases: Leases
    namespace: str
    who: str
    """This process; no other has the same."""
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    told: Callable[[str, str], None] = lambda _event, _text: None
    """Is told what happened: `leader`, `standby`, `lost` or `unknown`, and a line about it."""
    changed: threading.Event | None = None
    """Is set when we begin or cease to lead."""
    period: float = PERIOD


class Elector:
    """Takes and keeps the lease in a thread of its own; asked before each write whether we still lead."""

    def __init__(self, how: Electing) -> None:
        """Take how to elect. Nothing is asked before `start` or `step`."""
        self._how = how
        self._seen: Seen | None = None
        self._ours: Lease | None = None
        self._renewed_at = 0.0
        self._said = ""
        self._sound = False
        self._commit = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leader election", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def leads(self) -> bool:
        """Say whether we lead. It needs no thread to notice that we do not any more."""
        return self._ours is not None and self._how.monotonic() - self._renewed_at < DEADLINE

    def stands_by(self) -> bool:
        """Say whether somebody else leads, as far as the last look could tell."""
        return self._sound and not self.leads()

    def commit(self) -> str:
        """Return the commit that was worked on last, by us or by whoever led before; "" where that is not known."""
        return self._commit

    def worked_on(self, commit: str) -> None:
        """Leave word of a commit in the lease, with the next renewal."""
        self._commit = commit

    def step(self) -> None:
        """Look once: renew our lease, or take one that nobody holds."""
        try:
            if self._ours is not None:
                self._renew(self._ours)
            else:
                self._try()
            self._sound = True
        except (ConflictError, ExistsError):
            self._lose("somebody else was quicker")
        except IamrbacError as error:
            self._sound = False
            if self._ours is not None and not self.leads():
                self._lose(f"it could not be renewed for {DEADLINE:.0f} seconds: {error}")
            else:
                self._say("unknown", str(error))

    def release(self) -> None:
        """Stop, and give the lease back so that another need not wait; where that fails it expires by itself."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(JOIN_SECONDS)
        if self._ours is None or self._thread.is_alive() or not self.leads():
            return
        try:
            lease, self._ours = self._ours, None
            self._write(released(lease, self._how.now()))
        except IamrbacError as error:
            self._say("unknown", f"the lease expires by itself: {error}")

    def _run(self) -> None:
        while True:
            self.step()
            if self._stop.wait(self._how.period):
                return

    def _try(self) -> None:
        how = self._how
        lease = how.leases.lease(how.namespace, NAME)
        # Our own is there where only the answer to our write got lost.
        if lease is not None and lease.holder != how.who:
            self._seen = look(self._seen, lease, how.monotonic())
            if not free(self._seen, how.monotonic()):
                self._say("standby", f"{lease.holder} leads since {lease.acquired or 'unknown'}")
                return
        at = how.monotonic()
        wanted = replace(taken(lease, how.who, how.now()), duration=DURATION)
        self._commit = _said(lease) if lease is not None else self._commit
        self._ours = self._write(wanted)
        self._renewed_at, self._seen = at, None
        self._say("leader", f"{how.who} leads")
        self._tell()

    def _renew(self, ours: Lease) -> None:
        how = self._how
        at = how.monotonic()
        try:
            self._ours = self._write(renewed(ours, how.now()))
        except ConflictError:
            # It may be our own renewal, whose answer got lost, or a label that somebody set.
            found = how.leases.lease(how.namespace, NAME)
            if found is None or found.holder != ours.holder:
                raise
            self._ours = self._write(renewed(found, how.now()))
        self._renewed_at = at

    def _write(self, lease: Lease) -> Lease:
        if self._commit:
            annotations = {**lease.metadata.get("annotations", {}), COMMIT: self._commit}
            lease = replace(lease, metadata={**lease.metadata, "annotations": annotations})
        return self._how.leases.write_lease(self._how.namespace, NAME, lease)

    def _lose(self, why: str) -> None:
        if self._ours is not None:
            self._ours = None
            self._say("lost", why)
            self._tell()

    def _say(self, event: str, text: str) -> None:
        if (said := f"{event} {text}") != self._said:
            self._said = said
            self._how.told(event, text)

    def _tell(self) -> None:
        if self._how.changed is not None:
            self._how.changed.set()


def _said(lease: Lease) -> str:
    annotations = lease.metadata.get("annotations")
    return str(annotations.get(COMMIT, "")) if isinstance(annotations, Mapping) else ""
