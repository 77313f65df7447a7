"""Whether a cluster has what its branch says, and for whom that matters. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from iamrbac.compile import names
from iamrbac.compile.desired import ClusterDesired, Key, Spec
from iamrbac.findings.finding import Finding, Level
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import KUBERNETES
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.plan.change import ClusterPlan, GitHalf
from iamrbac.plan.observed import Observed
from iamrbac.plan.order import frees, gives
from iamrbac.rbac.objects import Binding, Role

UNKNOWN, LATE, AT_ONCE = "GIT005", "GIT006", "GIT007"


@dataclass(frozen=True, slots=True)
class Gap:
    """How what is there differs from what a branch says; each sorted by key."""

    missing: tuple[Observed, ...] = ()
    """On the branch alone."""
    changed: tuple[tuple[Observed, Observed], ...] = ()
    """(as the branch says, as it is)"""
    left: tuple[Observed, ...] = ()
    """There alone."""

    def words(self) -> tuple[str, ...]:
        """Return what differs in numbers; () where nothing does."""
        parts = ((self.missing, "not there yet"), (self.changed, "otherwise"), (self.left, "still there"))
        return tuple(f"{len(some)} {word}" for some, word in parts if some)


def gap(branch: Iterable[Observed], live: Iterable[Observed]) -> Gap:
    """Compare by content: specs, and the labels that the branch has; labels that others added do not count."""
    wanted = {item.key: item for item in branch}
    there = {item.key: item for item in live}
    return Gap(
        tuple(item for key, item in sorted(wanted.items()) if key not in there),
        tuple(
            (item, there[key]) for key, item in sorted(wanted.items()) if key in there and otherwise(item, there[key])
        ),
        tuple(item for key, item in sorted(there.items()) if key not in wanted),
    )


def otherwise(branch: Observed, live: Observed) -> tuple[str, ...]:
    """Return which parts of an object are not as the branch says: fields, and labels as `labels.KEY`; () for none."""
    said, has = _fields(branch.spec), _fields(live.spec)
    fields = [name for name, value in said.items() if has.get(name) != value]
    labels = [f"labels.{key}" for key, value in branch.meta.labels.items() if live.meta.labels.get(key) != value]
    return (*fields, *sorted(labels))


def _fields(spec: Spec) -> Mapping[str, object]:
    """Return what an object says, by the names of the API's fields."""
    if isinstance(spec, Role):
        return {"rules": spec.rules, "aggregationRule": spec.aggregation}
    if isinstance(spec, Binding):
        return {"roleRef": spec.role_ref, "subjects": spec.subjects}
    if isinstance(spec, AccessEntry):
        return {"username": spec.username, "groups": spec.groups, "type": spec.type}
    if isinstance(spec, PolicyAssociation):
        return {"scope": spec.scope, "namespaces": spec.namespaces}
    return {}


def not_synced(
    delivery: Delivery, branch: Collection[Observed], live: Collection[Observed] | None, unread: str
) -> tuple[frozenset[str], tuple[Finding, ...]]:
    """Return the Kubernetes groups whose rights are not yet as the branch says, and what there is to say about it.

    `live` are our objects on the cluster, None where it was not asked; `unread` is why it did not answer.
    """
    if live is None:
        return frozenset(), (_unknown(delivery, unread),) if unread else ()
    found = gap((item for item in branch if item.key.kind != "Namespace"), live)
    groups = groups_of([*found.missing, *found.left, *(side for pair in found.changed for side in pair)])
    parts = found.words()
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
