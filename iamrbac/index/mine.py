"""What an access index says is mine. Pure: neither a cluster nor AWS is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from iamrbac.index.index import AccessIndex, IndexCluster, IndexSet
from iamrbac.model.arn import comparable


@dataclass(frozen=True, slots=True)
class Mine:
    """What one cluster of the index is to the caller."""

    cluster: IndexCluster
    direct: tuple[IndexSet, ...] = ()
    """Sets that the caller is in as they are: a user, or the session of a role that is mapped."""
    by_role: tuple[tuple[str, IndexSet], ...] = ()
    """Roles to try, each with its set: it is the caller's only if AWS lets them assume the role. Sorted."""
    ended: tuple[IndexSet, ...] = ()
    """Sets that were the caller's until `notAfter`."""

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces that the direct sets give something in, sorted."""
        return namespaces_of(self.direct)


def namespaces_of(sets: tuple[IndexSet, ...]) -> tuple[str, ...]:
    """Return the namespaces that some sets give something in, sorted; the whole cluster is none."""
    return tuple(sorted({grant.namespace for one in sets for grant in one.grants if grant.namespace}))


def mine(index: AccessIndex, caller_arn: str, at: datetime) -> tuple[Mine, ...]:
    """Return what each cluster of an index is to a caller at a time, in the index's order.

    A user is found by the whole ARN, path and all; a role and its sessions by account and name, since STS never shows
    a role's path. On a cluster that somebody else maps nothing is found: only the cluster knows.
    """
    who = comparable(caller_arn)
    return tuple(_on(cluster, who, at) for cluster in index.clusters)


def _on(cluster: IndexCluster, who: str, at: datetime) -> Mine:
    direct: list[IndexSet] = []
    ended: list[IndexSet] = []
    by_role: list[tuple[str, IndexSet]] = []
    for one in cluster.sets:
        over = one.not_after is not None and at >= one.not_after
        if who in {comparable(arn) for arn in (*one.principals, *one.roles)}:
            (ended if over else direct).append(one)
        elif not over:
            by_role += [(role, one) for role in one.roles]
    return Mine(cluster, tuple(direct), tuple(sorted(by_role)), tuple(ended))
