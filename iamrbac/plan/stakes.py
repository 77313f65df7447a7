"""What a plan puts at stake on one cluster: who loses something, whom that is no mistake for, and what was allowed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from iamrbac.access.world import World, people
from iamrbac.identity.suspended import Suspended
from iamrbac.model.arn import comparable
from iamrbac.plan.change import ClusterPlan
from iamrbac.plan.simulate import after, before


@dataclass(frozen=True, slots=True)
class Allowances:
    """What the person at the command line allowed, narrowly and by name."""

    removals: int = 0
    """--allow-removals N: as many losses as this pass, whatever the guard says."""
    lockout_of: frozenset[str] = frozenset()
    """--allow-lockout-of ARN: these principals may lose their access."""


@dataclass(frozen=True, slots=True)
class Leavers:
    """Losses that are nobody's mistake: they do not count, else offboarding would fail open (design §4)."""

    suspended: Suspended = field(default_factory=lambda: Suspended(()))
    """Who is to have nothing anywhere."""
    over: frozenset[str] = frozenset()
    """Kubernetes groups of temporary grants whose time is over."""
    from_iam: frozenset[str] = frozenset()
    """Kubernetes groups of sets with an IAM group in them: who leaves that is taken out by IAM, not by a policy."""

    def lets_go(self, principal: str) -> bool:
        """Say whether a principal is suspended; what is no user or role (an account's root) cannot be."""
        try:
            return self.suspended.covers(principal)
        except ValueError:
            return False


class Stakes:
    """One cluster's plan with who holds what before and after; worked out only where somebody loses something."""

    def __init__(self, plan: ClusterPlan) -> None:
        self.plan = plan
        losses = [change for change in plan.access if change.change == "lose"]
        self.losers = frozenset(change.principal for change in losses if not change.via)
        """Canonical ARNs of those who lose anything here that is their own."""
        self.through: Mapping[str, frozenset[str]] = {
            change.principal: frozenset(one.via for one in losses if one.principal == change.principal and one.via)
            for change in losses
            if change.via
        }
        """Users who lose what a role of ours gives them → the roles, as the cluster knows them."""

    @cached_property
    def before(self) -> World:
        """The cluster as it is."""
        return before(self.plan.state)

    @cached_property
    def after(self) -> World:
        """The cluster as it will be."""
        return after(self.plan.state, self.plan.changes, self.plan.aws_auth)

    @cached_property
    def lost_groups(self) -> Mapping[str, frozenset[str]]:
        """Principal → Kubernetes groups that it carries now and will not."""
        had, has = groups_of(self.before), groups_of(self.after)
        return {principal: groups - has.get(principal, frozenset()) for principal, groups in had.items()}


def counted(stake: Stakes, leavers: Leavers) -> frozenset[str]:
    """Return those on a cluster whose loss may be a mistake."""
    losers = {one for one in stake.losers if not leavers.lets_go(one)}
    used = {role for roles in stake.through.values() for role in roles}
    own = {*unexcused(stake, losers - used, excuses(stake, leavers))}
    # Who leaves a group loses nothing by its role's loss: that is a policy's doing.
    own |= {*unexcused(stake, losers & used, leavers.over)}
    # Where people use a role it is they who lose by its loss; by an excused one nobody does.
    users = {
        user
        for user, roles in stake.through.items()
        if not leavers.lets_go(user) and any(role in own or role not in stake.losers for role in roles)
    }
    return frozenset((own - used) | users)


def excuses(stake: Stakes, leavers: Leavers) -> frozenset[str]:
    """Return the Kubernetes groups that may be left here without anybody's mistake."""
    # A set that no longer gives anything here was changed by a policy, whoever was in it.
    return leavers.over | (leavers.from_iam & stake.plan.groups)


def unexcused(stake: Stakes, losers: Collection[str], excused: Collection[str]) -> Iterable[str]:
    """Yield those who lose more than by leaving excused groups."""
    for principal in losers:
        lost = stake.lost_groups.get(principal, frozenset())
        if not lost or not lost.issubset(excused):
            yield principal


def groups_of(world: World) -> dict[str, frozenset[str]]:
    """Return everybody's Kubernetes groups by canonical ARN."""
    return {comparable(one.principal): frozenset(one.groups) for one in people(world)}
