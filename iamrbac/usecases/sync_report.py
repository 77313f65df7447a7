"""What became of one round of `sync`: of each cluster, and of the round itself where nothing could be begun."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import PurePath

from iamrbac.findings.finding import Finding, Level
from iamrbac.model.errors import IamrbacError
from iamrbac.plan.change import Action
from iamrbac.plan.escalation import ABOVE
from iamrbac.plan.observed import Target


class Result(StrEnum):
    """What became of a cluster, or of a round."""

    UNCHANGED = "unchanged"
    """It is as the policies say; also where the rest waits for a commit to be synced or merged."""
    DONE = "done"
    PAUSED = "paused"
    """Something refuses it (a guard, a finding): nothing was written."""
    PARTLY = "partly"
    """Some changes are written, some are not."""
    FAILED = "failed"
    """It could not be done or known: nothing was written."""
    HELD = "held"
    """Its turn did not come, since others that go before it (`fleet:`) failed: nothing was written."""
    ENDED = "ended"
    """`sync` was told to end, or does not lead any more."""


SOUND = frozenset({Result.UNCHANGED, Result.DONE})


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something was not done: a refusal (its rule) or an error (its code)."""

    id: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """The access repository as a round takes it: what comes later is for the next one."""

    folder: PurePath
    commit: str = ""
    """"" where it was not fetched; then the folder's own commit is asked for."""
    signer: str = ""
    """Who signed the commit, where that is asked for."""
    refusals: tuple[Trouble, ...] = ()
    """Why nothing of it is to be done."""
    people_at: datetime | None = None
    """When IAM was asked who is who; None: by this round."""


@dataclass(frozen=True, slots=True)
class ClusterRound:
    """One cluster, or IAM."""

    name: str
    result: Result
    troubles: tuple[Trouble, ...] = ()
    """Refusals of one that is paused; else the error, or what was not done and why."""
    changes: Mapping[Action, int] = field(default_factory=dict)
    """How many changes were written."""
    undone: int = 0
    waiting: int = 0
    """Changes that wait until the cluster has what was committed, or are proposed."""
    drift: int | None = None
    """How many objects were not as the last apply left them when the round began; None where it is not known."""
    seconds: float = 0.0
    target: Target | None = field(default=None, compare=False, repr=False)
    """Where it is; None where it could not be planned."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round."""

    at: datetime
    clusters: tuple[ClusterRound, ...]
    iam: ClusterRound | None = None
    """What became of the roles in IAM that groups may assume; None where nothing was to do there."""
    commit: str = ""
    """The commit of the access repository; "" where it is not known."""
    signer: str = ""
    """Who signed it, where signatures are asked for."""
    troubles: tuple[Trouble, ...] = ()
    """Why nothing was begun on any cluster; () where the clusters say it."""
    result: Result = Result.UNCHANGED
    """Of a round that was not begun: PAUSED, FAILED or ENDED."""
    people_at: datetime | None = None
    """When IAM said who is who; None where it did not."""
    ends: tuple[datetime, ...] = ()
    """When temporary grants end that had not ended."""
    instance: str = ""
    home: str = ""
    """The home namespace; both "" where nothing was planned."""
    seconds: float = 0.0

    def exit_code(self) -> int:
        """Return 6 for partly applied, 1 for something that could not be done or known, 3 for a refusal, else 0."""
        found = {one.result for one in self.every} | ({self.result} if self.troubles else set())
        for result, code in (
            (Result.ENDED, 130),
            (Result.PARTLY, 6),
            (Result.FAILED, 1),
            (Result.HELD, 1),
            (Result.PAUSED, 3),
        ):
            if result in found:
                return code
        return 0

    @property
    def every(self) -> tuple[ClusterRound, ...]:
        """All clusters, and IAM."""
        return (*self.clusters, *((self.iam,) if self.iam is not None else ()))

    @property
    def sound(self) -> bool:
        """Whether all was done that was to do."""
        return not self.troubles and all(one.result in SOUND for one in self.every)


def trouble_of(error: IamrbacError) -> Trouble:
    """Return an error as it is reported."""
    where = f"{error.where}: " if error.where else ""
    return Trouble(error.code, where + error.message, error.hint)


def refusals(findings: Iterable[Finding]) -> tuple[Trouble, ...]:
    """Return what of findings refuses an apply: every error, and what Kubernetes would not let us write."""
    return tuple(
        Trouble(one.id, f"{one.file}:{one.line}: {one.message}" if one.file else one.message, one.hint)
        for one in findings
        if one.level is Level.ERROR or one.id == ABOVE
    )
