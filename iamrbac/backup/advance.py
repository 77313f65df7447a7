"""How the record of what was applied goes on with a run: told before the first write, and after the last one. Pure.

Before the first write it says what is about to change, so that nobody is accused of what a run did that was killed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from iamrbac.backup.applied import Applied, By, Stamp, State, stamp, stamp_of
from iamrbac.compile import names
from iamrbac.compile.desired import Desired, Key
from iamrbac.plan.change import Action, Change
from iamrbac.plan.observed import Observed
from iamrbac.plan.order import phases


def begun(
    old: Applied | None, ours: Mapping[Key, Observed], changes: tuple[Change, ...], by: By, *, whole: bool = True
) -> Applied:
    """Return the record before the first write of a run.

    `ours` is all that we own on the cluster as it was read: what the run does not change is as it should be. What it is
    to change keeps what the record said of it. Without a record of before, it counts from how it was found.

    A run that is not `whole` (a revoke, a rollback) was not compared with what the policies want: of what it does not
    change the record goes on saying what it said, so that no drift is taken for ours.
    """
    changing = {change.key for change in changes if change.key.kind != "Namespace"}
    objects = {key: stamp_of(item) for key, item in ours.items() if key not in changing}
    before = old.objects if old is not None else {key: stamp_of(item) for key, item in ours.items()}
    objects |= {key: before[key] for key in changing if key in before}
    if old is not None and not whole:
        objects = dict(old.objects)
    unsure = {key: some for key, some in old.pending.items() if key in changing or not whole} if old is not None else {}
    pending = unsure | {key: _joined(unsure.get(key, ()), some) for key, some in _ways(changes, by.instance).items()}
    return _same_or(old, Applied(by.at, by.run, objects, pending))


def ended(now: Applied, done: Iterable[Change], by: By) -> Applied:
    """Return the record after a run, which wrote `done`. What it did not write stays as it was said before."""
    objects, pending = dict(now.objects), dict(now.pending)
    for change in done:
        pending.pop(change.key, None)
        if change.after is None or change.after.released:
            objects.pop(change.key, None)
        elif change.key.kind != "Namespace":
            objects[change.key] = _after(change.after, by.instance)
    return _same_or(now, Applied(by.at, by.run, objects, pending))


def _ways(changes: tuple[Change, ...], instance: str) -> dict[Key, tuple[State, ...]]:
    """Return what each object may be like on its way: some changes are two writes."""
    found: dict[Key, tuple[State, ...]] = {}
    for phase in phases(changes):
        for change in phase.changes:
            if change.key.kind == "Namespace":
                continue
            found[change.key] = _joined(found.get(change.key, ()), tuple(_states(change, instance)))
    return found


def _states(change: Change, instance: str) -> Iterator[State]:
    """Yield what one write may leave behind, in its order."""
    before, after = change.before, change.after
    marked = before is not None and after is not None and after.labels.items() - before.meta.labels.items()
    if change.action is Action.REPLACE:
        yield None
    elif before is not None and after is not None and marked and change.key.kind == "AccessEntry":
        # Tags and the rest are two calls to EKS, tags first.
        yield stamp(before.spec, after.labels)
    if after is not None and after.released:
        # It is not ours then, which looks as if it were gone.
        yield None
    yield None if after is None else _after(after, instance)


def _after(after: Desired, instance: str) -> Stamp:
    """A row of ours has no label of its own: the annotation that names it is read as the instance's."""
    row = after.key.kind == "AwsAuthRow" and not after.released
    return stamp(after.spec, names.entry_tags(instance) if row else after.labels)


def _joined(some: tuple[State, ...], more: tuple[State, ...]) -> tuple[State, ...]:
    joined: list[State] = []
    for one in (*some, *more):
        if one not in joined:
            joined.append(one)
    return tuple(joined)


def _same_or(old: Applied | None, new: Applied) -> Applied:
    """Return the old record where nothing but its time would change."""
    if old is not None and (old.objects, old.pending) == (new.objects, new.pending):
        return old
    return new
