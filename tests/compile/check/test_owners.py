"""Who decides about a namespace: the index gives what going through all rules gives."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile.check.owners import Owners
from iamrbac.model.documents import NamespaceRule
from iamrbac.model.selection import consents, matches, reserved

HOME = "ab"
NAMES = ["".join(letters) for length in range(1, 5) for letters in product("ab", repeat=length)]
teams = st.sampled_from(["x", "y", "z"])
patterns = st.text("ab*?", min_size=1, max_size=4)
rules = st.lists(
    st.builds(
        lambda name, owner, accepts: NamespaceRule(name=name, owner=owner, accepts=tuple(accepts)),
        patterns,
        teams,
        st.lists(teams, max_size=1),
    ),
    max_size=5,
)


def deciding_rule(listed: list[NamespaceRule], name: str) -> NamespaceRule | None:
    return next((rule for rule in listed if matches(rule.name, name)), None)


@given(rules, st.sampled_from(NAMES))
def test_the_first_rule_that_matches_decides(listed: list[NamespaceRule], name: str) -> None:
    owners = Owners(listed, HOME)
    assert owners.of_name(name) == deciding_rule(listed, name)
    assert owners.of_name(name) == deciding_rule(listed, name)


@given(rules, patterns, teams)
def test_a_pattern_is_refused_where_a_name_of_it_is(listed: list[NamespaceRule], pattern: str, team: str) -> None:
    found = list(Owners(listed, HOME).of_pattern(pattern, team))
    for rule, name in found:
        assert matches(pattern, name)
        assert not reserved(name, HOME)
        assert deciding_rule(listed, name) == rule
        assert not consents(rule, team)
    refused = [name for name in NAMES if matches(pattern, name) and not reserved(name, HOME)]
    assert bool(found) or all(consents(deciding_rule(listed, name), team) for name in refused)


@given(rules)
def test_a_rule_that_is_never_reached_decides_about_nothing(listed: list[NamespaceRule]) -> None:
    hidden = {index: hiding for index, _, hiding in Owners(listed, HOME).unreachable()}
    for index, rule in enumerate(listed):
        decides = [
            name
            for name in NAMES
            if next((at for at, one in enumerate(listed) if matches(one.name, name)), None) == index
        ]
        if index in hidden:
            assert decides == []
            assert hidden[index] in listed[:index]
        elif any(matches(rule.name, name) for name in NAMES) and not decides:
            assert "*" in rule.name or "?" in rule.name  # other names are left to it


def test_an_example_from_the_catalogue_is_preferred() -> None:
    rule = NamespaceRule(name="pay*", owner="payments")
    assert list(Owners([rule], HOME).of_pattern("p*", "search")) == [(rule, "pay")]
    assert list(Owners([rule], HOME, ["search", "payroll", "payments"]).of_pattern("p*", "search")) == [
        (rule, "payments")
    ]
    assert list(Owners([rule], HOME, ["payments"]).of_pattern("p*", "payments")) == []


def test_patterns_never_reach_kube_nor_home() -> None:
    listed = [NamespaceRule(name="kube-*", owner="platform"), NamespaceRule(name="iamrbac-system", owner="platform")]
    assert list(Owners(listed, "iamrbac-system").of_pattern("*-system", "search")) == []
