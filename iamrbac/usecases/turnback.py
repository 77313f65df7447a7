"""A cluster's way back through Git: our files as they were at an older commit, against those of its branch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from iamrbac.compile.desired import ClusterDesired, Desired, Principals
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.entries import mapped_of, objects_of
from iamrbac.gitops.header import instance_of
from iamrbac.model.errors import DeliveryError
from iamrbac.plan.observed import Meta, Observed
from iamrbac.plan.synced import groups_of
from iamrbac.usecases.branch import NAMESPACE_FILE, BranchFiles
from iamrbac.usecases.compared import Compared, Comparison
from iamrbac.usecases.delivered import lay_out, namespaces_of, with_namespaces
from iamrbac.usecases.deliveries import Deliveries, Tip
from iamrbac.usecases.fetched import Fetched


def turn_back(deliveries: Deliveries, fetched: Fetched, then: Tip, mappings: Collection[Desired]) -> Compared:
    """Compare our files at an older commit with those of the branch. Raises DeliveryError where it has none of ours.

    `mappings` are those that no file is for, and that stay as they are. Namespaces that we wrote since stay too.
    """
    delivery = fetched.delivery
    now = BranchFiles(deliveries, fetched.repository, delivery, fetched.tip)
    old = BranchFiles(deliveries, fetched.repository, delivery, then, now.findings)
    inventory = now.inventory()
    paths = sorted(path for path in old.inventory() if path in then.files)
    if not paths:
        raise DeliveryError(
            f"iamrbac had delivered nothing to {delivery.path} at that commit",
            where=then.branch,
            hint="name a commit of iamrbac's: `iamrbac status`, or `git log` of the delivery repository",
        )
    old.read(paths)
    _refuse_foreign(old, paths)
    objects = list(old.objects(paths).values())
    if delivery.entries != "direct":
        objects += [item for one in old.entries(paths) for item in objects_of(delivery.cluster, one)]
    before = ClusterDesired(delivery.cluster, tuple(sorted(objects, key=lambda item: item.key)), (), {})
    desired = with_namespaces(before, delivery, namespaces_of(inventory, fetched.tip))
    wanted = {path: old.texts[path] for path in paths}
    wanted |= _listing(delivery, before, desired, wanted)
    kept = [path for path in inventory if NAMESPACE_FILE in path and path in fetched.tip.files and path not in wanted]
    now.read(kept)
    wanted |= {path: now.texts[path] for path in kept}
    all_ = tuple(sorted((*desired.objects, *mappings), key=lambda item: item.key))
    people = _people(desired) if fetched.external else ()
    work = Comparison(fetched, now, replace(desired, objects=all_, principals=people), inventory)
    stand = work.standing(wanted)
    there = work.entries(stand)
    if there is None and delivery.entries != "direct":
        there = mapped_of(desired.objects)
    return work.finish(stand, wanted, {*wanted}, there or ())


def _refuse_foreign(old: BranchFiles, paths: Collection[str]) -> None:
    foreign = [path for path in paths if instance_of(old.texts[path]) != old.delivery.instance]
    if foreign:
        raise DeliveryError(
            f"{foreign[0]} is in our inventory there and does not have our header, so whose it was is not known",
            where=old.tip.branch,
            hint="name another commit",
        )


def _people(desired: ClusterDesired) -> tuple[Principals, ...]:
    """Return who carries the groups: who that was then, no file says."""
    objects = (Observed(item.key, item.spec, Meta(labels=item.labels)) for item in desired.objects)
    return tuple(Principals(group, (f"members of {group}",)) for group in sorted(groups_of(objects)))


def _listing(
    delivery: Delivery, before: ClusterDesired, desired: ClusterDesired, wanted: Collection[str]
) -> dict[str, str]:
    """Return those files for the deliverer that must know of namespaces which stay (a kustomization, an AppProject)."""
    if before is desired:
        return {}
    without, with_ = lay_out(delivery, before.objects).files, lay_out(delivery, desired.objects).files
    return {path: text for path, text in with_.items() if path in wanted and without.get(path) != text}
