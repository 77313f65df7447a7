"""The order of writing: nobody gets what neither the old nor the new state gives (design §4, Order).

People who leave go first; then namespaces, roles, bindings, principals; removals last, in reverse. Two cases are moved
up so that no excess passes: a group that somebody joins loses its old bindings before the joining, and a principal
that leaves a group whose rights grow leaves it before they do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from iamrbac.compile import names
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow
from iamrbac.model.arn import comparable
from iamrbac.plan.change import Action, Change
from iamrbac.rbac.objects import Binding, Role

Stage = Literal[
    "leave", "namespaces", "roles", "bindings", "unbind", "principals", "policies", "unmap", "unbind-late", "drop-roles"
]
STAGES: tuple[Stage, ...] = (
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
)
REMOVALS: frozenset[Stage] = frozenset({"unbind", "unmap", "unbind-late", "drop-roles"})
"""Stages that a failed grant on the same cluster stops: they take away what the grant was to replace."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Changes that may be written at the same time, in any order among themselves."""

    stage: Stage
    changes: tuple[Change, ...]


def phases(changes: Iterable[Change]) -> tuple[Phase, ...]:
    """Sort the changes of ONE cluster into phases; every change is in exactly one, empty phases are left out."""
    changes = tuple(changes)
    facts = _Facts.of(changes)
    staged: dict[Stage, list[Change]] = {stage: [] for stage in STAGES}
    for change in changes:
        staged[_stage(change, facts)].append(change)
    return tuple(Phase(stage, tuple(staged[stage])) for stage in STAGES if staged[stage])


def frees(change: Change) -> frozenset[str]:
    """Return the groups that must not be given more, nor joined, before this change is done.

    Who leaves a group leaves it before its rights grow, and a group that somebody joins loses its old bindings first.
    """
    if isinstance(change.before and change.before.spec, Binding):
        return frozenset(_subjects(change)) if change.action is Action.DELETE else frozenset()
    return frozenset(_groups_before(change) - _groups_after(change))


def gives(change: Change) -> frozenset[str]:
    """Return the groups whose members may get more by this change: somebody joins, or their rights change."""
    after = change.after.spec if change.after is not None else None
    if isinstance(after, AccessEntry | AwsAuthRow):
        return frozenset(_groups_after(change) - _groups_before(change))
    if isinstance(after, Binding):
        return frozenset(subject.name for subject in after.subjects)
    return frozenset(_group_of(change)) if isinstance(after, Role) else frozenset()


@dataclass(frozen=True, slots=True)
class _Facts:
    mapped_after: frozenset[str]
    """Canonical ARNs that some change maps: they move, they do not leave."""
    joined: frozenset[str]
    """Groups that somebody gets."""
    growing: frozenset[str]
    """Groups whose rights may grow: a new or changed binding names them, or their role changes."""

    @staticmethod
    def of(changes: tuple[Change, ...]) -> _Facts:
        mapped: set[str] = set()
        joined: set[str] = set()
        growing: set[str] = set()
        for change in changes:
            after = change.after.spec if change.after is not None else None
            if isinstance(after, AccessEntry | AwsAuthRow):
                mapped.add(comparable(after.principal if isinstance(after, AccessEntry) else after.arn))
                joined |= gives(change)
            else:
                growing |= gives(change)
        return _Facts(frozenset(mapped), frozenset(joined), frozenset(growing))


def _groups_before(change: Change) -> set[str]:
    before = change.before.spec if change.before is not None else None
    return set(before.groups) if isinstance(before, AccessEntry | AwsAuthRow) else set()


def _group_of(change: Change) -> set[str]:
    labels = change.after.labels if change.after is not None else {}
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
            return "drop-roles" if removal else "roles"
        case "RoleBinding" | "ClusterRoleBinding":
            if not removal:
                return "bindings"
            return "unbind" if _subjects(change) & facts.joined else "unbind-late"
        case "AccessPolicyAssociation":
            return "unmap" if removal else "policies"
        case "AccessEntry" | "AwsAuthRow":
            return _principal_stage(change, facts)


def _principal_stage(change: Change, facts: _Facts) -> Stage:
    if change.action is Action.DELETE:
        before = change.before.spec if change.before is not None else None
        principal = before.principal if isinstance(before, AccessEntry) else change.key.name
        return "unmap" if comparable(principal) in facts.mapped_after else "leave"
    lost = _groups_before(change) - _groups_after(change)
    gained = _groups_after(change) - _groups_before(change)
    if lost & facts.growing and not gained:
        return "leave"
    return "principals" if gained or not lost or change.action is not Action.UPDATE else "unmap"


def _groups_after(change: Change) -> set[str]:
    after = change.after.spec if change.after is not None else None
    return set(after.groups) if isinstance(after, AccessEntry | AwsAuthRow) else set()


def _subjects(change: Change) -> set[str]:
    spec = change.before.spec if change.before is not None else None
    return {subject.name for subject in spec.subjects} if isinstance(spec, Binding) else set()
