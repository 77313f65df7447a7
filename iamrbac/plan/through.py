"""Who gains and who loses by assuming a role of ours: the users of its groups, on each cluster. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from iamrbac.access.delta import AccessChange, compare
from iamrbac.access.world import Holding, World, holdings
from iamrbac.identity.assumable import GroupPolicy
from iamrbac.identity.assume import members_who_may
from iamrbac.model.arn import comparable
from iamrbac.plan import simulate
from iamrbac.plan.accounts import AccountState, after, roles_of
from iamrbac.plan.change import Change, ClusterPlan
from iamrbac.rbac.objects import Rule

Users = Mapping[str, frozenset[str]]
"""Role, as a cluster knows it (without path) → ARNs of the users who can assume it through their group."""


@dataclass(frozen=True, slots=True)
class Through:
    """Who can assume which role, before and after."""

    before: Users
    after: Users

    def with_members(self, plan: ClusterPlan) -> ClusterPlan:
        """Add to a cluster's plan what the users of roles gain and lose there."""
        roles = self.before.keys() | self.after.keys()
        about = any(comparable(change.principal) in roles for change in plan.access)
        if not about and self.before == self.after:
            return plan
        had = _of(simulate.before(plan.state), roles)
        has = _of(simulate.after(plan.state, plan.changes, plan.aws_auth), roles)
        found: list[AccessChange] = []
        for role in sorted(roles):
            was = _held(had, role, self.before.get(role, frozenset()))
            will = _held(has, role, self.after.get(role, frozenset()))
            found += [replace(one, via=role) for one in compare(plan.name, was, will)]
        if not found:
            return plan
        together = sorted((*plan.access, *found), key=lambda one: (one.principal, one.namespace, one.role, one.via))
        return replace(plan, access=tuple(together))


def through(accounts: Iterable[tuple[AccountState, Sequence[Change]]]) -> Through:
    """Return who can assume the roles of some accounts by their groups, before and after the changes."""
    before: dict[str, frozenset[str]] = {}
    later: dict[str, frozenset[str]] = {}
    for state, changes in accounts:
        before |= _users(state)
        later |= _users(after(state, changes))
    return Through(before, later)


def _users(state: AccountState) -> Users:
    policies = [item.spec for item in state.policies if isinstance(item.spec, GroupPolicy)]
    members = {group: users for group, users in state.members.items() if isinstance(users, tuple)}
    return {comparable(arn): members_who_may(role, policies, members) for arn, role in roles_of(state.roles).items()}


def _of(world: World, roles: Iterable[str]) -> dict[Holding, frozenset[Rule]]:
    meant = frozenset(roles)
    return {one: rules for one, rules in holdings(world).items() if one.principal in meant}


def _held(held: Mapping[Holding, frozenset[Rule]], role: str, users: Iterable[str]) -> dict[Holding, frozenset[Rule]]:
    mine = [(one, rules) for one, rules in held.items() if one.principal == role]
    return {replace(one, principal=user): rules for user in users for one, rules in mine}
