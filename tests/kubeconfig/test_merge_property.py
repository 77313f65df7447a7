"""Any kubeconfig that a YAML or JSON emitter can write keeps its bytes, and a second run changes nothing.

A tenth of IAMRBAC_FUZZ says how many, since each is parsed a dozen times.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.usecases.ports import Prune
from tests.kubeconfig.test_merge import DEVELOPMENT, STAGING, data, merge

EXAMPLES = max(15, int(os.environ.get("IAMRBAC_FUZZ", "0")) // 10)
SECTIONS = (("clusters", "cluster"), ("users", "user"), ("contexts", "context"))
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
VALUES = st.recursive(
    NAMES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
PINNED = replace(DEVELOPMENT, name="payments@development", pinned=True)


@st.composite
def kubeconfigs(draw: st.DrawFn) -> str:
    """Kubeconfigs in many styles, as emitters write them, with comments put in where the style has them."""
    value: dict[str, Any] = {}
    for section, inner in SECTIONS:
        if draw(st.booleans()):
            found = draw(st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=3), max_size=3))
            value[section] = [{"name": f"x{name}", inner: what} for name, what in found.items()]
    value |= draw(st.dictionaries(st.sampled_from(["kind", "preferences", "extra"]), VALUES, max_size=3))
    if draw(st.integers(0, 2)) == 0:
        indent = draw(st.sampled_from([None, 2, 4, "\t"]))
        text = json.dumps(value, indent=indent, ensure_ascii=draw(st.booleans()), sort_keys=draw(st.booleans()))
        text = text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
        return text + draw(st.sampled_from(["", "\n"]))
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


def is_subsequence(short: str, long: str) -> bool:
    rest = iter(long)
    return all(one in rest for one in short)


def is_json(text: str) -> bool:
    """Whether a reader of JSON alone takes it; YAML in flow style looks alike and has escapes of its own."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def parsed(text: str) -> Any:
    return data(text.replace("\t", " ") if text.startswith("{") else text) or {}


@settings(max_examples=EXAMPLES, deadline=None)
@given(text=kubeconfigs(), current=st.none() | st.just("staging"))
def test_any_kubeconfig_keeps_its_bytes(text: str, current: str | None) -> None:
    result = merge(text, [DEVELOPMENT, STAGING], current)
    before, after = parsed(text), parsed(result)
    for section, _ in SECTIONS:
        kept = before.get(section) or []
        assert after[section][: len(kept)] == kept
        assert [entry["name"] for entry in after[section][len(kept) :]] == ["development", "staging"]
    others = {"clusters", "users", "contexts", "current-context"}
    assert {k: v for k, v in before.items() if k not in others} == {
        k: v for k, v in after.items() if k not in others and k in before
    }
    assert merge(result, [DEVELOPMENT, STAGING], current) == result
    if is_json(text):
        assert is_json(result)
    if all(before.get(section) for section, _ in SECTIONS):
        # Nothing of it had to make room (an empty list has to), so every character is there, in its order.
        assert is_subsequence(text, result)


@settings(max_examples=EXAMPLES, deadline=None)
@given(text=kubeconfigs(), all_of_it=st.booleans())
def test_what_is_pruned_is_what_was_merged(text: str, all_of_it: bool) -> None:
    first = merge(text, [STAGING])
    more = merge(first, [STAGING, DEVELOPMENT, PINNED])
    wanted = [] if all_of_it else [STAGING]
    result = merge(more, wanted, prune=Prune("acme"))
    before = parsed(text)
    for section, _ in SECTIONS:
        assert parsed(result)[section] == [
            *(before.get(section) or []),
            *([] if all_of_it else parsed(first)[section][-1:]),
        ]
    if not all_of_it:
        # What came in went out again, to the last blank.
        assert result == first
    assert merge(result, wanted, prune=Prune("acme")) == result
    assert merge(more, [STAGING, DEVELOPMENT, PINNED], prune=Prune("acme")) == more
    assert merge(more, [], prune=Prune("other")) == more
