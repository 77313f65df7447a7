"""What a new access index changes against the one that is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from iamrbac.index.codec import same
from iamrbac.index.index import AccessIndex, IndexCluster
from iamrbac.model.arn import comparable

OLD: Final = timedelta(days=1)
"""An index of this age is said to be old, and is written again even where only its time would change."""


@dataclass(frozen=True, slots=True)
class IndexDifference:
    """What differs between two indexes, as people and machines are told."""

    changed: bool
    """Whether they say something else; not by when they were made."""
    gained: int
    """Pairs of principal and cluster that are new; who may assume a set's role counts as that role."""
    lost: int
    added: tuple[str, ...] = ()
    """Clusters that are new."""
    removed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    """Clusters that were there and have another endpoint, certificate authority or ARN now: made anew, or not what
    somebody says they are."""


def differ(before: AccessIndex | None, after: AccessIndex) -> IndexDifference:
    """Return what an index changes against the one that was there; None for none."""
    known = {one.name: one for one in before.clusters} if before is not None else {}
    new = {one.name: one for one in after.clusters}
    held = {pair for one in known.values() for pair in _held(one)}
    holds = {pair for one in after.clusters for pair in _held(one)}
    return IndexDifference(
        before is None or not same(before, after),
        len(holds - held),
        len(held - holds),
        tuple(name for name in new if name not in known),
        tuple(name for name in known if name not in new),
        tuple(name for name, one in new.items() if name in known and _place(known[name]) != _place(one)),
    )


def due(before: AccessIndex | None, after: AccessIndex) -> bool:
    """Say whether an index is to be written: it says something else, or the one that is there is old."""
    return before is None or not same(before, after) or is_old(before, after.written)


def is_old(index: AccessIndex, at: datetime) -> bool:
    """Say whether an index was made more than a day before a time."""
    return at - index.written > OLD


def _held(cluster: IndexCluster) -> Iterator[tuple[str, str]]:
    for one in cluster.sets:
        for arn in (*one.principals, *one.roles):
            yield comparable(arn), cluster.name


def _place(cluster: IndexCluster) -> tuple[object, ...]:
    return cluster.arn, cluster.endpoint, cluster.certificate_authority
