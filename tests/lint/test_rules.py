"""Each rule finds its bad example, with nothing else that it does not own up to, and leaves its good one alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iamrbac.lint.rule import LOWER, LintRule
from iamrbac.lint.rules import BY_ID, RULES
from tests.lint.examples import lint


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_bad_example_gives_its_rule(rule: LintRule, tmp_path: Path) -> None:
    found = lint(tmp_path, rule.bad)
    assert {one.id for one in found} == {rule.id, *rule.also}, [one.message for one in found]
    levels = {level for level in rule.levels if level is not None}
    own = {one.level for one in found if one.id == rule.id}
    assert own <= levels | {LOWER[level] for level in levels}
    assert all(one.file is not None and one.line is not None for one in found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_good_example_does_not(rule: LintRule, tmp_path: Path) -> None:
    assert rule.id not in {one.id for one in lint(tmp_path, rule.good)}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_why_and_what_to_do(rule: LintRule) -> None:
    assert re.fullmatch(r"IAM[0-9]{3}", rule.id)
    assert rule.title == rule.title.strip(".")
    assert rule.why.endswith(".")
    assert rule.fix.endswith(".")
    assert rule.references
    assert {*rule.unless, *rule.also} <= {*BY_ID, "*"}


def test_no_id_is_given_twice() -> None:
    assert len(BY_ID) == len(RULES)
