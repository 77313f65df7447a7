"""The two sides that `status` compares: what a cluster's branch says, and what the cluster and EKS have of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from iamrbac.compile.desired import Key, Namespace
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.entries import objects_of
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import DeliveryError
from iamrbac.plan.observed import Meta, Observed
from iamrbac.plan.ownership import is_marked
from iamrbac.usecases.branch import BranchFiles
from iamrbac.usecases.ports import Edges, Kube


def branch_side(files: BranchFiles, ours: Collection[str]) -> tuple[Observed, ...]:
    """Return all that our files of a branch say. Raises DeliveryError where one cannot be understood."""
    delivery = files.delivery
    odd = sorted(path for path in ours if path in files.tip.odd)
    if odd:
        message = f"{odd[0]} is a {files.tip.odd[odd[0]]} by now, and what it stands for is not known"
        raise DeliveryError(message, where=delivery.branch, hint="restore it in Git (git revert)")
    paths = sorted(path for path in ours if path in files.tip.files)
    files.read(paths)
    objects = list(files.objects(paths).values())
    if delivery.entries != "direct":
        objects += [item for one in files.entries(paths) for item in objects_of(delivery.cluster, one)]
    if files.findings:
        first = files.findings[0]
        raise DeliveryError(first.message, hint=first.hint)
    # Of a namespace only that it is there counts: others may label it as they like.
    return tuple(
        Observed(item.key, item.spec, Meta() if item.key.kind == "Namespace" else Meta(labels=item.labels))
        for item in objects
    )


def cluster_side(
    edges: Edges, cluster: Cluster, delivery: Delivery, branch: Collection[Observed]
) -> tuple[tuple[Observed, ...], Kube]:
    """Return what is there of the branch, with what is ours and the branch has not. Raises AwsError, KubeError.

    An object of the branch that has lost our labels is there, and otherwise; it is not missing.
    """
    wanted = {item.key for item in branch}
    target = edges.aws.target(cluster)
    kube = edges.kube(target)
    namespaces, objects, _ = kube.state()
    found = [item for item in objects if item.key in wanted or is_marked(item.meta, delivery.instance)]
    keys = (Key(cluster.name, "Namespace", "", name) for name in namespaces)
    found += [Observed(key, Namespace(key.name)) for key in keys if key in wanted]
    if delivery.entries != "direct":
        found += _entries(edges.aws.mappings(target), wanted, delivery.instance)
    return tuple(found), kube


def _entries(mappings: Iterable[Observed], wanted: Collection[Key], instance: str) -> list[Observed]:
    """Return entries of ours or of the branch, with all that is associated with them: associations have no tags."""
    all_ = tuple(mappings)
    entries = [
        item
        for item in all_
        if isinstance(item.spec, AccessEntry) and (item.key in wanted or is_marked(item.meta, instance))
    ]
    principals = {item.spec.principal for item in entries if isinstance(item.spec, AccessEntry)}
    return [
        *entries,
        *(one for one in all_ if isinstance(one.spec, PolicyAssociation) and one.spec.principal in principals),
    ]
