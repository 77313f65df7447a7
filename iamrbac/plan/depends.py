"""Which changes wait for a grant that was not made: those that take what it was to replace, and no others.

A grant is for groups (a role, a binding) or for one principal (an entry, a row, an access policy). Somebody is short of
it who is to be in such a group, or is that principal. What such people have now stays: the groups that they carry keep
their bindings and roles, and they keep their mappings. Whoever is short of nothing loses what they are to lose.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Final, TypeAlias

from iamrbac.compile import names
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.mapping.resolve import Mapped, identity, mapped
from iamrbac.plan import simulate
from iamrbac.plan.change import Change, ClusterPlan
from iamrbac.rbac.objects import Binding, Role

_Carried: TypeAlias = dict[str, frozenset[str]]
_Place: TypeAlias = tuple[str, str, str]
"""A role's kind, namespace and name."""
_MARKS: Final = (names.INSTANCE_LABEL, names.POLICY_LABEL, names.SET_LABEL)


class Dependence:
    """What depends on the grants of one cluster's plan that were not made; it learns of them as they fail."""

    def __init__(self, plan: ClusterPlan) -> None:
        self._plan = plan
        self._short: set[str] = set()
        """Groups that do not have what they are to have."""
        self._stuck: set[str] = set()
        """Principals whose own grant was not made."""
        self._bound: set[_Place] = set()
        """Roles that a binding which stays refers to."""
        self._unknown = False
        """It is not known who is short of a grant, so that everything waits."""

    def failed(self, change: Change) -> None:
        """Learn that a grant was not made. A namespace's is told of by what was to be in it."""
        if change.key.kind == "Namespace":
            return
        groups, principal = _groups(change), _principal(change)
        if principal is not None:
            self._stuck.add(principal)
        self._short |= groups
        # Where others map, nobody sees who carries a group.
        self._unknown = self._unknown or self._plan.form == "external" or not (groups or principal)

    def waits(self, change: Change) -> bool:
        """Say whether a removal has to wait, since it takes what a grant that was not made was to replace."""
        waiting = bool(self._short or self._stuck or self._unknown) and self._needed(change)
        if waiting and change.before is not None and isinstance(change.before.spec, Binding):
            self._bound.add(_bound_role(change.before.spec))
        return waiting

    def leads_nowhere(self, change: Change) -> bool:
        """Say whether a principal would leave a group while another of its groups lacks what it is to have."""
        was = change.before.spec if change.before is not None else None
        will = change.after.spec if change.after is not None else None
        if not isinstance(will, AccessEntry | AwsAuthRow) or self._short.isdisjoint(will.groups):
            return False
        if isinstance(was, AccessEntry | AwsAuthRow):
            return not set(was.groups) <= set(will.groups)
        # A new entry hides the row that its principal has.
        hidden = (
            self._before.get(identity(will.principal), frozenset()) if isinstance(will, AccessEntry) else frozenset()
        )
        return not hidden <= set(will.groups)

    def _needed(self, change: Change) -> bool:
        if self._unknown:
            return True
        principal, groups = _principal(change), _groups(change)
        short = {who for who, carried in self._after.items() if not carried.isdisjoint(self._short)}
        affected = short | self._stuck
        if principal is not None:
            return principal in affected
        if (change.key.kind, change.key.namespace, change.key.name) in self._bound or not groups:
            return True
        return not self._short.union(*(self._before.get(who, ()) for who in affected)).isdisjoint(groups)

    @cached_property
    def _before(self) -> _Carried:
        """What everybody carries; a row counts that an entry hides too: the entry may be the one that goes."""
        world = simulate.before(self._plan.state)
        found = _carried(mapped((), world.reading))
        for who, groups in _carried(mapped(world.entries, None)).items():
            found[who] = found.get(who, frozenset()) | groups
        return found

    @cached_property
    def _after(self) -> _Carried:
        world = simulate.after(self._plan.state, self._plan.changes, self._plan.aws_auth)
        return _carried(mapped(world.entries, world.reading))


def _carried(people: Iterable[Mapped]) -> _Carried:
    return {identity(one.principal): frozenset(one.groups) for one in people}


def _principal(change: Change) -> str | None:
    """Return whom a change of a mapping is about; None for anything else."""
    side = change.after or change.before
    spec = side.spec if side is not None else None
    if isinstance(spec, AccessEntry | PolicyAssociation):
        return identity(spec.principal)
    return identity(spec.arn) if isinstance(spec, AwsAuthRow) else None


def _groups(change: Change) -> frozenset[str]:
    """Return the groups that a role or a binding is for; empty where that is not all that it is for, or not known."""
    found: set[str] = set()
    for side in (change.before, change.after):
        if side is None:
            continue
        if isinstance(side.spec, Binding):
            if any(subject.kind != "Group" for subject in side.spec.subjects):
                return frozenset()
            found |= {subject.name for subject in side.spec.subjects}
        elif isinstance(side.spec, Role):
            marks = [side.spec.labels.get(key, "") for key in _MARKS]
            if not all(marks):
                return frozenset()
            found.add(names.group_name(*marks))
    return frozenset(found)


def _bound_role(binding: Binding) -> _Place:
    ref = binding.role_ref
    return ref.kind, binding.namespace or "" if ref.kind == "Role" else "", ref.name
