"""Any kubeconfig that a YAML emitter can write keeps its values, and a second run changes nothing."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kubeconfig.test_merge import DEVELOPMENT, STAGING, data, merge

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
VALUES = st.recursive(
    NAMES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)


@st.composite
def kubeconfigs(draw: st.DrawFn) -> str:
    """Kubeconfigs in many styles, as a YAML emitter writes them, with comments put in."""
    value: dict[str, Any] = {}
    for section, inner in (("clusters", "cluster"), ("users", "user"), ("contexts", "context")):
        if draw(st.booleans()):
            found = draw(st.lists(st.tuples(NAMES, st.dictionaries(NAMES, VALUES, max_size=3)), max_size=3))
            value[section] = [{"name": f"x{name}", inner: what} for name, what in found]
    value |= draw(st.dictionaries(st.sampled_from(["kind", "preferences", "extra"]), VALUES, max_size=3))
    text = yaml.safe_dump(
        value,
        default_flow_style=draw(st.sampled_from([None, True, False])),
        default_style=draw(st.sampled_from([None, '"', "'"])),
        indent=draw(st.integers(2, 4)),
        width=draw(st.sampled_from([20, 80, 10**6])),
        allow_unicode=draw(st.booleans()),
        explicit_start=draw(st.booleans()),
        line_break=draw(st.sampled_from(["\n", "\r\n"])),
        sort_keys=draw(st.booleans()),
    )
    return text if draw(st.booleans()) else f"# first\n{text}# last"


@settings(max_examples=80, deadline=None)
@given(text=kubeconfigs(), current=st.none() | st.just("staging"))
def test_any_kubeconfig_keeps_its_values_and_its_lines(text: str, current: str | None) -> None:
    result = merge(text, [DEVELOPMENT, STAGING], current)
    before, after = data(text) or {}, data(result)
    for section in ("clusters", "users", "contexts"):
        kept = before.get(section) or []
        assert after[section][: len(kept)] == kept
        assert [entry["name"] for entry in after[section][len(kept) :]] == ["development", "staging"]
    others = {"clusters", "users", "contexts", "current-context"}
    assert {k: v for k, v in before.items() if k not in others} == {
        k: v for k, v in after.items() if k not in others and k in before
    }
    assert merge(result, [DEVELOPMENT, STAGING], current) == result
