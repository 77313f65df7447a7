"""What there is before a plan: people, clusters and branches, all read at the same time, each once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol, TypeAlias

from iamrbac.compile.documents import Documents
from iamrbac.compile.people import wanted_names
from iamrbac.gitops.delivery import Delivery, deliveries
from iamrbac.identity.snapshot import Identities
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import IamrbacError
from iamrbac.plan.change import FailedCluster
from iamrbac.plan.observed import ClusterState
from iamrbac.usecases.fetched import Branches, Fetched, fetch
from iamrbac.usecases.ports import Edges
from iamrbac.usecases.read import read_cluster

CLUSTERS_AT_ONCE = 8
Read: TypeAlias = ClusterState | Fetched | FailedCluster
"""What became of reading a cluster."""


class Reader(Protocol):
    """Reads what a plan is made of."""

    def __call__(
        self, edges: Edges, documents: Documents, selected: tuple[Cluster, ...], at: datetime, /
    ) -> tuple[Identities, dict[str, Read]]:
        """Return who is who, and every selected cluster or why it could not be read."""
        ...


def read_all(
    edges: Edges, documents: Documents, selected: tuple[Cluster, ...], at: datetime
) -> tuple[Identities, dict[str, Read]]:
    """Ask IAM once, fetch every branch once, and ask every cluster, all at the same time.

    IAM is not asked about clusters where somebody else maps.
    """
    places = deliveries(documents.config.document)
    mapped = {cluster.name for cluster in selected if cluster.mapping != "external"}
    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE + 1) as pool:
        # First, since what reads a cluster waits for its branch.
        branches = Branches(edges.deliveries, [places[one.name] for one in selected if one.name in places], pool)
        people = pool.submit(edges.people.identities, wanted_names(documents, at, mapped))
        states = {
            cluster.name: pool.submit(read_state, edges, cluster, places.get(cluster.name), branches)
            for cluster in selected
        }
        return people.result(), {name: state.result() for name, state in states.items()}


def read_state(edges: Edges, cluster: Cluster, delivery: Delivery | None, branches: Branches) -> Read:
    """Read a cluster, or its branch and what is not in it; an error becomes the cluster's status."""
    try:
        if delivery is not None:
            return fetch(edges, cluster, delivery, branches)
        return read_cluster(cluster, edges.aws, edges.kube)
    except IamrbacError as error:
        return failed(cluster.name, error)


def failed(name: str, error: IamrbacError) -> FailedCluster:
    """Return the error as a cluster's status."""
    where = f"{error.where}: " if error.where and error.where != name else ""
    return FailedCluster(name, error.code, where + error.message, error.hint)


def seen(state: Read) -> str:
    """Return one line about what was read of a cluster."""
    if isinstance(state, FailedCluster):
        return f"[{state.code}] {state.message}"
    if isinstance(state, Fetched):
        return f"{state.delivery.branch} is at {(state.tip.commit or 'nothing')[:12]}"
    namespaces = count(len(state.namespaces), "namespace")
    return f"{state.target.authentication_mode}, {namespaces}, {count(len(state.objects), 'object')}"


def count(number: int, thing: str) -> str:
    """Return a number of things: `1 cluster`, `2 clusters`."""
    return f"{number} {thing}" + ("" if number == 1 else "s")
