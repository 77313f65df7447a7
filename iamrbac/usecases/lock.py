"""Take the clusters' leases before the first write, keep them while writing, and give them back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from iamrbac.model.errors import (
    ConflictError,
    ExistsError,
    ForbiddenError,
    IamrbacError,
    KubeError,
    LockError,
    NoNamespaceError,
)
from iamrbac.plan.change import ClusterPlan
from iamrbac.usecases.home import make_home
from iamrbac.usecases.lease import (
    DEADLINE,
    DURATION,
    NAME,
    PERIOD,
    Lease,
    Seen,
    Verdict,
    judge,
    look,
    released,
    renewed,
    taken,
)
from iamrbac.usecases.ports import Edges, Kube, Progress

LOOK_SECONDS: Final = 2.0
"""Between two looks at a lease that somebody holds."""
RACES: Final = 20
"""How often others may be quicker before we give up."""
JOIN_SECONDS: Final = 60.0
"""How long a renewal that is on its way is waited for; its requests have shorter bounds."""


@dataclass(frozen=True, slots=True)
class Locking:
    """How to lock."""

    timeout: float
    """Seconds to wait at most behind a holder that is at work."""
    who: str
    """This run, beside the caller's ARN: its host, and what tells it from other runs there."""
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    pause: Callable[[float], None]
    """Waits for some seconds."""
    progress: Progress
    recheck: Callable[[], None] = lambda: None
    """Called after a wait: somebody else may have written since the plan. Raises StalePlanError."""


class Held:
    """One cluster's lease that is ours, renewed by a thread until it is given back."""

    def __init__(self, kube: Kube, cluster: str, namespace: str, lease: Lease, at: float, how: Locking) -> None:
        """Take a lease that was written at `at`, by the monotonic clock before the request."""
        self._kube = kube
        self._cluster = cluster
        self._namespace = namespace
        self._lease = lease
        self._renewed_at = at
        self._how = how
        self._lost = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lease {cluster}", daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def lost(self) -> str:
        """Return why nothing more may be written; "" while the lease is ours. What is lost once stays lost.

        It is asked before each write, and needs no thread to notice: a renewal that hangs must not keep us writing.
        """
        if not self._lost and self._how.monotonic() - self._renewed_at >= DEADLINE:
            self._lost = f"the lock could not be renewed for {DEADLINE:.0f} seconds"
        return self._lost

    def renew(self) -> None:
        """Renew once. A fault that may pass leaves it to the next time; a lease of somebody else's is lost."""
        try:
            try:
                self._write(renewed(self._lease, self._how.now()))
            except ConflictError:
                self._look_again()
        except IamrbacError as error:
            self._how.progress.note(f"The lock on {self._cluster} was not renewed: {error.message}")

    def release(self) -> None:
        """Stop renewing and give it back; where that fails it expires by itself."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(JOIN_SECONDS)
        if self._thread.is_alive() or self.lost():
            return
        try:
            self._kube.write_lease(self._namespace, NAME, released(self._lease, self._how.now()))
        except IamrbacError as error:
            self._how.progress.note(f"The lock on {self._cluster} expires by itself: {error.message}")

    def _run(self) -> None:
        while not self._stop.wait(PERIOD) and not self._lost:
            self.renew()

    def _write(self, lease: Lease) -> None:
        at = self._how.monotonic()
        self._lease = self._kube.write_lease(self._namespace, NAME, lease)
        self._renewed_at = at

    def _look_again(self) -> None:
        """After a conflict: it may be our own renewal, whose answer got lost, or a label that somebody set."""
        found = self._kube.lease(self._namespace, NAME)
        if found is None or found.holder != self._lease.holder:
            who = found.holder if found is not None else ""
            self._lost = f"the lock was taken by {who}" if who else "somebody removed the lock"
            return
        self._write(renewed(found, self._how.now()))


@contextmanager
def locked(
    edges: Edges, home: str, clusters: Sequence[ClusterPlan], how: Locking | None
) -> Iterator[Mapping[str, Held]]:
    """Hold the leases of clusters, all or none: name → lease. Without `how` none is taken.

    Raises LockError before anything was written, StalePlanError where the plan no longer fits after a wait, KubeError.
    """
    held: dict[str, Held] = {}
    if how is None or not clusters:
        yield held
        return
    holder = f"{edges.aws.caller().arn}@{how.who}"
    with ExitStack() as stack:
        waited = False
        # Everybody takes them in one order, so that no two wait for each other.
        for cluster in sorted(clusters, key=lambda one: one.state.target.arn):
            taker = _Taker(edges.kube(cluster.state.target), cluster.name, home, holder, how)
            one = taker.take()
            stack.callback(one.release)
            one.start()
            held[cluster.name] = one
            waited = waited or taker.waited
        if waited:
            how.recheck()
        yield held


class _Taker:
    """Takes one cluster's lease."""

    def __init__(self, kube: Kube, cluster: str, home: str, holder: str, how: Locking) -> None:
        self._kube = kube
        self._cluster = cluster
        self._home = home
        self._holder = holder
        self._how = how
        self.waited = False

    def take(self) -> Held:
        """Take it, after a wait where one is wanted. Raises LockError, KubeError."""
        try:
            return self._take()
        except ForbiddenError as error:
            raise LockError(
                f"the lock cannot be taken: {error.message}",
                where=self._cluster,
                hint=f"let the caller get, create and update leases (coordination.k8s.io) in namespace {self._home}, "
                "or do without a lock (--no-lock)",
            ) from error

    def _take(self) -> Held:
        began = self._how.monotonic()
        seen: Seen | None = None
        for _ in range(RACES):
            lease = self._kube.lease(self._home, NAME)
            if lease is not None and lease.holder != self._holder:
                seen = look(seen, lease, self._how.monotonic())
                seen = self._until_free(seen, began)
                lease = seen.lease if seen is not None else None
            at = self._how.monotonic()
            try:
                ours = self._write(taken(lease, self._holder, self._how.now()))
            except (ConflictError, ExistsError):
                continue
            except KubeError:
                # Perhaps it was written, and only the answer got lost.
                found = self._kube.lease(self._home, NAME)
                if found is None or found.holder != self._holder:
                    raise
                ours = found
            return Held(self._kube, self._cluster, self._home, ours, at, self._how)
        raise LockError(
            "the lock cannot be taken: others are quicker each time", where=self._cluster, hint="try again in a minute"
        )

    def _until_free(self, seen: Seen, began: float) -> Seen | None:
        """Watch a lease until it may be taken; None where it is gone. Raises LockError when that takes too long."""
        while True:
            verdict = judge(seen, self._how.monotonic(), began, self._how.timeout)
            if verdict is Verdict.TAKE:
                return seen
            if verdict is Verdict.GIVE_UP:
                raise self._held(seen.lease)
            if not self.waited:
                self._how.progress.step(f"{self._cluster}: {_said(seen.lease)}; waiting for it")
            self.waited = True
            self._how.pause(LOOK_SECONDS)
            lease = self._kube.lease(self._home, NAME)
            if lease is None:
                return None
            seen = look(seen, lease, self._how.monotonic())

    def _held(self, lease: Lease) -> LockError:
        return LockError(
            f"another apply is writing to it: {_said(lease)}",
            where=self._cluster,
            hint="wait for it, here with --lock-timeout 10m; the lock of a run that died is free after "
            f"{lease.duration or DURATION} seconds",
        )

    def _write(self, lease: Lease) -> Lease:
        try:
            return self._kube.write_lease(self._home, NAME, lease)
        except NoNamespaceError:
            self._make_home()
            return self._kube.write_lease(self._home, NAME, lease)

    def _make_home(self) -> None:
        try:
            make_home(self._kube.create, self._cluster, self._home)
        except KubeError as error:
            raise LockError(
                f"namespace {self._home}, where the lock lives, is not there and cannot be made: {error.message}",
                where=self._cluster,
                hint=f"have an administrator run `kubectl create namespace {self._home}`, or do without a lock "
                "(--no-lock)",
            ) from error


def _said(lease: Lease) -> str:
    return f"{lease.holder} holds the lock since {lease.acquired or 'unknown'} (renewed {lease.renewed or 'unknown'})"
