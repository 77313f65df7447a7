"""A plan of a cluster that is delivered by Git, in the order that gives nobody too much (design §4, Order).

Who leaves goes first, directly. Then the commit. What gives somebody a group whose rights the commit changes, or that
the cluster does not have as the branch says, waits until it is synced; everything else goes on. Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from iamrbac.gitops.files import KUBERNETES
from iamrbac.identity.permission_sets import lasting
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow
from iamrbac.plan.change import Action, Change, ClusterPlan
from iamrbac.plan.observed import Meta, Observed
from iamrbac.plan.order import frees, gives, rows_that_stay
from iamrbac.plan.ownership import is_marked
from iamrbac.plan.synced import groups_of


@dataclass(frozen=True, slots=True)
class Halves:
    """One cluster's changes, each in exactly one field."""

    first: tuple[Change, ...]
    """Written directly before the commit: they take away and give nothing."""
    committed: tuple[Change, ...]
    then: tuple[Change, ...]
    """Written directly after the commit."""
    synced: tuple[Change, ...]
    """Written directly once the cluster has what was committed."""


def halves(cluster: ClusterPlan) -> Halves:
    """Split a cluster's changes; without Git all of them are in `then`."""
    git = cluster.git
    if git is None:
        return Halves((), (), cluster.changes, ())
    committed = tuple(change for change in cluster.changes if git.carries(change.key.kind))
    direct = [change for change in cluster.changes if not git.carries(change.key.kind)]
    mapped = {lasting(_principal(change)) for change in direct if change.after is not None and _maps(change)}
    # An entry that goes and uncovers a row gives what the row gives.
    rows = rows_that_stay(cluster)
    mapped |= {who for one in direct if one.key.kind == "AccessEntry" and (who := lasting(_principal(one))) in rows}
    first = tuple(change for change in direct if _takes_away(change, mapped))
    pending = pending_groups(cluster, committed)
    rest = [change for change in direct if change not in first]
    waiting = tuple(change for change in rest if gives(change, rows) & pending)
    return Halves(first, committed, tuple(change for change in rest if change not in waiting), waiting)


def pending_groups(cluster: ClusterPlan, committed: Collection[Change]) -> frozenset[str]:
    """Return the groups whose rights a commit changes, or that the cluster does not have as the branch says."""
    touched = [change.before for change in committed if change.before is not None]
    touched += [_as_observed(change) for change in committed if change.after is not None]
    return groups_of(touched) | (cluster.git.unsynced if cluster.git is not None else frozenset())


def after_commit(cluster: ClusterPlan, committed: Collection[Change]) -> tuple[Observed, ...]:
    """Return our objects as the branch has them after the commit."""
    gone = {change.key for change in committed}
    instance = cluster.git.delivery.instance if cluster.git is not None else ""
    left = [
        item
        for item in cluster.state.objects
        if item.key not in gone and item.key.kind in KUBERNETES and is_marked(item.meta, instance)
    ]
    return (*left, *(_as_observed(change) for change in committed if change.after is not None))


def only(cluster: ClusterPlan, changes: tuple[Change, ...]) -> ClusterPlan:
    """Return the plan with some of its changes."""
    return replace(cluster, changes=changes)


def _takes_away(change: Change, mapped: Collection[str]) -> bool:
    if gives(change):
        return False
    if change.action is Action.DELETE:
        return not (_maps(change) and lasting(_principal(change)) in mapped)
    return bool(frees(change))


def _maps(change: Change) -> bool:
    return change.key.kind in ("AccessEntry", "AwsAuthRow")


def _principal(change: Change) -> str:
    side = change.after or change.before
    spec = side.spec if side is not None else None
    if isinstance(spec, AccessEntry):
        return spec.principal
    return spec.arn if isinstance(spec, AwsAuthRow) else change.key.name


def _as_observed(change: Change) -> Observed:
    after = change.after
    if after is None:
        raise ValueError("a removal has no state to come")
    return Observed(after.key, after.spec, Meta(labels=after.labels))
