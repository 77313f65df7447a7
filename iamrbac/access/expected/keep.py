"""Do the policies keep their promises? What a role allows of an action is worked out once, for whoever holds it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product as pairs_of
from typing import Literal, TypeAlias

from iamrbac.access.eks_policies import matches_star
from iamrbac.access.expected.actions import Asked, Product, named
from iamrbac.access.expected.promises import Promise, Wish
from iamrbac.access.expected.who import Person
from iamrbac.access.judge import Given, Judge, Somebody
from iamrbac.access.world import ObjectId
from iamrbac.rbac.match import ALL, allows
from iamrbac.rbac.objects import Request, Rule

Why: TypeAlias = Literal["allowed", "denied", "unmapped", "nobody", "unknown"]
Pairs: TypeAlias = frozenset[tuple[int, int]]
"""Verbs and targets of a product, by number."""


@dataclass(frozen=True, slots=True)
class Breach:
    """Where a promise is not kept, or nobody knows whether it is."""

    why: Why
    cluster: str
    wish: Wish
    person: Person | None = None
    """None where a test about somebody finds nobody."""
    request: Request | None = None
    """What is allowed and must not be, or the other way round; None where no request is to blame."""
    more: int = 0
    """Further requests of the same wish, of the same person in the same place."""
    policies: tuple[str, ...] = ()
    """Access policies whose rules are not documented."""


class Keeper:
    """Judges promises, and remembers what gave what a `can` asked for."""

    def __init__(self, judges: Mapping[str, Judge]) -> None:
        """Take a judge for each cluster."""
        self._judges = judges
        self._given: dict[tuple[int, str, str | None], tuple[Somebody, tuple[Given, ...]]] = {}
        self._touching: dict[tuple[int, Asked], bool] = {}
        self._pairs: dict[tuple[int, Product], Pairs] = {}
        self._named: dict[tuple[Product, str], Product] = {}
        self.bindings: set[tuple[str, ObjectId]] = set()
        """Cluster and binding that some `can` needs."""
        self.policies: set[tuple[str, str, str]] = set()
        """Cluster, principal's group and access policy that some `can` needs."""

    def breaches(self, promise: Promise) -> Iterator[Breach]:
        """Yield where a promise is not kept, by cluster, person, wish and namespace."""
        for cluster, people in promise.people.items():
            places = None if promise.places is None else promise.places[cluster]
            if not people:
                yield from (Breach("nobody", cluster, wish) for wish in promise.wishes if wish.allowed)
            for person in people:
                for wish in promise.wishes:
                    yield from self._wish(cluster, person, wish, places)

    def _wish(self, cluster: str, person: Person, wish: Wish, places: Sequence[str] | None) -> Iterator[Breach]:
        somebody = person.somebody
        if somebody is None:
            if person.unknown:
                yield Breach("unknown", cluster, wish, person)
            elif wish.allowed:
                yield Breach("unmapped", cluster, wish, person)
        elif not wish.allowed and not any(self._touches(one, wish) for one in self._of(cluster, somebody, None)):
            return
        elif wish.allowed or places is not None:
            keeps = self._can if wish.allowed else self._cannot
            for place, products in self._by_place(wish, ("",) if places is None else places).items():
                yield from keeps(cluster, person, wish, self._of(cluster, somebody, place), place, products)
        else:
            yield from self._nowhere(cluster, person, somebody, wish)

    def _can(
        self, cluster: str, person: Person, wish: Wish, given: Sequence[Given], place: str, products: Iterable[Product]
    ) -> Iterator[Breach]:
        """Everything must be allowed."""
        missing: list[Request] = []
        for product in products:
            allowed: set[tuple[int, int]] = set()
            for one in given:
                pairs = self._allowed(one, product)
                if pairs:
                    allowed |= pairs
                    self._remember(cluster, person, one)
            if len(allowed) < len(product.verbs) * len(product.targets):
                every = pairs_of(range(len(product.verbs)), range(len(product.targets)))
                missing += [_request(product, pair, place) for pair in every if pair not in allowed]
        if missing:
            unknown = _undocumented(given)
            why: Why = "unknown" if unknown else "denied"
            yield Breach(why, cluster, wish, person, missing[0], len(missing) - 1, unknown)

    def _cannot(
        self, cluster: str, person: Person, wish: Wish, given: Sequence[Given], place: str, products: Iterable[Product]
    ) -> Iterator[Breach]:
        """Nothing may be allowed."""
        first: Request | None = None
        found = 0
        for product in products:
            some = [(one, pairs) for one in given if (pairs := self._allowed(one, product))]
            found += len(frozenset().union(*(pairs for _, pairs in some)))
            if some and first is None:
                one, pairs = some[0]
                first = _as_allowed(one.rules or (), _request(product, min(pairs), place), product.loose)
        if first is not None:
            yield Breach("allowed", cluster, wish, person, first, found - 1)
        elif unknown := _undocumented(given):
            yield Breach("unknown", cluster, wish, person, policies=unknown)

    def _nowhere(self, cluster: str, person: Person, somebody: Somebody, wish: Wish) -> Iterator[Breach]:
        """Nothing may be allowed anywhere; it can be only where somebody is given something."""
        by_place: dict[str, list[Given]] = {}
        for one in self._of(cluster, somebody, None):
            by_place.setdefault(one.namespace, []).append(one)
        for place, given in by_place.items():
            own = (*wish.asked.inside, *(self._about(product, place) for product in wish.asked.itself))
            others = (product for at, product in wish.asked.elsewhere if not place or (at and matches_star(place, at)))
            products = (*own, *others)
            if products:
                yield from self._cannot(cluster, person, wish, given, place, products)

    def _by_place(self, wish: Wish, places: Iterable[str]) -> dict[str, list[Product]]:
        """Return what is asked, by the namespace where it is judged; "" is the cluster scope."""
        found: dict[str, list[Product]] = {}
        for place in places:
            own = (*wish.asked.inside, *(self._about(product, place) for product in wish.asked.itself))
            found.setdefault(place, []).extend(own)
        for place, product in wish.asked.elsewhere:
            found.setdefault(place, []).append(product)
        return {place: products for place, products in found.items() if products}

    def _about(self, product: Product, namespace: str) -> Product:
        key = (product, namespace)
        if key not in self._named:
            self._named[key] = named(product, namespace)
        return self._named[key]

    def _of(self, cluster: str, somebody: Somebody, place: str | None) -> tuple[Given, ...]:
        key = (id(somebody), cluster, place)
        if key not in self._given:
            # Somebody is kept, so that nobody else gets the id.
            self._given[key] = (somebody, tuple(self._judges[cluster].given(somebody, place)))
        return self._given[key][1]

    def _touches(self, given: Given, wish: Wish) -> bool:
        """Return whether somebody's rules may allow any of what a `cannot` names, wherever they hold."""
        if given.rules is None:
            return True
        key = (id(given.rules), wish.asked)
        if key not in self._touching:
            asked = wish.asked
            every = (*asked.inside, *asked.itself, *(product for _, product in asked.elsewhere))
            self._touching[key] = any(self._allowed(given, product) for product in every)
        return self._touching[key]

    def _allowed(self, given: Given, product: Product) -> Pairs:
        """Return what of a product somebody's rules allow. Rules live as long as the judges: their id is a key."""
        rules = given.rules or ()
        key = (id(rules), product)
        if key not in self._pairs:
            self._pairs[key] = _pairs(rules, product)
        return self._pairs[key]

    def _remember(self, cluster: str, person: Person, given: Given) -> None:
        if given.binding is not None:
            one = given.binding
            self.bindings.add((cluster, (one.kind, one.namespace, one.name)))
        elif given.policy and person.somebody is not None:
            self.policies.update((cluster, group, given.policy) for group in person.somebody.user.groups)


def _pairs(rules: Iterable[Rule], product: Product) -> Pairs:
    found: set[tuple[int, int]] = set()
    for rule in rules:
        verbs = [index for index, verb in enumerate(product.verbs) if ALL in rule.verbs or verb in rule.verbs]
        if verbs:
            reach = _reach(rule, product.loose)
            targets = [index for index, one in enumerate(product.targets) if _reaches(reach, one, product.loose)]
            found.update(pairs_of(verbs, targets))
    return frozenset(found)


def _reach(rule: Rule, loose: bool) -> Rule:
    """Return what a rule is about, whatever its verbs; loosely, on one name is on some name."""
    return replace(rule, verbs=(ALL,), resource_names=() if loose else rule.resource_names)


def _reaches(rule: Rule, target: Request, loose: bool) -> bool:
    if allows(rule, target):
        return True
    # A pattern of paths is all of them for `can`, any of them for `cannot`.
    begin = target.path.rstrip(ALL)
    return loose and begin != target.path and any(url.startswith(begin) for url in rule.non_resource_urls)


def _request(product: Product, pair: tuple[int, int], place: str) -> Request:
    target = product.targets[pair[1]]
    return replace(target, verb=product.verbs[pair[0]], namespace="" if target.path else place)


def _as_allowed(rules: Iterable[Rule], request: Request, loose: bool) -> Request:
    """Return a request that the rules allow to the letter: with the name or the path that one of them names."""
    for rule in rules:
        if not {ALL, request.verb} & set(rule.verbs) or not _reaches(_reach(rule, loose), request, loose):
            continue
        if request.path:
            begin = request.path.rstrip(ALL)
            found = request.path if allows(rule, request) else ""
            return replace(request, path=found or next(url for url in rule.non_resource_urls if url.startswith(begin)))
        return replace(request, name=request.name or next(iter(rule.resource_names), ""))
    return request


def _undocumented(given: Iterable[Given]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.policy for one in given if one.rules is None))
