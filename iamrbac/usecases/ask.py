"""Questions about access: may somebody, who may, who holds what."""

from __future__ import annotations

from dataclasses import dataclass, replace

from iamrbac.access.doubts import perhaps, unknown
from iamrbac.access.eks_policies import matches_star
from iamrbac.access.held import Held, held, held_by_others
from iamrbac.access.judge import Chain, Judge, Somebody
from iamrbac.access.naming import Asked, find_caller, find_somebody, similar
from iamrbac.access.nearest import Miss, nearest
from iamrbac.compile.names import group_name
from iamrbac.model.arn import canonical
from iamrbac.model.errors import UsageError
from iamrbac.rbac.objects import Request
from iamrbac.usecases.ground import Ground

_GROUP = "iamGroup "
"""Begins the name of a group as declared."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one cluster says to one question."""

    cluster: str
    request: Request
    somebody: Somebody | None
    """None: nothing maps the principal there."""
    allowed: bool | None
    """None: not known."""
    chains: tuple[Chain, ...] = ()
    """Ours first."""
    misses: tuple[Miss, ...] = ()
    unknown: tuple[str, ...] = ()
    """Why it is not known."""
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Able:
    """Who may do something on one cluster, sorted: mapped principals, then other subjects."""

    chains: tuple[Chain, ...]
    perhaps: tuple[tuple[Somebody, str], ...]
    """Who may be able to, with why it is not known; nobody of the chains."""


def ask(ground: Ground, asked: Asked, request: Request) -> tuple[Answer, ...]:
    """Ask every cluster that could be read.

    Raises UsageError where nobody is called so anywhere, or several are.
    """
    found = {name: find_somebody(judge, asked, ground.instance) for name, judge in ground.judges.items()}
    suspended = ground.is_suspended(asked.text)
    if not any(found.values()) and not ground.may_be(asked.text):
        raise _nobody(ground, asked.text)
    answers = (answer(name, ground.judges[name], one, request) for name, one in found.items())
    return tuple(replace(one, suspended=suspended and one.somebody is None) for one in answers)


def ask_me(ground: Ground, arn: str, request: Request, groups: tuple[str, ...] = ()) -> tuple[Answer, ...]:
    """Ask the policies about whoever asks, by the ARN that STS says: every cluster answers, also with a no.

    Where members are as declared, an IAM group that may do it makes a no unknown: only IAM says who is in it.
    """
    suspended = ground.is_suspended(canonical(arn))
    return tuple(_mine(name, judge, arn, request, groups, suspended) for name, judge in ground.judges.items())


def _mine(name: str, judge: Judge, arn: str, request: Request, groups: tuple[str, ...], suspended: bool) -> Answer:
    somebody = find_caller(judge, arn, groups)
    found = answer(name, judge, somebody, request)
    if suspended and somebody is None:
        return replace(found, suspended=True)
    able = {chain.somebody.principal for chain in judge.who_can(request)} if found.allowed is False else set()
    able = {one for one in able if one.startswith(_GROUP)}
    if not able:
        return found
    doubt = f"whether I am in {' or '.join(sorted(one.removeprefix(_GROUP) for one in able))}, which may, only IAM says"
    return replace(found, allowed=None, unknown=(*found.unknown, doubt))


def who_can(ground: Ground, request: Request, *, anywhere: bool = False) -> dict[str, Able]:
    """Return who may do it, by cluster; with `anywhere` in whichever namespace."""
    return {name: _able(judge, request, anywhere=anywhere) for name, judge in ground.judges.items()}


def holdings(ground: Ground, principal: str = "", namespace: str = "", team: str = "") -> dict[str, tuple[Held, ...]]:
    """Return who holds what, by cluster, sorted: principals, and subjects that nobody is mapped to.

    Only of a principal, in a namespace (also by the whole cluster), of a team. Raises UsageError where nobody is called
    so, and for a team without policy.
    """
    if team and team not in ground.teams:
        known = ", ".join(sorted(ground.teams))
        hint = f"use one of {known}" if known else "leave --team out: there are no policies here"
        raise UsageError(f"no policy is of a team {team}", hint=hint)
    people = {name: _people(judge, ground.instance, principal) for name, judge in ground.judges.items()}
    if principal and not any(people.values()) and not ground.may_be(principal):
        raise _nobody(ground, principal)
    found: dict[str, tuple[Held, ...]] = {}
    for name, judge in ground.judges.items():
        items = [item for one, called in people[name] for item in held(judge, one, called)]
        if not principal:
            items += held_by_others(judge)
        found[name] = tuple(
            sorted(
                item
                for item in set(items)
                if (not namespace or item.namespace == "" or matches_star(item.namespace, namespace))
                and (not team or item.group.startswith(group_name(ground.instance, team, "")))
            )
        )
    return found


def _people(judge: Judge, instance: str, principal: str) -> tuple[tuple[Somebody, str], ...]:
    if not principal:
        return tuple((one, one.principal) for one in judge.everybody())
    one = find_somebody(judge, Asked(principal), instance)
    return () if one is None else ((one, one.principal or principal),)


def _able(judge: Judge, request: Request, *, anywhere: bool) -> Able:
    chains = tuple(sorted(judge.who_can(request, anywhere=anywhere), key=_by_person))
    able = {chain.somebody.principal for chain in chains}
    doubts = (one for one in perhaps(judge, request, anywhere=anywhere) if one[0].principal not in able)
    return Able(chains, tuple(sorted(doubts, key=lambda one: (one[0].principal, one[1]))))


def _by_person(chain: Chain) -> tuple[object, ...]:
    one = chain.somebody
    return not one.principal, one.principal, one.user.name, one.user.groups, *_by_binding(chain)


def _by_binding(chain: Chain) -> tuple[object, ...]:
    """Ours first, then where nothing but the request's own namespace is given."""
    binding = chain.binding
    if binding is None:
        return not chain.origins, False, chain.policy, ""
    return not chain.origins, binding.namespace is None, binding.namespace or "", binding.name


def _nobody(ground: Ground, text: str) -> UsageError:
    near = similar(ground.judges.values(), text, ground.instance)
    hint = f"did you mean {' or '.join(near)}? {ground.otherwise}" if near else ground.otherwise
    return UsageError(f"nobody is called {text} here", hint=hint)


def answer(cluster: str, judge: Judge, somebody: Somebody | None, request: Request) -> Answer:
    """Ask one cluster about somebody; None is somebody whom nothing maps there."""
    if somebody is None:
        return Answer(cluster, request, None, False, misses=nearest(judge, None, request))
    chains = tuple(sorted(judge.chains(somebody, request), key=_by_binding))
    if chains:
        return Answer(cluster, request, somebody, True, chains)
    doubts = unknown(judge, somebody, request)
    misses = nearest(judge, somebody, request)
    return Answer(cluster, request, somebody, None if doubts else False, misses=misses, unknown=doubts)
