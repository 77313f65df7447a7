"""What is not as we last applied it: the record against what a cluster has. It compiles nothing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from iamrbac.backup.applied import Applied, Stamp, State, stamp_of
from iamrbac.compile import names
from iamrbac.compile.desired import Key
from iamrbac.plan import ownership
from iamrbac.plan.observed import Observed


class Drift(StrEnum):
    """How an object drifted."""

    CHANGED = "changed"
    """It says something else, and may have lost labels too."""
    STRIPPED = "stripped"
    """Only labels of ours are gone or otherwise."""
    REMOVED = "removed"
    ADDED = "added"
    """It carries our mark, and we never applied it."""
    CLAIMED = "claimed"
    """Another owner has marked it."""


class Next(StrEnum):
    """What the next apply does about it, as long as the policies are those of the last one."""

    PUT_BACK = "put-back"
    REMOVE = "remove"
    REFUSE = "refuse"
    """It carries our mark no more, or somebody else's: it is not touched before a person decides."""


@dataclass(frozen=True, slots=True)
class Drifted:
    """One object that is not as we last applied it."""

    key: Key
    drift: Drift
    parts: tuple[str, ...] = ()
    """What differs: fields, and labels as `labels.KEY`; () where all of it does."""
    live: Observed | None = None
    """As it is; None where it is gone."""
    then: Next = Next.PUT_BACK
    owner: str = ""
    """Who claims it."""


def drifted(
    applied: Applied, live: Mapping[Key, Observed], owners: Mapping[Key, ownership.Owner]
) -> tuple[Drifted, ...]:
    """Compare, and return what differs, sorted by key.

    `live` is everything on the cluster, also of others; `owners` says whose each is. What a run that was killed, or
    whose write failed, may have left behind is no drift.
    """
    found = [_recorded(key, applied, live.get(key), owners.get(key)) for key in {*applied.objects, *applied.pending}]
    for key, item in live.items():
        known = key in applied.objects or key in applied.pending
        if not known and isinstance(owners[key], ownership.Ours):
            found.append(Drifted(key, Drift.ADDED, (), item, Next.REMOVE))
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.key))


def _recorded(key: Key, applied: Applied, live: Observed | None, owner: ownership.Owner | None) -> Drifted | None:
    last: State = applied.objects.get(key)
    allowed = (last, *applied.pending.get(key, ()))
    if live is None:
        return None if None in allowed else Drifted(key, Drift.REMOVED)
    differences = [_differences(one, live) for one in allowed if one is not None]
    foreign = owner.owner if isinstance(owner, ownership.Foreign) else ""
    if last is not None and foreign == f"ApplySet {last.labels.get(names.PART_OF_LABEL)}":
        # Our own: all that is left of our marks.
        foreign = ""
    if () in differences:
        return Drifted(key, Drift.CLAIMED, (), live, Next.REFUSE, foreign) if foreign else None
    if last is None and not isinstance(owner, ownership.Ours):
        # A write that failed because somebody has one of that name.
        return None
    parts = differences[0] if differences else ()
    if not parts:
        return Drifted(key, Drift.ADDED, (), live, Next.REMOVE)
    drift = Drift.STRIPPED if all(part.startswith("labels.") for part in parts) else Drift.CHANGED
    then = Next.PUT_BACK if isinstance(owner, ownership.Ours) else Next.REFUSE
    return Drifted(key, drift, parts, live, then, foreign)


def _differences(was: Stamp, live: Observed) -> tuple[str, ...]:
    """Return the parts that are not as they were; labels of others, and those that somebody added, do not count."""
    now = stamp_of(live)
    fields = sorted(name for name in {*was.parts, *now.parts} if was.parts.get(name) != now.parts.get(name))
    labels = [f"labels.{key}" for key, value in was.labels.items() if now.labels.get(key) != value]
    return (*fields, *sorted(labels))


def lost_mark(one: Drifted) -> bool:
    """Say whether the instance's label is what an object lost: without it nobody knows it as ours."""
    return f"labels.{names.INSTANCE_LABEL}" in one.parts
