"""What the rules say about rights in a place. Equal rights in equal places are judged once, whoever has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from iamrbac.access.powers import Held
from iamrbac.findings.finding import Level
from iamrbac.lint.matter import Ground, Hit, Rules, Scope, Where
from iamrbac.lint.rule import EVERY, LOWER, LintRule, RightsCheck, RolesCheck
from iamrbac.lint.rules import RULES
from iamrbac.rbac.catalogue import Catalogue
from iamrbac.rbac.covers import missing
from iamrbac.rbac.objects import Role

_SINGLE = tuple(rule for rule in RULES if isinstance(rule.check, RightsCheck))
_COMBINED = tuple(rule for rule in _SINGLE if isinstance(rule.check, RightsCheck) and rule.check.together)


_WEIGHT: Final = {Level.INFO: 0, Level.WARNING: 1, Level.ERROR: 2}


@dataclass(frozen=True, slots=True)
class Said:
    """A hit of a rule, weighed."""

    rule: LintRule
    level: Level
    hit: Hit


class Book:
    """The judgements of one run, for all clusters that have the same ClusterRoles."""

    def __init__(self, roles: Iterable[Role], catalogue: Catalogue) -> None:
        named = {role.name: role for role in roles if role.kind == "ClusterRole"}
        self.ground = Ground(named, catalogue, self._errs, self._covers)
        self._kept: dict[int, Rules] = {}
        self._rights: dict[tuple[int, Where], tuple[Said, ...]] = {}
        self._open: set[tuple[int, Where]] = set()
        """What is being judged: a role may bind others, and these it."""
        self._circle = False
        self._roles: dict[tuple[int, Where], tuple[Said, ...]] = {}
        self._covered: dict[tuple[int, int], bool] = {}
        self._together: dict[tuple[frozenset[int], frozenset[int], Where], tuple[Said, ...]] = {}

    def rights(self, rules: Rules, where: Where) -> tuple[Said, ...]:
        """Return what there is to say about rights in a place, without what other rules say better."""
        key = (self._id(rules), where)
        known = self._rights.get(key)
        if known is not None:
            return known
        if key in self._open:
            # Of a role that binds itself nothing more can be said; what follows from that holds only here.
            self._circle = True
            return ()
        self._open.add(key)
        found = foremost(_found(_SINGLE, _held(rules, where), where, self.ground))
        self._open.remove(key)
        if not self._open:
            self._circle = False
        if not self._circle:
            self._rights[key] = found
        return found

    def together(self, wide: tuple[Rules, ...], here: tuple[Rules, ...], where: Where) -> tuple[Said, ...]:
        """Return what rights of several roles mean only at once: in the whole cluster, and in a namespace besides."""
        several = dict.fromkeys((*map(self._id, wide), *map(self._id, here)))
        if len(several) < 2:
            return ()
        key = (frozenset(map(id, wide)), frozenset(map(id, here)), where)
        if key not in self._together:
            held = Held((rule for rules in wide for rule in rules), (rule for rules in here for rule in rules))
            singly = (_found(_COMBINED, _held(rules, where), where, self.ground) for rules in (*wide, *here))
            alone = {one.rule.id for found in singly for one in found}
            checks = (rule for rule in _COMBINED if rule.id not in alone)
            found = _found(checks, held, where, self.ground)
            own = {rule for rules in here for rule in rules}
            self._together[key] = tuple(one for one in found if not own or not own.isdisjoint(one.hit.rules))
        return self._together[key]

    def words(self, rules: Rules, where: Where) -> tuple[Said, ...]:
        """Return what there is to say about rules as they are written, wherever they are given."""
        return tuple(one for one in self._as_written(rules, where) if not _is_placed(one.rule))

    def place(self, rules: Rules, where: Where) -> tuple[Said, ...]:
        """Return what of rules as they are written means nothing in a place."""
        return tuple(one for one in self._as_written(rules, where) if _is_placed(one.rule))

    def _as_written(self, rules: Rules, where: Where) -> tuple[Said, ...]:
        key = (self._id(rules), where)
        if key not in self._roles:
            self._roles[key] = tuple(
                Said(rule, level, hit)
                for rule in RULES
                if isinstance(rule.check, RolesCheck)
                for hit in rule.check.find(rules, where, self.ground.catalogue)
                if (level := weighed(rule, where, hit)) is not None
            )
        return self._roles[key]

    def _errs(self, rules: Rules, where: Where) -> bool:
        return any(one.level is Level.ERROR for one in self.rights(rules, where))

    def _covers(self, owner: Rules, servant: Rules) -> bool:
        key = (self._id(owner), self._id(servant))
        if key not in self._covered:
            self._covered[key] = not missing(owner, servant)
        return self._covered[key]

    def _id(self, rules: Rules) -> int:
        """Return what tells rules apart: equal ones that are shared are one object. They are kept, so ids are."""
        self._kept[id(rules)] = rules
        return id(rules)


def weighed(rule: LintRule, where: Where, hit: Hit) -> Level | None:
    """Return how much a hit weighs where it is; None: nothing."""
    level = hit.level or rule.levels.of(where.scope)
    return LOWER[level] if level is not None and hit.lower else level


def foremost(found: list[Said]) -> tuple[Said, ...]:
    """Return findings about one grant without those that others say better, and no milder."""
    wild = {rule for one in found if one.rule.broad for rule in one.hit.rules}
    kept = [one for one in found if one.rule.broad or not one.hit.rules or not wild.issuperset(one.hit.rules)]
    return tuple(one for one in kept if not any(_says_it_better(other, one) for other in kept))


def _says_it_better(other: Said, one: Said) -> bool:
    if EVERY in one.rule.unless and other.level is Level.ERROR and other.rule.id != one.rule.id:
        return True
    return other.rule.id in one.rule.unless and _WEIGHT[other.level] >= _WEIGHT[one.level]


def _is_placed(rule: LintRule) -> bool:
    return isinstance(rule.check, RolesCheck) and rule.check.placed


def _held(rules: Rules, where: Where) -> Held:
    return Held(rules) if where.scope is Scope.CLUSTER else Held((), rules)


def _found(rules: Iterable[LintRule], held: Held, where: Where, ground: Ground) -> list[Said]:
    return [
        Said(rule, level, hit)
        for rule in rules
        if isinstance(rule.check, RightsCheck)
        for hit in rule.check.find(held, where, ground)
        if (level := weighed(rule, where, hit)) is not None
    ]
