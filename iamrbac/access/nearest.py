"""Why not: what comes nearest to allowing a request, and what keeps it from doing so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from iamrbac.access.judge import Judge, Somebody
from iamrbac.model.origin import Origin
from iamrbac.rbac.match import allows
from iamrbac.rbac.objects import Binding, Request, Role, Rule
from iamrbac.rbac.subjects import with_authenticated

Lack: TypeAlias = Literal["namespace", "name", "verb", "resource", "group", "path", "subject", "role"]
_ORDER: tuple[Lack, ...] = ("namespace", "subject", "verb", "name", "role", "resource", "group", "path")
MOST = 3


@dataclass(frozen=True, slots=True)
class Miss:
    """A binding that does not allow the request, with the rule of it that comes nearest."""

    binding: Binding
    role: Role | None
    rule: Rule | None
    """None where the binding's roleRef leads nowhere, or its role has no rule of the request's kind."""
    lacks: tuple[Lack, ...]
    """What would have to be otherwise; one alone is a single change away."""
    origins: tuple[Origin, ...] = ()


def nearest(judge: Judge, somebody: Somebody, request: Request, most: int = MOST) -> tuple[Miss, ...]:
    """Return the misses that lack the least, of somebody's own bindings and of those that allow it to others."""
    found = [*_own(judge, somebody, request), *_others(judge, request)]
    found.sort(key=lambda miss: (len(miss.lacks), [_ORDER.index(lack) for lack in miss.lacks], _name(miss.binding)))
    return tuple(found[:most])


def _own(judge: Judge, somebody: Somebody, request: Request) -> Iterator[Miss]:
    for binding, role in judge.authorizer.bindings_of(with_authenticated(somebody.user)):
        # What everybody has who logs in (discovery, reviews of oneself) is nobody's near miss.
        if binding.name.startswith("system:"):
            continue
        place: tuple[Lack, ...] = () if binding.namespace in (None, request.namespace) else ("namespace",)
        if role is None:
            yield Miss(binding, None, None, (*place, "role"), judge.origins(binding))
            continue
        best = min(((_lacks(rule, request), rule) for rule in role.rules), key=lambda one: len(one[0]), default=None)
        if best is not None and len(best[0]) < _TOO_MANY:
            yield Miss(binding, role, best[1], (*place, *best[0]), judge.origins(binding))


def _others(judge: Judge, request: Request) -> Iterator[Miss]:
    for binding, role, rule in judge.allowing(request):
        if judge.origins(binding):
            yield Miss(binding, role, rule, ("subject",), judge.origins(binding))


_TOO_MANY = 3
"""A rule that differs in so much is not near."""


def _lacks(rule: Rule, request: Request) -> tuple[Lack, ...]:
    """Return in what a rule differs from a request; each part is judged with the others as the rule has them."""
    verb: tuple[Lack, ...] = () if {"*", request.verb} & set(rule.verbs) else ("verb",)
    if request.path:
        if not rule.non_resource_urls:
            return ("verb", "path", "resource")
        here = Request(rule.verbs[0], path=request.path)
        return (*verb, *(("path",) if not allows(rule, here) else ()))
    if rule.non_resource_urls:
        return ("verb", "path", "resource")
    parts = {
        "group": Rule(("*",), rule.api_groups, ("*",)),
        "resource": Rule(("*",), ("*",), rule.resources),
        "name": Rule(("*",), ("*",), ("*",), rule.resource_names),
    }
    lacking: list[Lack] = [lack for lack in ("group", "resource", "name") if not allows(parts[lack], request)]
    return (*verb, *lacking)


def _name(binding: Binding) -> tuple[str, str]:
    return binding.namespace or "", binding.name
