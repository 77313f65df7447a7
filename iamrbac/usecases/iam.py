"""Write IAM's part of a plan: before the clusters what they need, after them what lets people in."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.arn import comparable
from iamrbac.plan.change import Action, Change, Plan
from iamrbac.plan.iam_order import IamOrder, keeps_out, ordered, role_of, sets_of
from iamrbac.plan.order import frees
from iamrbac.usecases.lock import Held
from iamrbac.usecases.outcome import Event, Outcome, attempt
from iamrbac.usecases.ports import Iam

WRITES_AT_ONCE = 4
LOST = "run the same command again: it goes on from what is there"


@dataclass(slots=True)
class Gate:
    """What a cluster must not be given, since something in IAM did not come to be."""

    roles: set[str] = field(default_factory=set)
    """Roles that could not be made, as clusters know them: nobody maps them."""
    groups: set[str] = field(default_factory=set)
    """Kubernetes groups whose members should have got fewer: they get nothing more."""


def principal_of(change: Change) -> str:
    """Return whom a change of an entry, of a row or of an entry's policy is about, as clusters know it; else ""."""
    side = change.after or change.before
    spec = side.spec if side is not None else None
    if isinstance(spec, AccessEntry):
        return comparable(spec.principal)
    if change.key.kind == "AccessPolicyAssociation":
        return comparable(change.key.name.split("#", 1)[0])
    return comparable(change.key.name) if change.key.kind == "AwsAuthRow" else ""


class IamWriter:
    """Writes all accounts of a plan, step after step. It has to see every event of the clusters in between."""

    def __init__(self, iam: Iam, plan: Plan, locks: Mapping[str, Held]) -> None:
        self._iam = iam
        self._locks = locks
        self._stop = threading.Event()
        self._orders: list[IamOrder] = [ordered(one.changes) for one in plan.planned_accounts]
        self._sets = {role: group for one in plan.planned_accounts for role, group in sets_of(one).items()}
        self._undone: set[str] = set()
        """Roles about which something is not done: they do not go."""
        self.gate = Gate()

    def first(self) -> Generator[Event]:
        """Write what goes before the clusters. What fails here holds up what depends on it there."""
        for event in self._write(change for one in self._orders for change in one.out):
            self._hold(event)
            yield event
        for event in self._write(change for one in self._orders for change in one.roles):
            if event.outcome is not Outcome.DONE and event.change.action is Action.CREATE:
                self.gate.roles.add(role_of(event.change))
            self._hold(event)
            yield event

    def saw(self, event: Event) -> None:
        """Take note of what became of a change on a cluster."""
        if event.outcome is not Outcome.DONE:
            self._undone.add(principal_of(event.change))
            # Whoever joins now would get what others were to lose.
            self.gate.groups |= frees(event.change)

    def then(self) -> Generator[Event]:
        """Write what goes after the clusters."""
        into: list[Change] = []
        for change in (change for one in self._orders for change in one.into):
            role = role_of(change)
            if role in self.gate.roles:
                yield Event(change, Outcome.SKIPPED, "its role could not be written")
            elif self._sets.get(role) in self.gate.groups:
                yield Event(change, Outcome.SKIPPED, "what had to go first did not")
            else:
                into.append(change)
        for event in self._write(into):
            self._hold(event)
            yield event
        drop: list[Change] = []
        for change in (change for one in self._orders for change in one.drop):
            if role_of(change) in self._undone:
                yield Event(change, Outcome.SKIPPED, "it is still used: what had to go first did not")
            else:
                drop.append(change)
        yield from self._write(drop)

    def _hold(self, event: Event) -> None:
        if event.outcome is Outcome.DONE:
            return
        role = role_of(event.change)
        self._undone.add(role)
        removal = event.change.key.kind == "IamGroupPolicy" and event.change.action is Action.DELETE
        if (removal or keeps_out(event.change)) and role in self._sets:
            self.gate.groups.add(self._sets[role])

    def _write(self, changes: Iterable[Change]) -> Generator[Event]:
        """Write several at a time; when the generator is closed nothing new is begun."""
        changes = tuple(changes)
        if not changes:
            return
        with ThreadPoolExecutor(max_workers=min(WRITES_AT_ONCE, len(changes))) as pool:
            try:
                for event in pool.map(self._one, changes):
                    if event is not None:
                        yield event
            except BaseException:
                self._stop.set()
                raise

    def _one(self, change: Change) -> Event | None:
        if self._stop.is_set():
            return None
        lost = next((why for held in self._locks.values() if (why := held.lost())), "")
        return Event(change, Outcome.SKIPPED, lost, LOST) if lost else attempt(change, self._change)

    def _change(self, change: Change) -> None:
        if change.after is None and change.before is not None:
            self._iam.delete(change.before)
        elif change.after is not None and change.before is None:
            self._iam.create(change.after)
        elif change.after is not None and change.before is not None:
            self._iam.update(change.before, change.after)
