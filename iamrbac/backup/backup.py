"""A backup: what one run is about to change on one cluster, as it is before; and what became of each change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from iamrbac.compile.desired import Desired, Key
from iamrbac.plan.change import Action
from iamrbac.plan.observed import Observed


@dataclass(frozen=True, slots=True)
class Saved:
    """One change as it was planned."""

    key: Key
    action: Action
    before: Observed | None
    """With labels and annotations; None where it was not there."""
    after: Desired | None
    """Without origins: `because` says them. None where it is gone."""
    because: tuple[str, ...] = ()
    """Policy lines as FILE:LINE."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command that writes: the same on every cluster that it touches."""

    id: str
    """Sorts by time, and is a part of a ConfigMap's name: 20261126-122146-1a2b3c."""
    at: str
    """When it began, in UTC: 2026-11-26T12:21:46Z."""
    doing: str
    """`apply`, `rollback ID`, `revoke ARN`."""
    who: str
    """The caller's ARN; "" where AWS plays no part (all by Git, and somebody else maps)."""
    host: str = ""
    """Where it ran."""
    commit: str = ""
    """The access repository's commit; "" outside of Git; with `+` behind it where files differed from it."""
    policy: str = ""
    """The digest of all documents."""
    allowed: tuple[tuple[str, str], ...] = ()
    """What was allowed by name: (`Allowed-Removals`, `12`), …"""


@dataclass(frozen=True, slots=True)
class Backup:
    """What one run is about to change on one cluster. It holds no secret: none is in any of the types."""

    run: Run
    instance: str
    cluster: str
    arn: str
    """The cluster's."""
    changes: tuple[Saved, ...]
    """Sorted by key."""
    aws_auth: Mapping[str, str] | None = None
    """The rows of kube-system/aws-auth as texts, byte for byte, for people; None where no row changes."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one change."""

    key: Key
    outcome: str
    """An Outcome's value: done, failed, skipped, …"""
    reason: str = ""
    at: str = ""
    """When, in UTC."""


@dataclass(frozen=True, slots=True)
class Record:
    """A backup as it is kept."""

    backup: Backup
    results: tuple[Result, ...] | None
    """None for a run that did not come to its end (killed, or still at work); what it never began is in none."""

    @property
    def finished(self) -> bool:
        """Whether the run came to its end, however it ended."""
        return self.results is not None
