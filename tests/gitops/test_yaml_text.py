from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.gitops.yaml_text import scalar, yaml_text

LOADERS = (yaml.SafeLoader, yaml.CSafeLoader)
# Texts that some YAML parser reads as something else when they are not quoted.
TRAPS = [
    "",
    " ",
    "yes",
    "No",
    "ON",
    "off",
    "true",
    "False",
    "null",
    "Null",
    "~",
    "y",
    "N",
    "1",
    "012",
    "0x1F",
    "1e3",
    "1_000",
    "12:30:45",
    "2026-06-01",
    ".inf",
    ".nan",
    "-",
    "- a",
    "?",
    "? a",
    ":",
    "a:",
    "a: b",
    "a #b",
    "#a",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "'",
    '"',
    "%a",
    "@a",
    "`a",
    "{a}",
    "[a]",
    ",",
    "<<",
    "=",
    "---",
    "...",
    "\t",
    "a\n",
    "\n",
    "a\\b",
    "\x00",
    "\x85",
    "\u2028",
    "\ufeff",
    "é",
    "日本",
    "😀",
    "iamrbac:acme:payments:developers",
    "a:b:",
    "nonResourceURLs",
    "/metrics*",
    "arn:aws:iam::111122223333:user/staff/alice",
    "arn:aws:sts::1:assumed-role/x/{{SessionName}}",
    "rbac.authorization.k8s.io",
]
texts = st.one_of(
    st.text(max_size=30), st.sampled_from(TRAPS), st.text(st.sampled_from("ab:.-_/@ #0yn~\n"), max_size=8)
)
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(texts, st.integers(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


@pytest.mark.parametrize("text", TRAPS)
def test_a_scalar_is_read_back_as_the_text_it_was(text: str) -> None:
    for loader in LOADERS:
        assert yaml.load(f"a: {scalar(text)}\n", loader) == {"a": text}


@given(values)
def test_whatever_is_written_is_read_back_equal(value: Any) -> None:
    text = yaml_text(value)
    assert text.endswith("\n")
    assert text.isascii()
    for loader in LOADERS:
        assert yaml.load(text, loader) == value


@given(values)
def test_indented_text_is_the_same_value_one_level_deeper(value: Any) -> None:
    text = "key:\n" + yaml_text(value, 2)
    for loader in LOADERS:
        assert yaml.load(text, loader) == {"key": value}


def test_the_layout_is_kubectls() -> None:
    value: dict[str, Any] = {
        "kind": "Role",
        "metadata": {"name": "a", "labels": {}},
        "rules": [{"apiGroups": ["", "apps"], "verbs": ["get"]}, [["x"], {}], "yes", 7, None, True],
        "subjects": [],
    }
    assert yaml_text(value) == (
        "kind: Role\n"
        "metadata:\n"
        "  name: a\n"
        "  labels: {}\n"
        "rules:\n"
        "- apiGroups:\n"
        '  - ""\n'
        "  - apps\n"
        "  verbs:\n"
        "  - get\n"
        "- - - x\n"
        "  - {}\n"
        '- "yes"\n'
        "- 7\n"
        "- null\n"
        "- true\n"
        "subjects: []\n"
    )
