"""What refuses an apply, as findings with numbers (design §4, Guards). They never hide the plan.

Every function is pure and returns findings; overrides are narrow and named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from iamrbac.access.world import World, administrators, people
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.suspended import Suspended
from iamrbac.model.arn import comparable
from iamrbac.model.documents import Guards
from iamrbac.plan.change import ClusterPlan
from iamrbac.plan.escalation import escalations
from iamrbac.plan.simulate import after, before

FRACTION_FROM = 10
"""Below this many principals a fraction says nothing (design §4: from ten on)."""


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
        self.losers = frozenset(change.principal for change in plan.access if change.change == "lose")
        """Canonical ARNs of those who lose anything here."""

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
        had, has = _groups(self.before), _groups(self.after)
        return {principal: groups - has.get(principal, frozenset()) for principal, groups in had.items()}


def check(
    stakes: Iterable[Stakes],
    guards: Guards,
    caller: str | None,
    leavers: Leavers,
    allowed: Allowances,
    managed: Mapping[str, int],
) -> tuple[Finding, ...]:
    """Return every refusal. `managed` counts the principals that are ours on each cluster before the change."""
    stakes = tuple(stake for stake in stakes if stake.losers or stake.plan.changes)
    findings = [*_removals(stakes, guards, leavers, allowed, sum(managed.values()))]
    for one in stakes:
        findings += _empty(one, leavers, allowed)
        findings += _protected(one, guards, caller, leavers, allowed)
        findings += _administrators(one, guards, allowed)
        findings += escalations(one.plan, one.before, caller)
    return tuple(findings)


def _removals(
    stakes: Iterable[Stakes], guards: Guards, leavers: Leavers, allowed: Allowances, total: int
) -> Iterable[Finding]:
    """Losses are counted as principal × cluster."""
    losses = sum(len(_counted(stake, leavers)) for stake in stakes)
    if losses <= allowed.removals:
        return
    limit = guards.max_removals
    over_count = losses > limit.count
    over_fraction = total >= FRACTION_FROM and losses > limit.fraction * total
    if over_count or over_fraction:
        most = f"{limit.count}" if over_count else f"{limit.fraction:.0%} of {total}"
        yield Finding(
            id="GRD001",
            level=Level.ERROR,
            message=f"{losses} principals × clusters would lose access, more than guards.maxRemovals allows ({most})",
            hint=f"look at who loses what; if it is meant: --allow-removals {losses}",
        )


def _counted(stake: Stakes, leavers: Leavers) -> frozenset[str]:
    """Return those whose loss may be a mistake."""
    # A set that no longer gives anything here was changed by a policy, whoever was in it.
    excused = leavers.over | (leavers.from_iam & stake.plan.groups)
    return frozenset(_unexcused(stake, {one for one in stake.losers if not leavers.lets_go(one)}, excused))


def _unexcused(stake: Stakes, losers: Collection[str], excused: Collection[str]) -> Iterable[str]:
    """Yield those who lose more than by leaving excused groups."""
    for principal in losers:
        lost = stake.lost_groups.get(principal, frozenset())
        if not lost or not lost.issubset(excused):
            yield principal


def _groups(world: World) -> dict[str, frozenset[str]]:
    """Return everybody's Kubernetes groups by canonical ARN."""
    return {comparable(one.principal): frozenset(one.groups) for one in people(world)}


def _empty(stake: Stakes, leavers: Leavers, allowed: Allowances) -> Iterable[Finding]:
    """Everything that is ours would go: more often a wrong repository than an intention."""
    ours = [change for change in stake.plan.changes if change.before is not None and change.after is None]
    losers = _counted(stake, leavers)
    if ours and not stake.plan.wanted and len(losers) > allowed.removals:
        yield Finding(
            id="GRD002",
            level=Level.ERROR,
            message=f"the policies want nothing on {stake.plan.name}, and all {len(ours)} objects of ours would go",
            hint=f"check that this is the right repository; if it is meant: --allow-removals {len(losers)}",
            cluster=stake.plan.name,
        )


def _protected(
    stake: Stakes, guards: Guards, caller: str | None, leavers: Leavers, allowed: Allowances
) -> Iterable[Finding]:
    """A temporary grant that is over ends for these people too: that is what they asked for."""
    protected = {comparable(arn): "guards.protectedPrincipals names it" for arn in guards.protected_principals}
    if caller is not None:
        protected.setdefault(comparable(caller), "it is you, and you could not undo it")
    spared = {comparable(arn) for arn in allowed.lockout_of}
    for principal in sorted(_unexcused(stake, stake.losers & protected.keys() - spared, leavers.over)):
        yield Finding(
            id="GRD003",
            level=Level.ERROR,
            message=f"{principal} would lose access on {stake.plan.name}: {protected[principal]}",
            hint=f"keep its access in the policy; if it is meant: --allow-lockout-of {principal}",
            cluster=stake.plan.name,
            object=principal,
        )


def _administrators(stake: Stakes, guards: Guards, allowed: Allowances) -> Iterable[Finding]:
    """Mapped administrators only: what IAM itself would still allow (SCPs, the legacy creator) is not known here."""
    if not stake.losers:
        return
    had, has = administrators(stake.before), administrators(stake.after)
    gone: Collection[str] = had - has - {comparable(arn) for arn in allowed.lockout_of}
    if gone and len(has) < guards.min_admins:
        yield Finding(
            id="GRD004",
            level=Level.ERROR,
            message=(
                f"{stake.plan.name} would have {len(has)} mapped administrators instead of {len(had)}, "
                f"below guards.minAdmins ({guards.min_admins}); what IAM would still allow is not known"
            ),
            hint=f"keep {', '.join(sorted(gone))}, or add another administrator first",
            cluster=stake.plan.name,
        )
