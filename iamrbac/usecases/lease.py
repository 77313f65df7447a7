"""One writer per cluster: what its Lease says, and when it may be taken.

The rules are those of Kubernetes' own leader election (client-go, tools/leaderelection): nobody's clock but our own is
trusted, so a lease has expired when WE have seen it unchanged for as long as it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final, Protocol

NAME: Final = "iamrbac-apply"
"""The same for every instance: two repositories must not write to one cluster at once either."""
DURATION: Final = 60
"""Seconds that a lease is good for unrenewed: DEADLINE, and the 35 seconds that a write on its way may last."""
DEADLINE: Final = 20.0
"""Seconds without a renewal after which nothing more is written."""
PERIOD: Final = 5.0
"""Seconds between renewals."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A coordination.k8s.io/v1 Lease. Times are as the API writes them; they are for people to read."""

    holder: str
    """"" for nobody."""
    duration: int
    """Seconds."""
    acquired: str
    renewed: str
    transitions: int
    """How often the holder changed."""
    version: str = field(default="", compare=False)
    """The resourceVersion; "" for one that is not there yet."""
    metadata: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """As it was read: other people's labels are kept."""


class Leases(Protocol):
    """The leases of one cluster."""

    def lease(self, namespace: str, name: str) -> Lease | None:
        """Read one; None where it is not there. Raises ForbiddenError, KubeError."""
        ...

    def write_lease(self, namespace: str, name: str, wanted: Lease) -> Lease:
        """Write one over the version that it carries, or a new one, and return it with its new version.

        Raises ConflictError or ExistsError when somebody else did so before, NoNamespaceError where the namespace is
        not there, ForbiddenError, KubeError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """Somebody's lease, as we have watched it."""

    lease: Lease
    since: float
    """When we first saw it just so, by our monotonic clock."""
    alive: bool = False
    """We have seen it change, so its holder is at work."""


class Verdict(Enum):
    """What to do about a lease."""

    TAKE = "take"
    WAIT = "wait"
    GIVE_UP = "give up"


def look(seen: Seen | None, lease: Lease, at: float) -> Seen:
    """Return what we know of a lease after reading it at `at`."""
    if seen is not None and seen.lease == lease:
        return replace(seen, lease=lease)
    return Seen(lease, at, alive=seen is not None)


def free(seen: Seen, at: float) -> bool:
    """Say whether a lease may be taken: nobody holds it, or it did not change for as long as it says."""
    return not seen.lease.holder or at - seen.since >= seen.lease.duration


def judge(seen: Seen, at: float, began: float, timeout: float) -> Verdict:
    """Say what to do about a lease at `at`, when we wait since `began` and want to wait `timeout` seconds.

    Behind a holder that is at work no longer than that; one that does not move is watched for DURATION at least, since
    only that tells a dead one from a live one.
    """
    if free(seen, at):
        return Verdict.TAKE
    patience = timeout if seen.alive else max(timeout, DURATION)
    return Verdict.WAIT if at - began < patience else Verdict.GIVE_UP


def taken(lease: Lease | None, holder: str, now: datetime) -> Lease:
    """Return a lease as it is to be written by who takes it; None: there is none yet."""
    at = micro_time(now)
    if lease is None:
        return Lease(holder, DURATION, at, at, 0)
    return replace(lease, holder=holder, duration=DURATION, acquired=at, renewed=at, transitions=lease.transitions + 1)


def renewed(lease: Lease, now: datetime) -> Lease:
    """Return our lease as it is to be written again."""
    return replace(lease, renewed=micro_time(now))


def released(lease: Lease, now: datetime) -> Lease:
    """Return our lease as nobody's, as client-go leaves it."""
    at = micro_time(now)
    return replace(lease, holder="", duration=1, acquired=at, renewed=at)


def micro_time(at: datetime) -> str:
    """Return a time as Kubernetes' MicroTime."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
