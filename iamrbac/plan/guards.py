"""What refuses an apply, as findings with numbers (design §4, Guards). They never hide the plan.

Every function is pure and returns findings; overrides are narrow and named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from iamrbac.access.world import administrators
from iamrbac.compile.desired import Kind
from iamrbac.findings.finding import Finding, Level
from iamrbac.model.arn import comparable
from iamrbac.model.documents import Guards
from iamrbac.plan.admin_templates import admin_templates
from iamrbac.plan.escalation import escalations
from iamrbac.plan.removals import removals
from iamrbac.plan.removed import removed
from iamrbac.plan.stakes import Allowances, Leavers, Stakes, counted, unexcused

NONE: Mapping[Kind, int] = {}
__all__ = ["Allowances", "Leavers", "Stakes", "check"]


def check(
    stakes: Iterable[Stakes],
    guards: Guards,
    caller: str | None,
    leavers: Leavers,
    allowed: Allowances,
    managed: Mapping[str, int],
    owned: Mapping[Kind, int] = NONE,
) -> tuple[Finding, ...]:
    """Return every refusal.

    `managed` counts the principals that are ours on each cluster before the change, `owned` our objects of each kind.
    """
    everywhere = tuple(stakes)
    findings = [*removals(everywhere, guards.max_removals, leavers, allowed, managed)]
    if guards.max_removals.per_kind is not None:
        findings += removed(everywhere, guards.max_removals.per_kind, leavers, allowed, owned)
    stakes = tuple(stake for stake in everywhere if stake.losers or stake.through or stake.plan.changes)
    for one in stakes:
        findings += _empty(one, leavers, allowed)
        findings += _protected(one, guards, caller, leavers, allowed)
        findings += _administrators(one, guards, allowed)
        findings += escalations(one.plan, one.before, _writer(one, caller))
        findings += admin_templates(one.plan, guards.admin_templates)
    return tuple(findings)


def _writer(stake: Stakes, caller: str | None) -> str | None:
    """Return who writes to a cluster: the role that is assumed for it, else whoever runs this."""
    role = stake.plan.state.target.role
    return caller if role is None or caller is None else role.role_arn


def _empty(stake: Stakes, leavers: Leavers, allowed: Allowances) -> Iterable[Finding]:
    """Everything that is ours would go: more often a wrong repository than an intention."""
    ours = [change for change in stake.plan.changes if change.before is not None and change.after is None]
    losers = counted(stake, leavers)
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
    writer = _writer(stake, caller)
    if writer is not None:
        protected.setdefault(comparable(writer), "you come by this role, and could not undo it")
    spared = {comparable(arn) for arn in allowed.lockout_of}
    losers = {*unexcused(stake, stake.losers & protected.keys() - spared, leavers.over)}
    # Of a role whose time is over the users lose it as was asked for; the same goes for them.
    ended = stake.losers - {*unexcused(stake, stake.losers, leavers.over)}
    losers |= {user for user, roles in stake.through.items() if user in protected.keys() - spared and roles - ended}
    for principal in sorted(losers):
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
