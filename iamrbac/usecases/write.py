"""Write changes to clusters and to EKS, directly: phase after phase, several writes at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace

from iamrbac.compile.desired import Key
from iamrbac.gitops.files import KUBERNETES
from iamrbac.mapping.objects import AwsAuthRow
from iamrbac.mapping.resolve import identity
from iamrbac.model.errors import IamrbacError, LockError
from iamrbac.plan.change import Action, Change, ClusterPlan
from iamrbac.plan.depends import Dependence
from iamrbac.plan.order import REMOVALS, Phase, Stage, frees, gives, phases, rows_that_stay
from iamrbac.usecases.iam import Gate, principal_of
from iamrbac.usecases.lock import Held
from iamrbac.usecases.outcome import Event, Outcome, attempt
from iamrbac.usecases.pool import Pool
from iamrbac.usecases.ports import Edges, Kube
from iamrbac.usecases.rows import write_rows

CLUSTERS_AT_ONCE = 4
KUBE_WRITES_AT_ONCE = 16
EKS_WRITES_AT_ONCE = 4
"""EKS publishes no rate limits; four at a time with adaptive retries is what its other clients do (eks-facts 1.2)."""
REVOCATIONS: frozenset[Stage] = REMOVALS | {"hidden", "leave"}
LOST = "run the same command again: it goes on from what is there"
STOPPED = "interrupted while others kept writing to aws-auth"
WAITS = "what was to take its place was not granted, and this waits for it"


def write_directly(
    edges: Edges,
    instance: str,
    clusters: Sequence[ClusterPlan],
    held: Mapping[str, Held],
    wait: Callable[[int], None],
    note: Callable[[Event], None] = lambda _: None,
    gate: Gate | None = None,
) -> Generator[Event]:
    """Write the changes of several clusters, and yield each outcome as it happens.

    `wait` is called after a conflict over aws-auth, with how many there were in a row.

    A failure stops only what depends on it. When the generator is closed nothing new is begun. Where a lease was
    `held` and is lost, nothing more is written. `note` is told each outcome from the thread that wrote,
    also of what was begun before the generator was closed.
    `gate` says what must not be given, since IAM is not as it should be.
    """
    clusters = [cluster for cluster in clusters if cluster.changes]
    events: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
    stop = threading.Event()

    def run(cluster: ClusterPlan) -> None:
        try:
            for event in _Writer(edges, cluster, instance, stop, held.get(cluster.name), wait, gate).run():
                note(event)
                events.put(event)
        except BaseException as error:
            events.put(error)
            raise
        finally:
            events.put(None)

    with Pool(max_workers=CLUSTERS_AT_ONCE) as pool:
        for cluster in clusters:
            pool.submit(run, cluster)
        open_ = len(clusters)
        try:
            while open_:
                event = events.get()
                if event is None:
                    open_ -= 1
                elif isinstance(event, BaseException):
                    raise event
                else:
                    yield event
        finally:
            stop.set()


class _Writer:
    """Writes one cluster's changes, phase after phase."""

    def __init__(
        self,
        edges: Edges,
        cluster: ClusterPlan,
        instance: str,
        stop: threading.Event,
        held: Held | None,
        wait: Callable[[int], None],
        gate: Gate | None = None,
    ) -> None:
        self.stop = stop
        self.wait = wait
        self.lock = held
        self.edges = edges
        self.cluster = cluster
        self.instance = instance
        self.kube: Kube = edges.kube(cluster.state.target)
        self.failed: set[tuple[str, str]] = set()
        """(namespace, name) of roles that could not be written."""
        gate = gate or Gate()
        self.unmade = frozenset(gate.roles)
        """IAM roles that could not be made: nobody maps them."""
        self.held: set[str] = set(gate.groups)
        """Groups that still have a member or a binding which had to go first: nothing more goes to them."""
        self.rows = rows_that_stay(cluster)
        self.whole = {change.key: change for change in cluster.changes}
        self.stalled: dict[Key, Event] = {}
        """First writes that were not done: the second would find something else than it expects."""
        self.depends = Dependence(cluster)
        """What a grant that was not made was to replace stays."""

    def run(self) -> Iterator[Event]:
        """Write until everything is written, or until somebody says stop."""
        for phase in phases(self.cluster.changes, self.rows):
            if self.stop.is_set():
                return
            for event in self._stage(phase):
                if event.outcome is not Outcome.DONE:
                    self._remember(phase, event)
                if not event.change.partly:
                    yield replace(event, change=self.whole[event.change.key])

    def _stage(self, phase: Phase) -> Iterator[Event]:
        yield from (self.stalled[change.key] for change in phase.changes if change.key in self.stalled)
        phase = Phase(phase.stage, tuple(change for change in phase.changes if change.key not in self.stalled))
        free: list[Change] = []
        for change in phase.changes:
            held = gives(change, self.rows) & self.held
            removal = phase.stage in REMOVALS
            if change.after is not None and principal_of(change) in self.unmade:
                yield Event(change, Outcome.SKIPPED, "its IAM role could not be written")
            elif self.depends.waits(change) if removal else self.depends.leads_nowhere(change):
                yield Event(change, Outcome.SKIPPED, WAITS)
            elif held:
                yield Event(change, Outcome.SKIPPED, f"what had to go first did not: {', '.join(sorted(held))} waits")
            else:
                free.append(change)
        yield from self._phase(Phase(phase.stage, tuple(free)))

    def _remember(self, phase: Phase, event: Event) -> None:
        """A failed removal stops no other removal, else one that fails would keep everybody's access."""
        if event.change.partly:
            self.stalled[event.change.key] = replace(event, change=self.whole[event.change.key])
        if phase.stage in REVOCATIONS:
            self.held |= frees(event.change)
            before = event.change.before
            if phase.stage == "hidden" and before is not None and isinstance(before.spec, AwsAuthRow):
                # The entry that hides it must not uncover it now.
                self.rows = {**self.rows, identity(before.spec.arn): frozenset(before.spec.groups)}
            # Who moves to another group in one write stays where they are: that must not go from under them.
            uncovers = phase.stage == "unmap" and event.change.key.kind == "AccessEntry" and event.change.after is None
            if uncovers or (phase.stage == "leave" and gives(event.change, self.rows)):
                self.depends.failed(event.change)
            return
        self.depends.failed(event.change)
        if event.change.key.kind in {"Role", "ClusterRole"}:
            # Who joins would get what the role was to lose.
            self.held |= frees(event.change)
            self.failed.add((event.change.key.namespace, event.change.key.name))

    def _phase(self, phase: Phase) -> Iterator[Event]:
        rows = [change for change in phase.changes if change.key.kind == "AwsAuthRow"]
        kube = [change for change in phase.changes if change.key.kind in KUBERNETES]
        aws = [change for change in phase.changes if change.key.kind in {"AccessEntry", "AccessPolicyAssociation"}]
        yield from self._at_once(self._kube, kube, KUBE_WRITES_AT_ONCE)
        yield from self._at_once(self._aws, aws, EKS_WRITES_AT_ONCE)
        if rows and not self.stop.is_set():
            yield from self._rows(rows)

    def _at_once(self, write: Callable[[Change], Event], changes: Sequence[Change], workers: int) -> Iterator[Event]:
        """Write several at a time; after a stop nothing new is begun, and what was begun is told."""
        if not changes:
            return
        with Pool(max_workers=min(workers, len(changes))) as pool:
            for event in pool.map(lambda change: self._one(write, change), changes):
                if event is not None:
                    yield event

    def _one(self, write: Callable[[Change], Event], change: Change) -> Event | None:
        if self.stop.is_set():
            return None
        lost = self.lock.lost() if self.lock is not None else ""
        return Event(change, Outcome.SKIPPED, lost, LOST) if lost else write(change)

    def _rows(self, rows: Sequence[Change]) -> Iterator[Event]:
        """All rows of a phase go in one write of the ConfigMap."""
        lost = self.lock.lost() if self.lock is not None else ""
        if lost:
            yield from (Event(change, Outcome.SKIPPED, lost, LOST) for change in rows)
            return
        try:
            write_rows(self.kube, self.instance, rows, self.cluster.name, self._after_conflict)
        except IamrbacError as error:
            for change in rows:
                yield Event(change, Outcome.FAILED, error.message, error.hint)
            return
        for change in rows:
            yield Event(change, Outcome.DONE)

    def _after_conflict(self, conflicts: int) -> None:
        """Wait before the next attempt at aws-auth. Raises LockError when nothing more is to be written."""
        lost = self.lock.lost() if self.lock is not None else ""
        if lost or self.stop.is_set():
            raise LockError(lost or STOPPED, where=self.cluster.name, hint=LOST)
        self.wait(conflicts)

    def _kube(self, change: Change) -> Event:
        key = change.key
        if key.kind in {"RoleBinding", "ClusterRoleBinding"} and (key.namespace, key.name) in self.failed:
            return Event(change, Outcome.SKIPPED, "its role could not be written")
        return attempt(change, self._write_kube)

    def _write_kube(self, change: Change) -> None:
        if change.before is not None and change.action in {Action.DELETE, Action.REPLACE}:
            self.kube.delete(change.before)
        if change.after is not None and change.action in {Action.CREATE, Action.REPLACE}:
            self.kube.create(change.after)
        if change.before is not None and change.after is not None and change.action in {Action.UPDATE, Action.ADOPT}:
            self.kube.update(change.before, change.after)

    def _aws(self, change: Change) -> Event:
        return attempt(change, self._write_aws)

    def _write_aws(self, change: Change) -> None:
        target, aws = self.cluster.state.target, self.edges.aws
        if change.before is not None and change.action in {Action.DELETE, Action.REPLACE}:
            aws.delete(target, change.before)
        if change.after is not None and change.action in {Action.CREATE, Action.REPLACE}:
            aws.create(target, change.after)
        if change.before is not None and change.after is not None and change.action in {Action.UPDATE, Action.ADOPT}:
            aws.update(target, change.before, change.after)
