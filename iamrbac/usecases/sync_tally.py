"""From the events of an apply to what became of each of its clusters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from iamrbac.model.errors import EndedError, IamrbacError
from iamrbac.plan.change import Action, Plan
from iamrbac.usecases.outcome import Delivered, Event, Outcome
from iamrbac.usecases.sync_report import ClusterRound, Result, Trouble, trouble_of

IAM: Final = "IAM"
"""What is on no cluster."""
NOT_DONE: Final = "ERR404"
_MOST: Final = 5
"""Reasons of one cluster that are told; the events have them all."""
_LATER: Final = frozenset({Outcome.WAITING, Outcome.PROPOSED})


@dataclass(slots=True)
class Tally:
    """One apply, as it goes."""

    plan: Plan
    events: list[Event | Delivered] = field(default_factory=list)
    fault: IamrbacError | None = None
    """What ended it early."""

    def rounds(self) -> Mapping[str, ClusterRound]:
        """Return what became of each cluster of the plan, and of IAM where anything was to do there."""
        iam = any(one.changes for one in self.plan.planned_accounts)
        names = [one.name for one in self.plan.planned] + ([IAM] if iam else [])
        return {name: self._one(name) for name in names}

    def _one(self, name: str) -> ClusterRound:
        events = [one for one in self.events if isinstance(one, Event) and (one.change.key.cluster or IAM) == name]
        commits = [one for one in self.events if isinstance(one, Delivered) and name in one.clusters]
        planned = sum(self._planned(name))
        changes: Counter[Action] = Counter(one.change.action for one in events if one.outcome is Outcome.DONE)
        waiting = sum(one.outcome in _LATER for one in events)
        undone = max(planned, len(events)) - changes.total() - waiting
        troubles = tuple(self._troubles(events, commits))
        failed = bool(troubles) or undone > 0
        written = changes.total() > 0 or any(one.outcome is Outcome.DONE for one in commits)
        return ClusterRound(name, self._result(failed=failed, written=written), troubles, changes, undone, waiting)

    def _planned(self, name: str) -> Iterator[int]:
        if name == IAM:
            yield from (len(one.changes) for one in self.plan.planned_accounts)
        yield from (len(one.changes) for one in self.plan.planned if one.name == name)

    def _result(self, *, failed: bool, written: bool) -> Result:
        if not failed:
            return Result.DONE if written else Result.UNCHANGED
        if isinstance(self.fault, EndedError):
            return Result.ENDED
        return Result.PARTLY if written else Result.FAILED

    def _troubles(self, events: Sequence[Event], commits: Sequence[Delivered]) -> Iterator[Trouble]:
        if self.fault is not None:
            yield trouble_of(self.fault)
        bad = (Outcome.FAILED, Outcome.SKIPPED)
        every: list[Event | Delivered] = [*commits, *events]
        said = [(one.reason, one.hint) for one in every if one.outcome in bad]
        for reason, hint in list(dict.fromkeys(said))[:_MOST]:
            yield Trouble(NOT_DONE, reason, hint)
