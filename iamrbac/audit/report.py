"""What a tally means: grants that nobody used, denials that recur, and smaller roles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias

from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.nearest import Miss, nearest
from iamrbac.audit.coverage import Coverage, coverage
from iamrbac.audit.grants import SetGrant
from iamrbac.audit.tally import Refusal, RoleKey, RoleUse, Tally, Uses
from iamrbac.audit.template import UNSEEN, smallest
from iamrbac.rbac.covers import uncovered
from iamrbac.rbac.objects import Rule, User

State: TypeAlias = Literal["used", "unused", "unknown"]
RECUR: Final = 2
MOST: Final = 200
"""As many denials are looked into; the rest is counted."""


@dataclass(frozen=True, slots=True)
class GrantUse:
    """A grant, and whether it was used in the last days of the log."""

    grant: SetGrant
    state: State
    times: int
    last: datetime | None
    why: str = ""
    """Why it is not known."""


@dataclass(frozen=True, slots=True)
class Denial:
    """What somebody was denied again and again."""

    refusal: Refusal
    times: int
    first: datetime
    last: datetime
    given: tuple[SetGrant, ...] = ()
    """The grants of the policies that allow it today."""
    misses: tuple[Miss, ...] = ()
    """What comes nearest, where none does."""
    somebody: Somebody | None = None
    """As whom the misses were looked for."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The smallest role in place of one that a set has."""

    group: str
    role: str
    namespaces: tuple[str, ...]
    rules: tuple[Rule, ...]
    """() where there is none: nothing was used of it, or `why` says why."""
    drops: tuple[Rule, ...]
    """What the role gives and nobody used; () where all of it was."""
    unseen: bool = False
    """The role has verbs in it that no log shows."""
    why: str = ""


@dataclass(frozen=True, slots=True)
class LeastPrivilege:
    """The whole answer for one cluster."""

    coverage: Coverage | None
    """None for a log without events."""
    days: int | None
    """What was asked for; None: the span of the log."""
    grants: tuple[GrantUse, ...]
    denials: tuple[Denial, ...]
    single: int
    """Denials that did not recur, and are not listed."""
    more: int
    """Denials that recur, and are not listed: the most frequent ones are."""
    proposals: tuple[Proposal, ...]

    @property
    def unused(self) -> tuple[GrantUse, ...]:
        """The grants that nobody used."""
        return tuple(one for one in self.grants if one.state == "unused")


def report(tally: Tally, judge: Judge, days: int | None, *, whole: bool = True) -> LeastPrivilege:
    """Return what was counted of the grants on the cluster that `judge` answers for.

    Where the log was not read to its end (not `whole`), no grant is called unused.
    """
    covered = coverage(tally.first, tally.last, tally.days)
    recurring = sorted(
        ((one, uses) for one, uses in tally.refusals.items() if uses.times >= RECUR),
        key=lambda item: (-item[1].times, item[0].user, _words(item[0])),
    )
    return LeastPrivilege(
        covered,
        days,
        tuple(_grant(grant, uses, covered, days, whole=whole) for grant, uses in tally.uses.items()),
        tuple(_denial(one, uses, tally, judge) for one, uses in recurring[:MOST]),
        len(tally.refusals) - len(recurring),
        max(0, len(recurring) - MOST),
        tuple(_proposals(tally)),
    )


def _grant(grant: SetGrant, uses: Uses, covered: Coverage | None, days: int | None, *, whole: bool) -> GrantUse:
    last = _at(uses.last) if uses.last else None
    times = max(uses.times, 1) if last is not None else 0
    if covered is None:
        return GrantUse(grant, "unknown", 0, None, "the log has no events")
    if last is not None and (days is None or last >= covered.last - timedelta(days=days)):
        return GrantUse(grant, "used", times, last)
    if days is not None and not covered.covers(days):
        return GrantUse(grant, "unknown", times, last, f"the log does not cover {days} days")
    if not whole:
        return GrantUse(grant, "unknown", times, last, "a part of the log could not be read")
    if grant.rules is None:
        return GrantUse(grant, "unknown", times, last, "what it gives is not known here")
    if grant.rules and all(set(rule.verbs) <= UNSEEN for rule in grant.rules):
        return GrantUse(grant, "unknown", times, last, "no log shows bind and escalate")
    return GrantUse(grant, "unused", times, last)


def _denial(refusal: Refusal, uses: Uses, tally: Tally, judge: Judge) -> Denial:
    request = refusal.request
    given = tuple(one for one in tally.grants if one.group in refusal.groups and one.allows(request))
    # Of whom the sets are not known, only what others have can be near.
    somebody = Somebody("", User(refusal.user, refusal.groups), "set") if refusal.groups else None
    misses = () if given else nearest(judge, somebody, request)
    return Denial(refusal, uses.times, _at(uses.first), _at(uses.last), given, misses, somebody)


def _proposals(tally: Tally) -> Iterator[Proposal]:
    namespaces: dict[RoleKey, set[str]] = {}
    for grant in tally.grants:
        namespaces.setdefault((grant.group, grant.role, grant.rules), set()).add(grant.namespace)
    for key, use in tally.roles.items():
        group, role, rules = key
        where = tuple(sorted(namespaces[key]))
        why = _why_not(rules, use)
        if why or rules is None:
            yield Proposal(group, role, where, (), (), why=why)
        else:
            unseen = any(UNSEEN & set(rule.verbs) for rule in rules)
            found = smallest(use.atoms)
            yield Proposal(group, role, where, found, uncovered(found, rules), unseen)


def _why_not(rules: tuple[Rule, ...] | None, use: RoleUse) -> str:
    if rules is None:
        return "what it gives is not known here"
    if use.beyond:
        return "it gave more on the cluster than is known of it here"
    return "more different requests than are kept" if use.overflow else ""


def _words(refusal: Refusal) -> tuple[str, ...]:
    one = refusal.request
    return one.namespace, one.api_group, one.resource, one.subresource, one.verb, one.name, one.path


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
