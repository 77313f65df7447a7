"""The order of writing: nobody gets what neither the old nor the new state gives (design §4, Order).

People who leave go first; then namespaces, roles, bindings, principals; removals last, in reverse. Three cases are
moved up so that no excess passes: a group that somebody joins loses its old bindings before the joining, a principal
that leaves a group whose rights grow leaves it before they do, and a row that an entry hides goes before that entry.
Who leaves such a group and joins another in one change is written twice: out of the one first, into the other later.
An entry that goes and uncovers a row which stays is no removal but a move: its principal joins the row's groups.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

from iamrbac.compile import names
from iamrbac.compile.desired import Desired
from iamrbac.identity.permission_sets import lasting
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow
from iamrbac.mapping.resolve import mapped
from iamrbac.plan import simulate
from iamrbac.plan.change import Action, Change, ClusterPlan
from iamrbac.plan.observed import Observed
from iamrbac.rbac.covers import uncovered
from iamrbac.rbac.objects import Binding, Role

Stage = Literal[
    "hidden",
    "leave",
    "namespaces",
    "roles",
    "bindings",
    "unbind",
    "principals",
    "policies",
    "unmap",
    "unbind-late",
    "drop-roles",
]
STAGES: tuple[Stage, ...] = get_args(Stage)
REMOVALS: frozenset[Stage] = frozenset({"unbind", "unmap", "unbind-late", "drop-roles"})
"""Stages in which a failed grant stops what it was to replace (plan.depends)."""


Rows: TypeAlias = Mapping[str, frozenset[str]]
"""The groups of rows of aws-auth, by whom EKS compares their principals with."""
NO_ROWS: Rows = {}


@dataclass(frozen=True, slots=True)
class Phase:
    """Changes that may be written at the same time, in any order among themselves."""

    stage: Stage
    changes: tuple[Change, ...]


def rows_that_stay(plan: ClusterPlan) -> Rows:
    """Return the rows of aws-auth that a plan does not change, whosever they are, as `phases` and `gives` take them."""
    changed = {lasting(change.key.name) for change in plan.changes if change.key.kind == "AwsAuthRow"}
    rows = {lasting(one.principal): frozenset(one.groups) for one in mapped((), simulate.before(plan.state).reading)}
    return {who: groups for who, groups in rows.items() if who not in changed}


def phases(changes: Iterable[Change], rows: Rows = NO_ROWS) -> tuple[Phase, ...]:
    """Sort the changes of ONE cluster into phases, and leave out empty ones. `rows` are those that stay.

    Every change is in exactly one, but that of a principal that is written twice: its first write is `partly`, and
    the second starts from there.
    """
    changes = tuple(changes)
    facts = _Facts.of(changes, rows)
    staged: dict[Stage, list[Change]] = {stage: [] for stage in STAGES}
    for change in changes:
        stage = _stage(change, facts)
        first = _first(change, facts) if stage in ("principals", "unmap") else None
        if first is not None:
            staged["leave"].append(first)
            change = _after(change, first)
        staged[stage].append(change)
    return tuple(Phase(stage, tuple(staged[stage])) for stage in STAGES if staged[stage])


def frees(change: Change) -> frozenset[str]:
    """Return the groups that must not be given more, nor joined, before this change is done.

    Who leaves a group leaves it before its rights grow, and a group that somebody joins loses its old rights first.
    """
    before = change.before.spec if change.before is not None else None
    after = change.after.spec if change.after is not None else None
    if isinstance(before, Binding):
        return frozenset(_subjects(change)) if change.action is Action.DELETE else frozenset()
    if isinstance(before, Role):
        less = isinstance(after, Role) and uncovered(after.rules, before.rules)
        return frozenset(_group_of(change)) if less else frozenset()
    return frozenset(_groups_before(change) - _groups_after(change))


def gives(change: Change, rows: Rows = NO_ROWS) -> frozenset[str]:
    """Return the groups whose members may get more by this change: somebody joins, or their rights change.

    `rows` are those that stay: an entry that goes may uncover one.
    """
    after = change.after.spec if change.after is not None else None
    if after is None and change.key.kind == "AccessEntry":
        return rows.get(_principal(change), frozenset()) - _groups_before(change)
    if isinstance(after, AccessEntry | AwsAuthRow):
        return frozenset(_groups_after(change) - _groups_before(change))
    before = change.before.spec if change.before is not None else None
    if isinstance(after, Binding):
        same = isinstance(before, Binding) and before.role_ref == after.role_ref
        return frozenset(subject.name for subject in after.subjects) - (_subjects(change) if same else set())
    if isinstance(after, Role) and (not isinstance(before, Role) or uncovered(before.rules, after.rules)):
        return frozenset(_group_of(change))
    return frozenset()


@dataclass(frozen=True, slots=True)
class _Facts:
    before: Mapping[str, frozenset[str]]
    """The groups of principals by `lasting`, of all that change: an entry's, where there is a row as well."""
    after: Mapping[str, frozenset[str]]
    """The same of those that some change maps, or that a row which stays does: they move, they do not leave."""
    entries: frozenset[str]
    """Who has an entry that changes or goes."""
    joined: frozenset[str]
    """Groups that somebody gets."""
    growing: frozenset[str]
    """Groups whose rights may grow: a new or changed binding names them, or their role gets more."""
    shrinking: frozenset[str]
    """Groups whose rights may get less: who joins one of them early would have too much."""

    @staticmethod
    def of(changes: tuple[Change, ...], rows: Rows) -> _Facts:
        mapping = [change for change in changes if change.key.kind in ("AccessEntry", "AwsAuthRow")]
        # Entries come last, since they win.
        mapping.sort(key=lambda change: change.key.kind, reverse=True)
        before = {_principal(one): frozenset(_groups_before(one)) for one in mapping if one.before is not None}
        after = {who: rows[who] for one in mapping if one.after is None and (who := _principal(one)) in rows}
        after |= {_principal(one): frozenset(_groups_after(one)) for one in mapping if one.after is not None}
        entries = {_principal(one) for one in mapping if one.key.kind == "AccessEntry" and one.before is not None}
        joined = {group for who, groups in after.items() for group in groups - before.get(who, frozenset())}
        growing = {group for change in changes if change not in mapping for group in gives(change)}
        shrinking = {group for change in changes if change not in mapping for group in _takes(change)}
        return _Facts(before, after, frozenset(entries), frozenset(joined), frozenset(growing), frozenset(shrinking))


def _takes(change: Change) -> set[str]:
    """Return the groups that a change of a binding or a role may take something from."""
    before = change.before.spec if change.before is not None else None
    if isinstance(before, Binding):
        return _subjects(change)
    return set(frees(change)) if isinstance(before, Role) else set()


def _first(change: Change, facts: _Facts) -> Change | None:
    """Return the write that takes a principal out of the groups that it leaves and that are about to get more.

    None where there is no such group, and one write is enough.
    """
    before = change.before
    if before is None or not isinstance(before.spec, AccessEntry | AwsAuthRow):
        return None
    staying = facts.after.get(_principal(change), frozenset())
    kept = tuple(group for group in before.spec.groups if group in staying or group not in facts.growing)
    if kept == before.spec.groups:
        return None
    spec = replace(before.spec, groups=kept)
    return Change(change.key, Action.UPDATE, before, Desired(change.key, spec, before.meta.labels), partly=True)


def _after(change: Change, first: Change) -> Change:
    """Return the second write of a change, which finds what the first has left."""
    before, left = change.before, first.after
    if before is None or left is None:
        raise ValueError("only what is there is written twice")
    return replace(change, before=Observed(before.key, left.spec, before.meta))


def _principal(change: Change) -> str:
    side = change.after or change.before
    spec = side.spec if side is not None else None
    # A permission set whose role was made anew moves to the new one: nobody leaves before they have it.
    return lasting(spec.principal if isinstance(spec, AccessEntry) else change.key.name)


def _groups_before(change: Change) -> set[str]:
    before = change.before.spec if change.before is not None else None
    return set(before.groups) if isinstance(before, AccessEntry | AwsAuthRow) else set()


def _group_of(change: Change) -> set[str]:
    labels = change.after.labels if change.after is not None else {}
    if change.after is not None and change.after.released and change.before is not None:
        labels = change.before.meta.labels
    try:
        return {names.group_name(labels[names.INSTANCE_LABEL], labels[names.POLICY_LABEL], labels[names.SET_LABEL])}
    except KeyError:
        return set()


def _stage(change: Change, facts: _Facts) -> Stage:
    removal = change.action is Action.DELETE
    match change.key.kind:
        case "Namespace":
            return "namespaces"
        case "Role" | "ClusterRole":
            if removal:
                return "drop-roles"
            return _late(frees(change), facts) if frees(change) and not gives(change) else "roles"
        case "RoleBinding" | "ClusterRoleBinding":
            if not removal:
                return "bindings"
            return _late(_subjects(change), facts)
        case "AccessPolicyAssociation":
            return "unmap" if removal else "policies"
        case "AccessEntry" | "AwsAuthRow":
            return _principal_stage(change, facts)
        case "IamRole" | "IamGroupPolicy":
            raise ValueError("what is in IAM is of no cluster, and has an order of its own")


def _late(groups: Collection[str], facts: _Facts) -> Stage:
    """What groups lose goes last, but before somebody joins them."""
    return "unbind-late" if facts.joined.isdisjoint(groups) else "unbind"


def _principal_stage(change: Change, facts: _Facts) -> Stage:
    if change.action is Action.DELETE:
        who = _principal(change)
        if who in facts.after:
            return "unmap"
        return "hidden" if change.key.kind == "AwsAuthRow" and who in facts.entries else "leave"
    lost = _groups_before(change) - _groups_after(change)
    gained = _groups_after(change) - _groups_before(change)
    if change.key.kind == "AwsAuthRow" and _principal(change) in facts.entries:
        # The entry that hides it goes later, and must not bring back what the row no longer gives.
        return "principals"
    if lost & facts.growing and not gained & facts.shrinking and change.action is Action.UPDATE:
        return "leave"
    return "principals" if gained or not lost or change.action is not Action.UPDATE else "unmap"


def _groups_after(change: Change) -> set[str]:
    after = change.after.spec if change.after is not None else None
    return set(after.groups) if isinstance(after, AccessEntry | AwsAuthRow) else set()


def _subjects(change: Change) -> set[str]:
    spec = change.before.spec if change.before is not None else None
    return {subject.name for subject in spec.subjects} if isinstance(spec, Binding) else set()
