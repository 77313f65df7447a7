"""From what was heard of a cluster's apply to what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from iamrbac.fleet.result import Became, Result
from iamrbac.model.errors import ClusterTimeoutError, IamrbacError
from iamrbac.plan.change import ClusterPlan
from iamrbac.usecases.fence import AGAIN
from iamrbac.usecases.outcome import Delivered, Event, Outcome

GOOD = frozenset({Outcome.DONE, Outcome.PROPOSED})


@dataclass(slots=True)
class Heard:
    """What an apply has said so far; its thread appends, others only look."""

    events: list[Event | Delivered] = field(default_factory=list)
    error: IamrbacError | None = None
    """Why it came to nothing, or no further."""
    stale: bool = False
    """It is no longer as it was shown."""

    def of(self, cluster: ClusterPlan) -> list[Event]:
        """Return what became of one cluster's changes."""
        return [one for one in list(self.events) if isinstance(one, Event) and one.change.key.cluster == cluster.name]

    def deliveries(self, cluster: ClusterPlan) -> list[Delivered]:
        """Return what became of the commits for one cluster."""
        return [one for one in list(self.events) if isinstance(one, Delivered) and cluster.name in one.clusters]


def result_of(cluster: ClusterPlan, wave: int, heard: Heard, *, interrupted: bool) -> Result:
    """Return what became of a cluster whose apply has ended."""
    events = heard.of(cluster)
    done = sum(event.outcome in GOOD for event in events)
    size = len(cluster.changes)
    if heard.error is not None:
        became = Became.REFUSED if heard.stale else Became.FAILED
        error = heard.error
        return Result(cluster.name, wave, became, False, done, size, error.message, error.hint, error.code)
    outcomes: list[Event | Delivered] = [*events, *heard.deliveries(cluster)]
    bad = next((one for one in outcomes if one.outcome is Outcome.FAILED), None)
    bad = bad or next((one for one in outcomes if one.outcome is Outcome.SKIPPED), None)
    if bad is not None:
        return Result(cluster.name, wave, Became.FAILED, False, done, size, bad.reason, bad.hint)
    waits = next((one for one in outcomes if one.outcome is Outcome.WAITING), None)
    if waits is not None:
        return Result(cluster.name, wave, Became.WAITING, False, done, size, waits.reason, waits.hint)
    if done < size and interrupted:
        return Result(cluster.name, wave, Became.INTERRUPTED, False, done, size, "the run was interrupted")
    if not cluster.changed:
        return Result(cluster.name, wave, Became.UNCHANGED)
    return Result(cluster.name, wave, Became.DONE, False, done, size)


def late(cluster: ClusterPlan, wave: int, heard: Heard, why: str, *, interrupted: bool) -> Result:
    """Return what became of a cluster that nobody waits for any more."""
    done = sum(event.outcome in GOOD for event in heard.of(cluster))
    became = Became.INTERRUPTED if interrupted else Became.TIMED_OUT
    size = len(cluster.changes)
    return Result(cluster.name, wave, became, False, done, size, why, AGAIN, ClusterTimeoutError.code)
