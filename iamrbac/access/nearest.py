"""Why not: what comes nearest to allowing a request, and what keeps it from doing so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from iamrbac.access.eks_policies import reaches
from iamrbac.access.judge import Judge, Somebody, first_rule
from iamrbac.access.world import is_default, policy_name
from iamrbac.mapping.objects import PolicyAssociation
from iamrbac.model.origin import Origin
from iamrbac.rbac.match import allows
from iamrbac.rbac.objects import Binding, Request, Role, Rule
from iamrbac.rbac.subjects import subject_key, with_authenticated

Lack: TypeAlias = Literal["namespace", "name", "verb", "resource", "group", "path", "subject", "role"]
_ORDER: Final[tuple[Lack, ...]] = ("namespace", "subject", "verb", "name", "role", "resource", "group", "path")
MOST: Final = 3
_TOO_MANY: Final = 3
"""A rule that differs in so much is not near."""


@dataclass(frozen=True, slots=True)
class Miss:
    """A binding that does not allow the request, with the rule of it that comes nearest; or an EKS access policy."""

    binding: Binding | None
    role: Role | None
    rule: Rule | None
    """None where the binding's roleRef leads nowhere."""
    lacks: tuple[Lack, ...]
    """What would have to be otherwise; one alone is a single change away."""
    origins: tuple[Origin, ...] = ()
    policy: PolicyAssociation | None = None
    """The access policy, which lacks nothing but the namespace; `binding` is None then."""


def nearest(judge: Judge, somebody: Somebody | None, request: Request, most: int = MOST) -> tuple[Miss, ...]:
    """Return the misses that lack the least: of somebody's own bindings, then of those that allow it to others.

    None is somebody whom nothing maps, with no bindings of their own.
    """
    found = [*_others(judge, request)]
    if somebody is not None:
        found += [*_own(judge, somebody, request), *_own_policies(judge, somebody, request)]
    found.sort(key=lambda miss: (len(miss.lacks), [_ORDER.index(lack) for lack in miss.lacks], _place(miss)))
    return tuple(_without_twins(found))[:most]


def _own(judge: Judge, somebody: Somebody, request: Request) -> Iterator[Miss]:
    for binding, role in judge.authorizer.bindings_of(with_authenticated(somebody.user)):
        # What everybody has who logs in (discovery, reviews of oneself) is nobody's near miss.
        if is_default(binding):
            continue
        place: tuple[Lack, ...] = () if binding.namespace in (None, request.namespace) else ("namespace",)
        if role is None:
            # Whatever the role that is missing would give, it would give it there.
            if not place:
                yield Miss(binding, None, None, ("role",), judge.origins(binding))
            continue
        best = min(((_lacks(rule, request), rule) for rule in role.rules), key=lambda one: len(one[0]), default=None)
        if best is not None and len(place) + len(best[0]) < _TOO_MANY:
            yield Miss(binding, role, best[1], (*place, *best[0]), judge.origins(binding))


def _own_policies(judge: Judge, somebody: Somebody, request: Request) -> Iterator[Miss]:
    """Nobody but AWS changes what an access policy gives, so only its namespaces can be amiss."""
    for association in judge.associations(somebody):
        rule = first_rule(judge.policy_rules(association) or (), request)
        if rule is not None and not reaches(association, request.namespace):
            origins, _ = judge.given_by(somebody, policy_name(association.policy), None)
            yield Miss(None, None, rule, ("namespace",), origins, association)


def _others(judge: Judge, request: Request) -> Iterator[Miss]:
    for binding, role, rule in judge.allowing(request):
        # A subject that matches nobody is nobody's example; and nobody joins system:masters to read a pod.
        named = any(subject_key(subject, binding.namespace) for subject in binding.subjects)
        if named and not is_default(binding):
            yield Miss(binding, role, rule, ("subject",), judge.origins(binding))


def _place(miss: Miss) -> tuple[bool, str, str]:
    """Ours first, since a policy line can be changed."""
    if miss.binding is None:
        return not miss.origins, "", policy_name(miss.policy.policy) if miss.policy is not None else ""
    return not miss.origins, miss.binding.namespace or "", miss.binding.name


def _without_twins(misses: Iterable[Miss]) -> Iterator[Miss]:
    """Leave out what says the same as an earlier one: one policy line makes a binding in each of its namespaces."""
    told: set[object] = set()
    for miss in misses:
        subjects = miss.binding.subjects if miss.binding is not None else ()
        line = (miss.origins, miss.rule, miss.lacks, subjects) if miss.origins else miss
        if line not in told:
            told.add(line)
            yield miss


def _lacks(rule: Rule, request: Request) -> tuple[Lack, ...]:
    """Return in what a rule differs from a request; each part is judged with the others as the rule has them."""
    verb: tuple[Lack, ...] = () if {"*", request.verb} & set(rule.verbs) else ("verb",)
    if request.path:
        if not rule.non_resource_urls:
            return ("verb", "path", "resource")
        urls = Rule(("*",), non_resource_urls=rule.non_resource_urls)
        return (*verb, *(() if allows(urls, request) else ("path",)))
    if not rule.resources:
        return ("verb", "path", "resource")
    parts: dict[Lack, Rule] = {
        "group": Rule(("*",), rule.api_groups, ("*",)),
        "resource": Rule(("*",), ("*",), rule.resources),
        "name": Rule(("*",), ("*",), ("*",), rule.resource_names),
    }
    return (*verb, *(lack for lack, part in parts.items() if not allows(part, request)))
