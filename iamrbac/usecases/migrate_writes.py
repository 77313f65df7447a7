"""The writes of a migration: entries and policies at EKS, rows of aws-auth; each under the lock, and kept before."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from iamrbac.compile import names
from iamrbac.compile.desired import Desired
from iamrbac.model.errors import ExistsError, MigrateError
from iamrbac.plan.change import Action, Change, ClusterPlan, Plan
from iamrbac.plan.observed import AwsAuth, ClusterState, Target
from iamrbac.plan.simulate import edit_rows
from iamrbac.usecases.keep import Note, kept
from iamrbac.usecases.lock import Held
from iamrbac.usecases.migrate_how import How, Step, Told
from iamrbac.usecases.outcome import Event, Outcome, attempt
from iamrbac.usecases.ports import Edges
from iamrbac.usecases.recording import recording
from iamrbac.usecases.rows import write_rows

AT_ONCE: Final = 4
"""Calls to EKS, which publishes no rate limits."""


class Writes:
    """Writes to one cluster while its lease is `held` (None: there is none)."""

    def __init__(self, edges: Edges, how: How, cluster: str, held: Held | None) -> None:
        self._edges = edges
        self._how = how
        self._cluster = cluster
        self._held = held
        self.last: datetime | None = None
        """When something was written at EKS last."""

    def at_eks(
        self, step: Step, state: ClusterState, pairs: Sequence[tuple[Change, ...]], doing: str = ""
    ) -> Generator[Told]:
        """Write changes at EKS, those of one principal one after another. Raises MigrateError where one failed.

        They are kept under what history calls it; without that not at all.
        """
        failed: list[str] = []
        with self._kept(state, [one for pair in pairs for one in pair], doing) as note:
            for event in self._at_once(state.target, pairs, note):
                if event.outcome is not Outcome.DONE:
                    failed.append(event.reason)
                yield _told(step, event)
        self.last = self._how.now()
        if failed:
            raise self.stopped(f"{len(failed)} of {sum(map(len, pairs))} writes failed: {failed[0]}")

    def _at_once(self, target: Target, pairs: Sequence[tuple[Change, ...]], note: Note) -> Iterator[Event]:
        stop = threading.Event()
        with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(pairs) or 1)) as pool:
            try:
                for events in pool.map(lambda pair: self._pair(target, pair, stop, note), pairs):
                    yield from events
            finally:
                stop.set()

    def _pair(self, target: Target, pair: Sequence[Change], stop: threading.Event, note: Note) -> list[Event]:
        events: list[Event] = []
        for change in pair:
            if stop.is_set():
                break
            lost = self._held.lost() if self._held is not None else ""
            if lost or (events and events[-1].outcome is not Outcome.DONE):
                events.append(Event(change, Outcome.SKIPPED, lost or "its access entry could not be made"))
            else:
                events.append(attempt(change, lambda one: self._write(target, one)))
            # Here, so that it is known too where nobody waits for it any more.
            note(events[-1])
        return events

    def _write(self, target: Target, change: Change) -> None:
        aws = self._edges.aws
        if change.before is not None and change.after is not None and change.action is Action.UPDATE:
            aws.update(target, change.before, change.after)
            return
        if change.before is not None:
            aws.delete(target, change.before)
        if change.after is not None:
            try:
                aws.create(target, change.after)
            except ExistsError:
                # Of a call whose answer got lost; what it says is read back and compared.
                if change.key.kind != "AccessPolicyAssociation":
                    raise

    @contextmanager
    def _kept(self, state: ClusterState, changes: Sequence[Change], doing: str) -> Iterator[Note]:
        """Keep what changes, and record what of it is ours, so that `drift` knows it; without `doing` neither."""
        plan = self._plan(state, changes)
        keep, record = self._how.leaving(plan, doing) if changes and doing else (None, None)
        ours = [change for change in changes if _is_ours(change, changes, self._how.instance)]
        with (
            kept(self._edges, plan, plan.planned, keep) as kept_,
            recording(self._edges, self._plan(state, ours), record if ours else None) as recorded,
        ):

            def note(event: Event) -> None:
                kept_(event)
                if event.change in ours:
                    recorded(event)

            yield note

    def _plan(self, state: ClusterState, changes: Sequence[Change]) -> Plan:
        return Plan(self._how.instance, (plan_of(state, changes),), (), "", self._how.home, self._how.backups)

    def rows(self, state: ClusterState, remove: Sequence[Change], doing: str) -> AwsAuth | None:
        """Take rows out in one write; return aws-auth as it was before.

        Raises what `write_rows` raises, and MigrateError.
        """
        kube = self._edges.kube(state.target)
        with self._kept(state, remove, doing) as note:
            self.check_lock()
            left = kube.aws_auth()
            try:
                write_rows(kube, self._how.instance, remove, self._cluster, self._between)
            except BaseException:
                for one in remove:
                    note(Event(one, Outcome.FAILED, "it could not be taken out"))
                raise
            for one in remove:
                note(Event(one, Outcome.DONE))
        return left

    def rows_back(self, state: ClusterState, removed: Sequence[Change], left: AwsAuth | None) -> None:
        """Put the rows back: byte for byte where nobody has written since, else at the end of their sections."""
        kube = self._edges.kube(state.target)
        current = kube.aws_auth()
        if left is not None and current is not None and current.data == edit_rows(left.data, removed):
            kube.write_aws_auth(current, left.data, left.annotations)
            return
        again = [
            Change(
                one.key,
                Action.CREATE,
                None,
                Desired(one.key, one.before.spec, one.before.meta.labels, released=not one.before.meta.labels),
            )
            for one in removed
            if one.before is not None
        ]
        write_rows(kube, self._how.instance, again, self._cluster, self._between)

    def _between(self, conflicts: int) -> None:
        self.check_lock()
        self._how.after_conflict(conflicts)

    def check_lock(self) -> None:
        """Raise MigrateError where the lease is lost."""
        lost = self._held.lost() if self._held is not None else ""
        if lost:
            raise self.stopped(lost)

    def stopped(self, why: str) -> MigrateError:
        """Return why it stops."""
        return MigrateError(why, where=self._cluster, hint="run it again")


def plan_of(state: ClusterState, changes: Sequence[Change] = ()) -> ClusterPlan:
    """Return changes as the lock and the backup take them."""
    return ClusterPlan(state, "access-entries", tuple(changes), (), (), 0, frozenset())


def _is_ours(change: Change, changes: Sequence[Change], instance: str) -> bool:
    """Return whether a change is of what is ours, before or after; a policy is its entry's."""
    if change.key.kind == "AccessPolicyAssociation":
        entry = change.key.name.partition("#")[0]
        return any(one.key.name == entry and _is_ours(one, (), instance) for one in changes)
    labels = [change.after.labels] if change.after is not None else []
    labels += [change.before.meta.labels] if change.before is not None else []
    return any(one.get(names.INSTANCE_LABEL) == instance for one in labels)


def _told(step: Step, event: Event) -> Told:
    sign = {Action.CREATE: "+", Action.DELETE: "-", Action.UPDATE: "~", Action.REPLACE: "-/+"}
    text = f"{sign.get(event.change.action, '')} {event.change.key.kind} {event.change.key.name}"
    return Told(event.change.key.cluster, step, text, event.outcome, event.reason, event.hint)
