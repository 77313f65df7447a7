"""A cluster's plan through Git: the files that the policies mean, against those of its branch."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from iamrbac.compile import names
from iamrbac.compile.desired import ClusterDesired, Desired, Key, Namespace
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.entries import NOBODY, Taken, eks_entries, mapped_of, taken_over
from iamrbac.gitops.files import KUBERNETES, Files
from iamrbac.gitops.forms import FORMS, Written
from iamrbac.gitops.layouts import LAYOUTS
from iamrbac.gitops.layouts.objects import LaidOut
from iamrbac.mapping.objects import AccessEntry
from iamrbac.usecases.branch import NAMESPACE_FILE, BranchFiles
from iamrbac.usecases.compared import Compared, Comparison
from iamrbac.usecases.deliveries import Deliveries, Tip
from iamrbac.usecases.fetched import Fetched


def compare(deliveries: Deliveries, fetched: Fetched, desired: ClusterDesired, *, whole: bool = False) -> Compared:
    """Compare a cluster's files by their hashes, and read only those that differ. Raises DeliveryError.

    Where nothing differs the objects are not looked at either, unless `whole`.
    """
    delivery = fetched.delivery
    files = BranchFiles(deliveries, fetched.repository, delivery, fetched.tip)
    inventory = files.inventory()
    desired = with_namespaces(desired, delivery, namespaces_of(inventory, fetched.tip))
    work = Comparison(fetched, files, desired, inventory)
    laid_out = lay_out(delivery, desired.objects)
    stand = work.standing(_wanted(laid_out, fetched.tip))
    there = work.entries(stand)
    if there is not None:
        principals = {item.spec.principal for item in desired.objects if isinstance(item.spec, AccessEntry)}
        taken = taken_over(principals, there, eks_entries(item.spec for item in fetched.state.objects))
        if taken:
            laid_out = lay_out(delivery, desired.objects, taken)
            stand = work.standing(_wanted(laid_out, fetched.tip))
    elif delivery.entries != "direct":
        there = mapped_of(desired.objects)
    return work.finish(stand, _wanted(laid_out, fetched.tip), {*laid_out.files}, there or (), whole=whole)


def namespaces_of(inventory: Iterable[str], tip: Tip) -> frozenset[str]:
    """Return the namespaces that have a file of ours."""
    return frozenset(
        path.rpartition(NAMESPACE_FILE)[2].removesuffix(".yaml")
        for path in inventory
        if NAMESPACE_FILE in path and path in tip.files
    )


def with_namespaces(desired: ClusterDesired, delivery: Delivery, there: frozenset[str]) -> ClusterDesired:
    """Namespaces that we wrote stay, whatever is wanted now: none is ever deleted by us."""
    kept = there - {item.key.name for item in desired.objects if item.key.kind == "Namespace"}
    if not kept:
        return desired
    marks = names.namespace_labels(delivery.instance)
    cluster = desired.cluster
    more = [Desired(Key(cluster, "Namespace", "", name), Namespace(name), marks) for name in kept]
    return replace(desired, objects=tuple(sorted((*desired.objects, *more), key=lambda item: item.key)))


def lay_out(delivery: Delivery, objects: Collection[Desired], taken: Taken = NOBODY) -> LaidOut:
    """Return the files that stand for the objects of a cluster. Raises DeliveryError."""
    written = Written()
    if delivery.entries != "direct":
        written = FORMS[delivery.entries].write(delivery, mapped_of(objects, taken))
    kubernetes = [item for item in objects if item.key.kind in KUBERNETES]
    laid_out = LAYOUTS[delivery.layout](delivery, kubernetes, written.resources)
    return replace(laid_out, files={**laid_out.files, **written.files})


def _wanted(laid_out: LaidOut, tip: Tip) -> Files:
    """Return all files that should be there; what is the user's once it is there only where it is not."""
    there = {*tip.files, *tip.odd}
    once = {path: text for path, text in laid_out.once.items() if path not in there}
    return {**once, **laid_out.shared, **laid_out.files}
