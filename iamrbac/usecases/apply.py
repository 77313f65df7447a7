"""Change it: write a plan's changes, cluster by cluster, in the order that gives nobody too much.

Nothing here decides what to change: a `Plan` comes in, events go out, and every event is one write that happened,
failed or was left undone because of a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from random import SystemRandom
from typing import Final

from iamrbac.findings.finding import Level
from iamrbac.model.errors import IamrbacError
from iamrbac.plan.change import Change, ClusterPlan, Plan
from iamrbac.plan.document import fingerprint
from iamrbac.plan.escalation import ABOVE
from iamrbac.plan.halves import Halves, after_commit, halves, only
from iamrbac.plan.order import gives
from iamrbac.plan.ownership import is_marked
from iamrbac.plan.synced import not_synced
from iamrbac.usecases.deliver import Recorded, batches, deliver
from iamrbac.usecases.iam import Gate, IamWriter, principal_of
from iamrbac.usecases.keep import Keeping, kept
from iamrbac.usecases.lock import Held, Locking, locked
from iamrbac.usecases.outcome import Delivered, Event, Outcome
from iamrbac.usecases.ports import Edges, Progress
from iamrbac.usecases.recording import Recording, recording
from iamrbac.usecases.rows import pause_after
from iamrbac.usecases.write import write_directly

POLL_SECONDS: Final = 5.0
NOT_SYNCED: Final = "the cluster does not have yet what was committed, and this would count at once"


@dataclass(frozen=True, slots=True)
class Applying:
    """How to apply, beside the plan."""

    progress: Progress
    pause: Callable[[float], None]
    """Waits for some seconds."""
    wait: float = 0
    """Seconds to wait at most until a cluster has what was committed."""
    recorded: Recorded = field(default_factory=Recorded)
    """What a commit says of this apply: what was allowed for it, and whether it is a rollback."""
    locking: Locking | None = None
    """How to make sure that nobody else writes meanwhile; None: not at all."""
    recording: Recording | None = None
    """How to leave word of it on clusters that are written directly; None: not at all."""
    keeping: Keeping | None = None
    """How to keep what is changed, to go back to; None: not at all."""
    allowed: tuple[tuple[str, str], ...] = ()
    """What was allowed by name (`Allowed-Removals`, `12`), for the summary."""
    gate: Gate = field(default_factory=Gate)
    """What must not be given, since IAM is not as it should be; beside what IAM's part of the plan itself says."""
    chance: Callable[[], float] = SystemRandom().random
    """Draws from 0 to 1, for pauses in which several who met do not meet again."""

    def after_conflict(self, conflicts: int) -> None:
        """Wait before another attempt, after so many conflicts in a row."""
        self.pause(pause_after(conflicts, self.chance()))


def refused(plan: Plan) -> bool:
    """Say whether a finding forbids the apply of this plan: every error, and what Kubernetes would not let us write."""
    return any(finding.level is Level.ERROR or finding.id == ABOVE for finding in plan.all_findings)


def apply_plan(edges: Edges, plan: Plan, how: Applying) -> Generator[Event | Delivered]:
    """Write every change of every planned cluster; yield each outcome as it happens.

    The caller has made sure that nothing refuses the plan. A failure stops only what depends on it: a binding whose
    role failed, and removals of what it was to replace. An interruption leaves a state from which the same command
    converges. Of clusters that are delivered by Git, who leaves goes first, then come the commits, then everybody else
    (see plan.halves).

    Raises LockError, StalePlanError, BackupError, ApplySetError or KubeError before the first write where a lease
    cannot be had, what changes cannot be kept, or the parent of our ApplySet is somebody else's.
    """
    split = {cluster.name: halves(cluster) for cluster in plan.planned if cluster.changed}
    clusters = [cluster for cluster in plan.planned if cluster.changed]
    # Whoever delivers by Git need have no right in the cluster: entries are read again before each write instead.
    written = [cluster for cluster in clusters if cluster.git is None]
    with (
        locked(edges, plan.home, written, how.locking) as locks,
        kept(edges, plan, clusters, how.keeping) as keep,
        recording(edges, plan, how.recording) as note,
        # Closed first: nothing is written any more when word of it is brought to its end.
        closing(_written(edges, plan, clusters, split, how, _Writing(locks, keep))) as events,
    ):
        for event in events:
            note(event)
            if isinstance(event, Event):
                keep(event)
            yield event


@dataclass(frozen=True, slots=True)
class _Writing:
    """What goes along with every direct write."""

    locks: Mapping[str, Held]
    keep: Callable[[Event], None]
    gate: Gate = field(default_factory=Gate)
    """What must not be given, since IAM is not as it should be."""


def _written(
    edges: Edges,
    plan: Plan,
    clusters: Sequence[ClusterPlan],
    split: Mapping[str, Halves],
    how: Applying,
    along: _Writing,
) -> Generator[Event | Delivered]:
    """Write IAM's part around the clusters' (see plan.iam_order)."""
    iam = IamWriter(edges.iam, plan, along.locks)
    yield from iam.first()
    # IAM's failures alone hold up what follows; what the clusters' own do is told to IAM's part as it happens.
    gate = Gate(iam.gate.roles | how.gate.roles, iam.gate.groups | how.gate.groups)
    with closing(_clusters(edges, plan, clusters, split, how, replace(along, gate=gate))) as events:
        for event in events:
            if isinstance(event, Event):
                iam.saw(event)
            yield event
    yield from iam.then()


def _clusters(
    edges: Edges,
    plan: Plan,
    clusters: Sequence[ClusterPlan],
    split: Mapping[str, Halves],
    how: Applying,
    along: _Writing,
) -> Generator[Event | Delivered]:
    delivered = [cluster for cluster in clusters if cluster.git is not None]
    first = [only(cluster, split[cluster.name].first) for cluster in delivered]
    first += [cluster for cluster in clusters if cluster.git is None]
    # What is committed is written whole: where IAM is not ready for a part of it, all of it waits.
    stuck = {cluster.name for cluster in delivered if _not_ready(split[cluster.name].committed, along.gate)}
    for event in _directly(edges, plan, first, how, along):
        if event.outcome is not Outcome.DONE:
            stuck.add(event.change.key.cluster)
        yield event
    held = [cluster for cluster in delivered if cluster.name in stuck]
    for cluster in held:
        parts = split[cluster.name]
        for change in (*parts.committed, *parts.then, *parts.synced):
            yield Event(change, Outcome.SKIPPED, "what had to go first did not")
    free = [cluster for cluster in delivered if cluster.name not in stuck]
    became = yield from _commits(edges, plan, free, split, how)
    free = [cluster for cluster in free if became.get(cluster.name) is not Outcome.FAILED]
    then = [only(cluster, split[cluster.name].then) for cluster in free]
    yield from _directly(edges, plan, then, how, along)
    late = [cluster for cluster in free if split[cluster.name].synced]
    # What is only proposed is not delivered before somebody merges it.
    proposed = {cluster.name for cluster in late if became.get(cluster.name) is Outcome.PROPOSED}
    yield from _waiting([cluster for cluster in late if cluster.name in proposed], split)
    ready = yield from _synced(edges, [cluster for cluster in late if cluster.name not in proposed], split, how)
    synced = [only(cluster, split[cluster.name].synced) for cluster in ready]
    yield from _directly(edges, plan, synced, how, along)


def _directly(
    edges: Edges, plan: Plan, clusters: Sequence[ClusterPlan], how: Applying, along: _Writing
) -> Generator[Event]:
    return write_directly(edges, plan.instance, clusters, along.locks, how.after_conflict, along.keep, along.gate)


def _not_ready(changes: Iterable[Change], gate: Gate) -> bool:
    return any(
        (change.after is not None and principal_of(change) in gate.roles) or not gate.groups.isdisjoint(gives(change))
        for change in changes
    )


def _commits(
    edges: Edges, plan: Plan, clusters: Sequence[ClusterPlan], split: Mapping[str, Halves], how: Applying
) -> Generator[Event | Delivered, None, Mapping[str, Outcome]]:
    """Commit, and return what became of the commit of each cluster that needed one."""
    became: dict[str, Outcome] = {}
    mark = fingerprint(plan)
    for batch in batches(clusters):
        where = f"{batch.delivery.repository} ({batch.delivery.branch})"
        how.progress.step(f"Committing {len(batch.files)} files to {where}")
        done = deliver(
            edges.deliveries, batch, mark, how.recorded, lambda attempt: how.pause(min(0.1 * 2**attempt, 5.0))
        )
        yield done
        for cluster in batch.clusters:
            parts = split[cluster.name]
            for change in parts.committed:
                yield Event(change, done.outcome, done.reason, done.hint, done.commit)
            became[cluster.name] = done.outcome
            if done.outcome is Outcome.FAILED:
                for change in (*parts.then, *parts.synced):
                    yield Event(change, Outcome.SKIPPED, "the commit, which goes before, was not made")
    return became


def _synced(
    edges: Edges, clusters: Sequence[ClusterPlan], split: Mapping[str, Halves], how: Applying
) -> Generator[Event | Delivered, None, list[ClusterPlan]]:
    """Return the clusters that have what was committed; wait for them as long as was asked for, and tell the others."""
    waiting = list(clusters)
    ready: list[ClusterPlan] = []
    left = how.wait
    while waiting:
        now = [cluster for cluster in waiting if in_sync(edges, cluster, split[cluster.name])]
        ready += now
        waiting = [cluster for cluster in waiting if cluster not in now]
        if not waiting or left <= 0:
            break
        names_ = ", ".join(cluster.name for cluster in waiting)
        how.progress.step(f"Waiting until {names_} {'is' if len(waiting) == 1 else 'are'} synced")
        how.pause(min(POLL_SECONDS, left))
        left -= POLL_SECONDS
    yield from _waiting(waiting, split)
    return ready


def _waiting(clusters: Sequence[ClusterPlan], split: Mapping[str, Halves]) -> Generator[Event]:
    for cluster in clusters:
        for change in split[cluster.name].synced:
            yield Event(change, Outcome.WAITING, NOT_SYNCED, f"run `iamrbac apply --cluster {cluster.name}` then")


def in_sync(edges: Edges, cluster: ClusterPlan, parts: Halves) -> bool:
    """Say whether a cluster has what its branch says after the commit; False where it cannot be asked."""
    if cluster.git is None:
        return True
    try:
        _, objects, _ = edges.kube(cluster.state.target).state()
    except IamrbacError:
        return False
    instance = cluster.git.delivery.instance
    live = [item for item in objects if is_marked(item.meta, instance)]
    wanted = after_commit(cluster, parts.committed)
    return not not_synced(cluster.git.delivery, wanted, live, "")[1]
