"""Do some rules give at least what other rules give? The API server's own, purely syntactic answer.

Source: `Covers` in Kubernetes' component-helpers/auth/rbac/validation/policy_comparator.go.
Escalation checks, permission differences, redundancy and ceilings all use it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import NamedTuple, TypeAlias, TypeVar

from iamrbac.rbac.match import ALL, url_matches
from iamrbac.rbac.objects import Rule


class ResourceAtom(NamedTuple):
    """The smallest part of a resource rule; `name` None means any name."""

    group: str
    resource: str
    verb: str
    name: str | None


class UrlAtom(NamedTuple):
    """The smallest part of a non-resource rule."""

    url: str
    verb: str


Atom: TypeAlias = ResourceAtom | UrlAtom


def uncovered(owner: Iterable[Rule], servant: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return what `servant` gives and `owner` does not, compacted; () means that owner covers servant.

    Each atom of servant must be covered by one rule of owner; different atoms may be covered by different rules.
    A star in servant is covered by a star only, never by an enumeration; `*/*/*` does not cover URLs.
    """
    return compact(missing(owner, servant))


def missing(owner: Iterable[Rule], servant: Iterable[Rule]) -> tuple[Atom, ...]:
    """Return the same piece by piece, in servant's order; what servant says twice is there twice."""
    owner = tuple(owner)
    held = {rule for rule in owner if not (rule.non_resource_urls and rule.resource_names)}
    return tuple(
        atom
        for rule in servant
        if rule not in held
        for atom in atoms(rule)
        if not any(_covers(mine, atom) for mine in owner)
    )


def atoms(rule: Rule) -> Iterator[Atom]:
    """Yield the atoms of one rule, in the order in which the API server breaks it down."""
    names = rule.resource_names or (None,)
    for group in rule.api_groups:
        for resource in rule.resources:
            for verb in rule.verbs:
                for name in names:
                    yield ResourceAtom(group, resource, verb, name)
    for url in rule.non_resource_urls:
        for verb in rule.verbs:
            yield UrlAtom(url, verb)


def compact(pieces: Iterable[Atom]) -> tuple[Rule, ...]:
    """Return few rules with exactly the given atoms, no more and no less, in the order of first appearance."""
    pieces = tuple(dict.fromkeys(pieces))
    resources = [
        Rule((atom.verb,), (atom.group,), (atom.resource,), () if atom.name is None else (atom.name,))
        for atom in pieces
        if isinstance(atom, ResourceAtom)
    ]
    # Each step joins rules that differ in one dimension only, so their union is again one product.
    resources = _join(resources, lambda r: (r.api_groups, r.resources, r.resource_names), "verbs")
    resources = _join(resources, lambda r: (r.api_groups, r.resource_names, frozenset(r.verbs)), "resources")
    resources = _join(
        resources,
        lambda r: (r.api_groups, frozenset(r.resources), frozenset(r.verbs), not r.resource_names),
        "resource_names",
    )
    resources = _join(resources, lambda r: (frozenset(r.resources), r.resource_names, frozenset(r.verbs)), "api_groups")
    urls = [Rule((atom.verb,), non_resource_urls=(atom.url,)) for atom in pieces if isinstance(atom, UrlAtom)]
    urls = _join(urls, lambda r: r.non_resource_urls, "verbs")
    urls = _join(urls, lambda r: frozenset(r.verbs), "non_resource_urls")
    return (*resources, *urls)


K = TypeVar("K", bound=Hashable)


def _join(rules: Iterable[Rule], same: Callable[[Rule], K], field: str) -> list[Rule]:
    """Join rules that agree in `same` by uniting their `field`; the first of them lends the rest."""
    firsts: dict[K, Rule] = {}
    united: dict[K, dict[str, None]] = {}
    for rule in rules:
        key = same(rule)
        firsts.setdefault(key, rule)
        united.setdefault(key, {}).update(dict.fromkeys(getattr(rule, field)))
    return [_with(firsts[key], field, tuple(values)) for key, values in united.items()]


def _with(rule: Rule, field: str, values: tuple[str, ...]) -> Rule:
    parts = {name: getattr(rule, name) for name in Rule.__slots__}
    return Rule(**{**parts, field: values})


def _covers(rule: Rule, atom: Atom) -> bool:
    if not (ALL in rule.verbs or atom.verb in rule.verbs):
        return False
    if isinstance(atom, UrlAtom):
        return not rule.resource_names and any(url_matches(url, atom.url) for url in rule.non_resource_urls)
    return (
        (ALL in rule.api_groups or atom.group in rule.api_groups)
        and _resource_covered(rule.resources, atom.resource)
        and (not rule.resource_names or atom.name in rule.resource_names)
    )


def _resource_covered(resources: tuple[str, ...], resource: str) -> bool:
    if ALL in resources or resource in resources:
        return True
    _, slash, subresource = resource.partition("/")
    return bool(slash) and f"*/{subresource}" in resources
