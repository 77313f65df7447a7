"""Whether a cluster has what its branch says, and for whom that matters. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from iamrbac.compile import names
from iamrbac.compile.desired import ClusterDesired, Key
from iamrbac.findings.finding import Finding, Level
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import KUBERNETES
from iamrbac.mapping.objects import AccessEntry
from iamrbac.plan.change import ClusterPlan, GitHalf
from iamrbac.plan.observed import Observed
from iamrbac.plan.order import frees, gives
from iamrbac.rbac.objects import Binding

UNKNOWN, LATE, AT_ONCE = "GIT005", "GIT006", "GIT007"


def not_synced(
    delivery: Delivery, branch: Collection[Observed], live: Collection[Observed] | None, unread: str
) -> tuple[frozenset[str], tuple[Finding, ...]]:
    """Return the Kubernetes groups whose rights are not yet as the branch says, and what there is to say about it.

    `live` are our objects on the cluster, None where it was not asked; `unread` is why it did not answer.
    """
    if live is None:
        return frozenset(), (_unknown(delivery, unread),) if unread else ()
    wanted = {item.key: item for item in branch if item.key.kind != "Namespace"}
    there = {item.key: item for item in live}
    missing = [item for key, item in wanted.items() if key not in there]
    left = [item for key, item in there.items() if key not in wanted]
    changed = [key for key, item in wanted.items() if key in there and there[key].spec != item.spec]
    groups = groups_of([*missing, *left, *(wanted[key] for key in changed), *(there[key] for key in changed)])
    parts = [
        f"{len(some)} {word}"
        for some, word in ((missing, "not there yet"), (changed, "otherwise"), (left, "still there"))
        if some
    ]
    if not parts:
        return frozenset(), ()
    finding = Finding(
        LATE,
        Level.INFO,
        f"the cluster is not as {delivery.branch} says: {', '.join(parts)}",
        "wait until it is synced, or look at `iamrbac status`",
        cluster=delivery.cluster,
    )
    return groups, (finding,)


def unordered(plan: ClusterPlan, half: GitHalf) -> tuple[Finding, ...]:
    """Warn where one commit gives a group more and takes somebody out of it: which comes first is the deliverer's.

    Where access entries are written directly they go first, and nothing is to be said.
    """
    if not half.entries:
        return ()
    growing = {group for change in plan.changes if change.key.kind in KUBERNETES for group in gives(change)}
    leaving = {group for change in plan.changes if change.key.kind == "AccessEntry" for group in frees(change)}
    both = sorted(growing & leaving)
    if not both:
        return ()
    return (
        Finding(
            AT_ONCE,
            Level.WARNING,
            f"the same commit changes what {', '.join(both)} may do and takes somebody out of it: until both are "
            "synced that person may have the new rights",
            "take the person out first, in a change of its own, where that matters",
            cluster=plan.name,
        ),
    )


def groups_of(objects: Iterable[Observed]) -> frozenset[str]:
    """Return the Kubernetes groups whose rights some objects are about: a binding's subjects, a role's set."""
    found: set[str] = set()
    for item in objects:
        labels = item.meta.labels
        if isinstance(item.spec, Binding):
            found |= {subject.name for subject in item.spec.subjects}
        elif names.POLICY_LABEL in labels and names.SET_LABEL in labels:
            found.add(
                names.group_name(
                    labels.get(names.INSTANCE_LABEL, ""), labels[names.POLICY_LABEL], labels[names.SET_LABEL]
                )
            )
    return frozenset(found)


def declared_people(desired: ClusterDesired, branch: Iterable[Observed]) -> Iterable[Observed]:
    """Yield entries that stand for those who carry our groups where somebody else maps them.

    They have the names of members as the policies declare them, so that a plan can say who gains and who loses.
    """
    carried: dict[str, set[str]] = {}
    for one in desired.principals:
        for member in one.members:
            carried.setdefault(member, set()).add(one.group)
    known = {one.group for one in desired.principals}
    for group in sorted(groups_of(branch) - known):
        carried[f"members of {group}"] = {group}
    for name, groups in sorted(carried.items()):
        yield Observed(Key(desired.cluster, "AccessEntry", "", name), AccessEntry(name, name, tuple(sorted(groups))))


def _unknown(delivery: Delivery, why: str) -> Finding:
    return Finding(
        UNKNOWN,
        Level.WARNING,
        f"whether the cluster is as {delivery.branch} says is not known: {why}",
        "run this where the cluster can be reached to see it",
        cluster=delivery.cluster,
    )
