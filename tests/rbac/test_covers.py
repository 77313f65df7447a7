from __future__ import annotations

import pytest
from hypothesis import given, settings

from iamrbac.rbac.covers import atoms, compact, uncovered
from iamrbac.rbac.match import allows
from iamrbac.rbac.objects import Rule
from tests.rbac import oracle
from tests.rbac.strategies import rule_lists, rules

Rules = tuple[Rule, ...]


def pods(*verbs: str, names: tuple[str, ...] = ()) -> Rule:
    return Rule(verbs, ("",), ("pods",), names)


def urls(*names: str) -> Rule:
    return Rule(("get",), non_resource_urls=names)


BOTH = Rule(("get",), ("",), ("x",), ("a",), ("/x",))
TABLE: list[tuple[str, Rules, Rules, Rules]] = [
    ("nothing covers nothing", (), (), ()),
    ("nothing covers no rule", (), (pods("get"),), (pods("get"),)),
    ("verbs are compared one by one", (pods("get"),), (pods("get", "list"),), (pods("list"),)),
    ("different atoms, different rules", (pods("get"), pods("list")), (pods("get", "list"),), ()),
    ("one atom needs one rule", (Rule(("*",), ("apps",), ("pods",)), pods("get")), (pods("list"),), (pods("list"),)),
    ("a star is covered by a star only", (pods("get", "list", "watch"),), (pods("*"),), (pods("*"),)),
    ("a star covers all", (Rule(("*",), ("*",), ("*",)),), (Rule(("*",), ("*",), ("*", "x/y")),), ()),
    ("*/*/* does not cover URLs", (Rule(("*",), ("*",), ("*",)),), (urls("/x"),), (urls("/x"),)),
    ("*/sub covers x/sub", (Rule(("get",), ("",), ("*/log",)),), (Rule(("get",), ("",), ("pods/log",)),), ()),
    ("*/sub does not cover x", (Rule(("get",), ("",), ("*/log",)),), (pods("get"),), (pods("get"),)),
    ("pods does not cover pods/log", (pods("get"),), (Rule(("get",), ("",), ("pods/log",)),),
     (Rule(("get",), ("",), ("pods/log",)),)),
    ("*/ is a letter and a letter", (Rule(("get",), ("",), ("*/",)),), (pods("get"),), (pods("get"),)),
    ("an invalid rule with names does not cover its own URLs", (BOTH,), (BOTH,), (urls("/x"),)),
    ("no name covers a name", (pods("get"),), (pods("get", names=("a",)),), ()),
    ("a name does not cover no name", (pods("get", names=("a",)),), (pods("get"),), (pods("get"),)),
    ("names one by one", (pods("get", names=("a",)),), (pods("get", names=("a", "b")),), (pods("get", names=("b",)),)),
    ("a star is no name", (pods("get", names=("*",)),), (pods("get", names=("a",)),), (pods("get", names=("a",)),)),
    ("URL prefix", (urls("/api*"),), (urls("/api", "/apis/*", "/healthz"),), (urls("/healthz"),)),
    ("URL owner with names", (BOTH,), (urls("/x"),), (urls("/x"),)),
    ("a rule without groups has no atoms", (), (Rule(("get",), (), ("pods",)),), ()),
]  # fmt: skip


@pytest.mark.parametrize(("owner", "servant", "missing"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_table(owner: Rules, servant: Rules, missing: Rules) -> None:
    assert uncovered(owner, servant) == missing


@settings(max_examples=300, deadline=None)
@given(rule_lists)
def test_reflexive(given_: Rules) -> None:
    assert uncovered(given_, given_) == ()


@settings(max_examples=300, deadline=None)
@given(rule_lists, rule_lists, rule_lists)
def test_transitive(a: Rules, b: Rules, c: Rules) -> None:
    if not uncovered(a, b) and not uncovered(b, c):
        assert uncovered(a, c) == ()


@settings(max_examples=300, deadline=None)
@given(rule_lists, rule_lists)
def test_covered_means_that_every_request_is_allowed(owner: Rules, servant: Rules) -> None:
    """Covers judges text, match judges requests: over names that nobody wrote the two say the same."""
    allowed = all(any(allows(rule, request) for rule in owner) for part in servant for request in oracle.sample(part))
    assert (uncovered(owner, servant) == ()) == allowed


@settings(max_examples=300, deadline=None)
@given(rule_lists, rule_lists)
def test_what_is_missing_is_what_has_to_be_added(owner: Rules, servant: Rules) -> None:
    missing = uncovered(owner, servant)
    assert uncovered((*owner, *missing), servant) == ()
    assert uncovered(servant, missing) == ()
    # Nothing in it is held already.
    for part in missing:
        for atom in atoms(part):
            assert uncovered(owner, compact([atom])) != ()


@settings(max_examples=300, deadline=None)
@given(rule_lists)
def test_compact_keeps_exactly_the_atoms(given_: Rules) -> None:
    pieces = [atom for rule in given_ for atom in atoms(rule)]
    small = compact(pieces)
    again = [atom for rule in small for atom in atoms(rule)]
    assert sorted(map(repr, again)) == sorted(map(repr, set(pieces)))
    assert len(small) <= len(set(pieces))


@given(rules)
def test_a_rule_compacts_to_itself(rule: Rule) -> None:
    assert len(compact(atoms(rule))) == 1


def test_compacted_rules_are_few() -> None:
    read = ("get", "list", "watch")
    given_ = (
        Rule(read, ("apps", "extensions"), ("deployments", "daemonsets")),
        Rule(("get",), ("",), ("pods",), ("a", "b")),
        Rule(("get",), non_resource_urls=("/x", "/y")),
    )
    assert uncovered((), given_) == given_
