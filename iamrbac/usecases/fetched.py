"""What is read for a cluster with `delivery: gitops`: its branch, and whatever of it does not go through Git."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace

from iamrbac.compile.desired import Form, Key
from iamrbac.findings.finding import Finding
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import KUBERNETES
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import IamrbacError, KubeError
from iamrbac.plan.form import choose
from iamrbac.plan.observed import ClusterState, Meta, Observed, Target
from iamrbac.plan.ownership import is_marked
from iamrbac.rbac.objects import Binding, RbacState, Role
from iamrbac.usecases.deliveries import Deliveries, DeliveryRepository, Tip
from iamrbac.usecases.ports import Edges
from iamrbac.usecases.read import read_cluster


@dataclass(frozen=True, slots=True)
class Fetched:
    """One cluster's branch, and its state outside of Git."""

    delivery: Delivery
    repository: DeliveryRepository
    tip: Tip
    state: ClusterState
    """Without our own RBAC objects: what the branch says stands for these."""
    live: tuple[Observed, ...] | None
    """Our own RBAC objects as the cluster has them; None where it was not asked."""
    unread: str = ""
    """Why the cluster, which should have been asked, did not answer."""
    external: bool = False
    """Somebody else maps people here: nobody is known by name."""


class Branches:
    """The branches of one run, each fetched once, in an executor's threads."""

    def __init__(self, deliveries: Deliveries, places: Collection[Delivery], pool: Executor) -> None:
        folders: dict[tuple[str, str], set[str]] = {}
        for one in places:
            folders.setdefault((one.repository, one.branch), set()).update(folders_of(one))
        local = {(one.repository, one.branch): one.publish == "local" for one in places}
        self._fetched: Mapping[tuple[str, str], Future[tuple[DeliveryRepository, Tip]]] = {
            place: pool.submit(_tip, deliveries, *place, sorted(some), local=local[place])
            for place, some in folders.items()
        }

    def of(self, delivery: Delivery) -> tuple[DeliveryRepository, Tip]:
        """Return a delivery's repository and branch. Raises DeliveryError."""
        return self._fetched[delivery.repository, delivery.branch].result()


def _tip(
    deliveries: Deliveries, repository: str, branch: str, folders: list[str], *, local: bool
) -> tuple[DeliveryRepository, Tip]:
    opened = deliveries.open(repository, local=local)
    return opened, opened.tip(branch, folders)


def folders_of(delivery: Delivery) -> frozenset[str]:
    """Return all folders that a cluster may have files in, also those of the layout and the form that it had before."""
    return frozenset({delivery.path, delivery.entries_path, delivery.argocd.path, delivery.flux.path})


def fetch(edges: Edges, cluster: Cluster, delivery: Delivery, branches: Branches) -> Fetched:
    """Read a cluster's branch and what is not in it.

    With `mapping: external` nothing but the branch is read; with access entries in Git, EKS too; with access entries or
    rows that are written directly, the cluster too, to know whether it has what the branch says. It may be silent where
    nothing else depends on it. Raises DeliveryError, AwsError, KubeError.
    """
    repository, tip = branches.of(delivery)
    if cluster.mapping == "external":
        return Fetched(delivery, repository, tip, _offline(edges, cluster, delivery), None, external=True)
    if delivery.entries != "direct":
        target = edges.aws.target(cluster)
        objects = (*_builtin(edges.builtin(), cluster.name), *edges.aws.mappings(target))
        state = ClusterState(target, _catalogue(cluster), objects, None, partial=True)
        return Fetched(delivery, repository, tip, state, None)
    try:
        state = read_cluster(cluster, edges.aws, edges.kube)
    except KubeError as error:
        return _without_cluster(edges, cluster, delivery, repository, tip, error)
    own = frozenset(item.key for item in state.objects if _ours(item, delivery.instance))
    others = tuple(item for item in state.objects if item.key not in own)
    live = tuple(item for item in state.objects if item.key in own)
    return Fetched(delivery, repository, tip, replace(state, objects=others), live)


def form_of(cluster: Cluster, fetched: Fetched) -> Form | Finding:
    """Return how people are mapped there, or why not."""
    if fetched.external:
        return "external"
    direct = fetched.delivery.entries == "direct"
    return choose(cluster, fetched.state, fetched.delivery.instance) if direct else "access-entries"


def _without_cluster(
    edges: Edges, cluster: Cluster, delivery: Delivery, repository: DeliveryRepository, tip: Tip, error: IamrbacError
) -> Fetched:
    """Return what EKS alone says; raise the error where rows of aws-auth count, or where no catalogue is there."""
    target = edges.aws.target(cluster)
    if target.authentication_mode != "API" or cluster.namespaces is None:
        raise error
    objects = (*_builtin(edges.builtin(), cluster.name), *edges.aws.mappings(target))
    state = ClusterState(target, _catalogue(cluster), objects, None, partial=True)
    return Fetched(delivery, repository, tip, state, None, error.message)


def _offline(edges: Edges, cluster: Cluster, delivery: Delivery) -> ClusterState:
    target = Target(cluster.name, cluster.eks, delivery.arn, cluster.region, "", "", "API")
    return ClusterState(target, _catalogue(cluster), tuple(_builtin(edges.builtin(), cluster.name)), None, partial=True)


def _catalogue(cluster: Cluster) -> frozenset[str]:
    return frozenset(cluster.namespaces or ())


def _builtin(rbac: RbacState, cluster: str) -> list[Observed]:
    """Return what every cluster has of Kubernetes itself, which is nobody's."""
    every: tuple[Role | Binding, ...] = (*rbac.roles, *rbac.bindings)
    return [
        Observed(Key(cluster, one.kind, one.namespace or "", one.name), one, Meta(labels=one.labels)) for one in every
    ]


def _ours(item: Observed, instance: str) -> bool:
    return item.key.kind in KUBERNETES and is_marked(item.meta, instance)
