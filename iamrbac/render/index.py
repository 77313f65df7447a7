"""What `iamrbac index` made and what became of it, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from iamrbac.index.index import AccessIndex
from iamrbac.plan.change import FailedCluster
from iamrbac.render.plain import printable
from iamrbac.usecases.index import KeptIndex
from iamrbac.usecases.states import count


def index_text(index: AccessIndex, kept: KeptIndex, *, check: bool) -> str:
    """Return what differs, and in the last line what became of the place."""
    return "\n".join([*_changes(kept), f"{kept.where}: {_outcome(index, kept, check=check)}"]) + "\n"


def moved_text(index: AccessIndex, before: AccessIndex, name: str) -> str:
    """Return the warning about a cluster that is not where it was."""
    old, new = before.cluster(name), index.cluster(name)
    what = "its ARN" if old is None or new is None or old.arn != new.arn else "its certificate authority"
    shown = ""
    if old is not None and new is not None and old.endpoint != new.endpoint:
        what, shown = "its endpoint", f" from {old.endpoint} to {new.endpoint}"
    return (
        f"{name}: {what} changed{shown}: right if the cluster was made anew; if not, somebody changed the index, "
        "and tokens went there"
    )


def index_json(index: AccessIndex, kept: KeptIndex) -> dict[str, Any]:
    """Return the same as `-o json` writes it (render/schemas/index.json)."""
    difference = kept.difference
    return {
        "formatVersion": 1,
        "place": kept.where,
        "changed": difference.changed,
        "written": kept.written,
        "clusters": len(index.clusters),
        "sets": _sets(index),
        "gained": difference.gained,
        "lost": difference.lost,
        "clustersAdded": list(difference.added),
        "clustersRemoved": list(difference.removed),
        "clustersMoved": list(difference.moved),
        "broken": kept.broken or None,
    }


def failures_text(failures: tuple[FailedCluster, ...]) -> str:
    """Return a line for each cluster that was not described."""
    return "".join(
        f"{one.name}: not known: [{one.code}] {printable(one.message)}. Next: {one.hint}\n" for one in failures
    )


def _changes(kept: KeptIndex) -> Iterator[str]:
    difference = kept.difference
    yield from (f"+ cluster {name}" for name in difference.added)
    yield from (f"- cluster {name}" for name in difference.removed)
    yield from (f"~ cluster {name} is somewhere else" for name in difference.moved)
    if difference.gained or difference.lost:
        yield f"{difference.gained} gained, {difference.lost} lost (principal × cluster)"


def _outcome(index: AccessIndex, kept: KeptIndex, *, check: bool) -> str:
    if check and kept.difference.changed:
        return "not there yet" if kept.before is None and not kept.broken else "not what it would be now"
    if kept.written:
        return f"written, {count(len(index.clusters), 'cluster')} and {count(_sets(index), 'set')}"
    return "what it would be now" if check else "there already"


def _sets(index: AccessIndex) -> int:
    return sum(len(one.sets) for one in index.clusters)
