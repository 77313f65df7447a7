from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.rbac.aggregate import aggregate, selects
from iamrbac.rbac.covers import atoms, uncovered
from iamrbac.rbac.objects import Requirement, Role, Rule, Selector
from iamrbac.rbac.wire import role_from_json


def rule(name: str) -> Rule:
    return Rule(("get",), ("",), (name,))


def role(name: str, *rules: Rule, labels: dict[str, str] | None = None, **match: str) -> Role:
    aggregation = (Selector(tuple(match.items())),) if match else ()
    return Role("ClusterRole", None, name, rules, aggregation, labels or {})


def filled(*roles: Role) -> dict[str, list[str]]:
    return {one.name: [part.resources[0] for part in one.rules] for one in aggregate(roles)}


def test_chains_settle_whatever_the_order() -> None:
    roles = [
        role("admin", to="admin"),
        role("edit", to="edit", labels={"to": "admin"}),
        role("view", to="view", labels={"to": "edit"}),
        role("v", rule("v"), labels={"to": "view"}),
        role("e", rule("e"), rule("v"), labels={"to": "edit"}),
    ]
    expected = {"admin": ["e", "v"], "edit": ["e", "v"], "view": ["v"], "v": ["v"], "e": ["e", "v"]}
    assert filled(*roles) == expected
    assert filled(*reversed(roles)) == expected


def test_rules_are_gathered_in_the_order_of_names_selector_by_selector_each_once() -> None:
    both = Role("ClusterRole", None, "all", (), (Selector((("to", "y"),)), Selector((("to", "x"),))), {})
    assert filled(
        role("b", rule("1"), rule("2"), labels={"to": "x"}),
        role("a", rule("2"), rule("3"), labels={"to": "x"}),
        role("z", rule("4"), labels={"to": "y"}),
        both,
    )["all"] == ["4", "2", "3", "1"]


def test_own_rules_are_overwritten_and_itself_is_skipped() -> None:
    assert filled(role("all", rule("old"), to="x", labels={"to": "x"}), role("p", rule("new"), labels={"to": "x"})) == {
        "all": ["new"],
        "p": ["new"],
    }


def test_own_rules_stay_where_nothing_is_gathered() -> None:
    assert filled(role("all", rule("own"), to="nobody")) == {"all": ["own"]}


def test_own_rules_stay_where_what_is_gathered_stays_empty() -> None:
    empty = role("empty", to="nobody", labels={"to": "x"})
    assert filled(role("all", rule("own"), to="x"), empty) == {"all": ["own"], "empty": []}
    between = role("between", to="y", labels={"to": "x"})
    full = role("full", rule("full"), to="nobody", labels={"to": "y"})
    assert filled(role("all", rule("own"), to="x"), between, full) == {
        "all": ["full"],
        "between": ["full"],
        "full": ["full"],
    }
    assert filled(role("all", rule("own"), to="x"), role("p", labels={"to": "x"})) == {"all": ["own"], "p": []}
    assert filled(role("outer", rule("old"), to="a"), role("inner", rule("own"), to="nobody", labels={"to": "a"})) == {
        "outer": ["own"],
        "inner": ["own"],
    }
    diamond = [
        role("a", rule("old"), to="a"),
        role("b", rule("old"), to="b", labels={"to": "a"}),
        role("c", rule("old"), to="b", labels={"to": "a"}),
        role("p", rule("p"), labels={"to": "b"}),
    ]
    assert filled(*diamond) == {"a": ["p"], "b": ["p"], "c": ["p"], "p": ["p"]}


def test_a_circle_ends_and_keeps_nothing_alive() -> None:
    assert filled(
        role("a", rule("stale"), to="a", labels={"to": "b"}),
        role("b", rule("stale"), to="b", labels={"to": "a"}),
        role("p", rule("p"), labels={"to": "a"}),
    ) == {"a": ["p"], "b": ["p"], "p": ["p"]}


def test_an_empty_selector_selects_all_cluster_roles_but_no_roles() -> None:
    everything = Role("ClusterRole", None, "all", (), (Selector(),))
    local = Role("Role", "blue", "local", (rule("local"),))
    assert aggregate([everything, role("p", rule("p")), local]) == (
        Role("ClusterRole", None, "all", (rule("p"),), (Selector(),)),
        role("p", rule("p")),
        local,
    )


@pytest.mark.parametrize(
    ("term", "labels", "expected"),
    [
        (Requirement("k", "In", ("a", "b")), {"k": "a"}, True),
        (Requirement("k", "In", ("a", "b")), {"k": "c"}, False),
        (Requirement("k", "In", ("a",)), {}, False),
        (Requirement("k", "NotIn", ("a",)), {"k": "a"}, False),
        (Requirement("k", "NotIn", ("a",)), {"k": "b"}, True),
        (Requirement("k", "NotIn", ("a",)), {}, True),
        (Requirement("k", "Exists"), {"k": ""}, True),
        (Requirement("k", "Exists"), {}, False),
        (Requirement("k", "DoesNotExist"), {}, True),
        (Requirement("k", "DoesNotExist"), {"k": "a"}, False),
    ],
)
def test_match_expressions(term: Requirement, labels: dict[str, str], expected: bool) -> None:
    assert selects(Selector((), (term,)), labels) is expected


def test_all_terms_of_a_selector_must_hold() -> None:
    selector = Selector((("a", "1"), ("b", "2")), (Requirement("c", "Exists"),))
    assert selects(selector, {"a": "1", "b": "2", "c": ""})
    assert not selects(selector, {"a": "1", "b": "2"})
    assert not selects(selector, {"a": "1", "b": "3", "c": ""})
    assert selects(Selector(), {})


LABELS = ("x", "y", "z")


@st.composite
def role_sets(draw: st.DrawFn) -> list[Role]:
    roles = []
    for number in range(draw(st.integers(1, 6))):
        own = dict.fromkeys(draw(st.sets(st.sampled_from(LABELS), max_size=2)), "1")
        gathers = draw(st.lists(st.sampled_from(LABELS), max_size=2))
        rules = draw(st.lists(st.sampled_from("abcd"), max_size=2).map(lambda names: [rule(name) for name in names]))
        selectors = tuple(Selector(((key, "1"),)) for key in gathers)
        roles.append(Role("ClusterRole", None, f"r{number}", tuple(rules), selectors, own))
    return roles


@settings(max_examples=200, deadline=None)
@given(role_sets())
def test_the_result_is_where_the_controller_stops(roles: list[Role]) -> None:
    done = {one.name: one for one in aggregate(roles)}
    for one in done.values():
        if one.aggregation:
            selected = [
                other
                for selector in one.aggregation
                for other in done.values()
                if other.name != one.name and selects(selector, other.labels)
            ]
            gathered = {part for other in selected for part in other.rules}
            own = next(role.rules for role in roles if role.name == one.name)
            # Own rules stay where nothing comes, except in a circle.
            assert set(one.rules) == gathered or (not gathered and one.rules == own)
            assert len(set(one.rules)) == len(one.rules) or one.rules == own
    assert aggregate(done.values()) == tuple(done.values())


def test_built_in_roles_have_the_documented_sizes() -> None:
    """view has 11 rules and 177 atoms at Kubernetes 1.34; edit covers view, admin covers edit."""
    path = Path(__file__).parent.parent / "access" / "builtin_roles.json"
    roles = {one.name: one for one in aggregate(role_from_json(item) for item in json.loads(path.read_text()))}
    view, edit, admin = roles["view"].rules, roles["edit"].rules, roles["admin"].rules
    assert (len(view), len({atom for one in view for atom in atoms(one)})) == (11, 177)
    assert uncovered(edit, view) == ()
    assert uncovered(admin, edit) == ()
    assert uncovered(view, edit) != ()
    assert uncovered(edit, admin) != ()
