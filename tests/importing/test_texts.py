"""Files of a proposal, byte by byte where YAML or the template engine could read something else."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.importing.texts import template_text
from iamrbac.rbac.objects import Rule
from iamrbac.roles.engine import Compiled
from iamrbac.roles.rules import parse

_texts = st.text(st.sampled_from("a{}%#:, \"'*[]\\-\n\té"), min_size=1, max_size=8)
_lists = st.lists(_texts, min_size=1, max_size=3).map(tuple)
_rules = st.one_of(
    st.builds(Rule, _lists, _lists, _lists, st.one_of(st.just(()), _lists)),
    st.builds(Rule, _lists, non_resource_urls=_lists),
)


@given(st.lists(_rules, max_size=3).map(tuple))
def test_any_rule_comes_back(rules: tuple[Rule, ...]) -> None:
    text = template_text("some", rules)
    assert parse(Compiled(text, "some").render("one", {}, {})) == rules


def test_a_template_reads_as_people_write_it() -> None:
    rules = (Rule(("get", "list"), ("", "apps"), ("pods",), ("a",)), Rule(("get",), non_resource_urls=("/metrics",)))
    assert template_text("looks", rules) == (
        "{#\n  looks: imported by iamrbac import.\n#}\n"
        "rules:\n"
        '  - apiGroups: ["", apps]\n    resources: [pods]\n    resourceNames: [a]\n    verbs: [get, list]\n'
        '  - nonResourceURLs: ["/metrics"]\n    verbs: [get]\n'
    )
    assert yaml.safe_load(template_text("none", ()).split("#}\n")[1]) == {"rules": []}
