"""Too many objects of one kind that go and that nothing takes the place of, whoever is seen to lose by it.

Losses are counted by people (plan.removals). Where nobody is seen, since others map (`mapping: external`), or since a
set has no members today, half of the policies may go and no loss be counted: the objects are what is left to count.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from iamrbac.access.refused import some_of
from iamrbac.compile import names
from iamrbac.compile.desired import Desired, Kind
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.permission_sets import lasting
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.model.arn import comparable
from iamrbac.model.documents import RemovalLimit
from iamrbac.plan.change import Change
from iamrbac.plan.observed import Observed
from iamrbac.plan.removals import over
from iamrbac.plan.stakes import Allowances, Leavers, Stakes, excuses, unexcused
from iamrbac.rbac.objects import Binding

_Slot: TypeAlias = tuple[str, ...]
"""What an object is for: another one for the same takes its place."""


def removed(
    stakes: Sequence[Stakes], limit: RemovalLimit, leavers: Leavers, allowed: Allowances, owned: Mapping[Kind, int]
) -> Iterator[Finding]:
    """Yield a refusal for each kind of which more objects of ours go, on all clusters, than a limit allows.

    An object whose place another takes does not count (a role that a policy changed, a principal that moves from a row
    to an entry), nor does one that goes since somebody left their IAM group, is suspended, or a grant is over. `owned`
    counts ours before the change. What was allowed by number lets as many of a kind pass.
    """
    gone: dict[Kind, list[str]] = defaultdict(list)
    for stake in stakes:
        for change in _unreplaced(stake, leavers):
            key = change.key
            name = "/".join(part for part in (key.namespace, key.name) if part)
            gone[key.kind].append(f"{name} ({key.cluster})")
    for kind, objects in sorted(gone.items()):
        most = over(len(objects), limit, owned.get(kind, 0))
        if most and len(objects) > allowed.removals:
            yield Finding(
                id="GRD009",
                level=Level.ERROR,
                message=(
                    f"{len(objects)} objects of kind {kind} would go with nothing in their place, more than "
                    f"guards.maxRemovals.perKind allows ({most}): {some_of(sorted(objects))}"
                ),
                hint=f"look at what goes; if it is meant: --allow-removals {len(objects)}",
                object=kind,
            )


def _unreplaced(stake: Stakes, leavers: Leavers) -> Iterator[Change]:
    changes = stake.plan.changes
    places = Counter(_slot(one.after) for one in changes if one.before is None and one.after is not None)
    excused = _excused(stake, changes, leavers)
    for change in changes:
        if change.after is not None or change.before is None or change in excused:
            continue
        slot = _slot(change.before)
        if places[slot]:
            places[slot] -= 1
        else:
            yield change


def _slot(side: Observed | Desired) -> _Slot:
    spec = side.spec
    if isinstance(spec, AccessEntry):
        return ("mapping", lasting(spec.principal))
    if isinstance(spec, AwsAuthRow):
        return ("mapping", lasting(spec.arn))
    if isinstance(spec, PolicyAssociation):
        return (side.key.kind, lasting(spec.principal))
    labels = side.labels if isinstance(side, Desired) else side.meta.labels
    return (
        side.key.kind,
        side.key.namespace,
        labels.get(names.POLICY_LABEL, side.key.name),
        labels.get(names.SET_LABEL, ""),
    )


def _excused(stake: Stakes, changes: Iterable[Change], leavers: Leavers) -> list[Change]:
    """Return the removals that are nobody's mistake, as for losses (plan.stakes)."""
    groups = excuses(stake, leavers)
    found = []
    for change in changes:
        spec = change.before.spec if change.before is not None else None
        if isinstance(spec, AccessEntry | AwsAuthRow | PolicyAssociation):
            who = comparable(spec.arn if isinstance(spec, AwsAuthRow) else spec.principal)
            if leavers.lets_go(who) or not tuple(unexcused(stake, {who}, groups)):
                found.append(change)
        elif change.before is not None and _group(change.before) in leavers.over:
            found.append(change)
    return found


def _group(item: Observed) -> str:
    """Return the Kubernetes group that a role or binding of ours is for; "" where it does not say."""
    labels = item.meta.labels
    marks = [labels.get(key, "") for key in (names.INSTANCE_LABEL, names.POLICY_LABEL, names.SET_LABEL)]
    if all(marks):
        return names.group_name(*marks)
    subjects = item.spec.subjects if isinstance(item.spec, Binding) else ()
    return subjects[0].name if subjects else ""
