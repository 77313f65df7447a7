"""Every rule asked of every grant, document and manifest; the answers as findings that waivers can take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from iamrbac.findings.finding import Finding, Level
from iamrbac.findings.waivers import Judged
from iamrbac.lint.book import Book, weighed
from iamrbac.lint.grants import called, holder_text
from iamrbac.lint.matter import Grant, Rules, Scope, Shelf, Sourced, Spot, Told, Where
from iamrbac.lint.rule import (
    LOWER,
    DocumentsCheck,
    GrantCheck,
    LintRule,
    ObjectsCheck,
    TogetherCheck,
)
from iamrbac.lint.rules import RULES
from iamrbac.rbac.objects import Role
from iamrbac.rbac.subjects import SubjectKey

_GRANTS = tuple(rule for rule in RULES if isinstance(rule.check, GrantCheck))
_TOGETHER = tuple(rule for rule in RULES if isinstance(rule.check, TogetherCheck))


def judge_grants(
    grants: Iterable[Grant], holders: Mapping[SubjectKey, Sequence[Grant]], book: Book
) -> Iterator[Judged]:
    """Yield what there is to say about the grants of one cluster, each by itself and all of one holder at once."""
    for grant in grants:
        yield from _one(grant, book)
    for held in holders.values():
        if len(held) > 1:
            yield from _several(held, book)


def judge_documents(shelf: Shelf) -> Iterator[Judged]:
    """Yield what there is to say about the documents themselves."""
    for rule in RULES:
        if isinstance(rule.check, DocumentsCheck):
            for told in rule.check.find(shelf):
                yield _told(rule, told)


def judge_objects(sourced: Sequence[Sourced], book: Book) -> Iterator[Judged]:
    """Yield what there is to say about manifests themselves."""
    for rule in RULES:
        if isinstance(rule.check, ObjectsCheck):
            for told in rule.check.find(sourced, book.ground):
                yield _told(rule, told)
    for one in sourced:
        if isinstance(one.item, Role):
            name = called(one.item)
            for said in book.words(one.item.rules, Where(Scope.CLUSTER)):
                told = Told(f"{name} {said.hit.says}", one.spot, object=name, level=said.level)
                yield _told(said.rule, told)


def by_holder(grants: Iterable[Grant]) -> dict[SubjectKey, list[Grant]]:
    """Return the grants of each holder."""
    found: dict[SubjectKey, list[Grant]] = defaultdict(list)
    for grant in grants:
        for holder in grant.holders:
            found[holder].append(grant)
    return found


def said_of(grant: Grant, rule: LintRule, level: Level, says: str) -> Iterator[Judged]:
    """Yield a finding about a grant at each of the lines that give it."""
    if grant.object and grant.binding is not None:
        whom = ", ".join(holder_text(one) for one in grant.holders) or "nobody"
        says = f"{says} ({grant.object} for {whom})"
    elif grant.object:
        says = f"{says}; no binding here gives it to anybody"
    for spot in grant.spots:
        yield Judged(
            rule.id,
            _finding(rule, level, says, spot, grant.cluster, grant.object),
            grant.team,
            grant.role,
            grant.cluster,
            grant.namespace,
        )


def _one(grant: Grant, book: Book) -> Iterator[Judged]:
    said = book.rights(grant.rules, grant.where) if grant.rules is not None else ()
    if grant.own and grant.rules is not None:
        # What a manifest's role says stands there, not at each binding.
        words = book.words(grant.rules, grant.where) if not grant.object else ()
        said = (*said, *words, *book.place(grant.rules, grant.where))
    for one in said:
        level = one.level if grant.holders or not grant.object else LOWER[one.level]
        yield from said_of(grant, one.rule, level, one.hit.says)
    for rule in _GRANTS:
        if isinstance(rule.check, GrantCheck):
            for hit in rule.check.find(grant, book.ground):
                level_ = weighed(rule, grant.where, hit)
                if level_ is not None:
                    yield from said_of(grant, rule, level_, hit.says)


def _several(held: Sequence[Grant], book: Book) -> Iterator[Judged]:
    for rule in _TOGETHER:
        if isinstance(rule.check, TogetherCheck):
            for grant, hit in rule.check.find(held, book.ground):
                level = weighed(rule, grant.where, hit)
                if level is not None:
                    yield from said_of(grant, rule, level, hit.says)
    by_place: dict[str, list[Grant]] = defaultdict(list)
    for grant in held:
        if grant.rules is not None:
            by_place[grant.namespace].append(grant)
    wide = by_place.pop("", [])
    if len(wide) > 1:
        yield from _combined(wide, [], Where(Scope.CLUSTER), book)
    for here in by_place.values():
        yield from _combined(wide, here, here[0].where._replace(readonly=False), book)


def _combined(wide: list[Grant], here: list[Grant], where: Where, book: Book) -> Iterator[Judged]:
    for one in book.together(_rules(wide), _rules(here), where):
        for grant in (*wide, *here):
            if not set(one.hit.rules).isdisjoint(grant.rules or ()):
                yield from said_of(grant, one.rule, one.level, f"{one.hit.says}, with other lines of access")


def _rules(grants: Iterable[Grant]) -> tuple[Rules, ...]:
    return tuple(grant.rules for grant in grants if grant.rules is not None)


def _told(rule: LintRule, told: Told) -> Judged:
    level = told.level or rule.levels.cluster or Level.INFO
    finding = _finding(rule, level, told.says, told.spot, "", told.object)
    return Judged(rule.id, finding, told.team, namespace=told.namespace)


def _finding(rule: LintRule, level: Level, says: str, spot: Spot, cluster: str, object_: str) -> Finding:
    return Finding(
        rule.id, level, says, rule.fix, spot.file, spot.path, spot.line, None, cluster or None, object_ or None
    )
