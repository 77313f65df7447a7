"""Files of a delivery repository as values, by strict rules, and what is wrong with them and where."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.documents.delivered import DeliveredFiles

_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(_JSON)
def test_json_is_what_it_says(value: Any) -> None:
    assert DeliveredFiles().value("a.tf.json", json.dumps(value).encode()) == value


def test_yaml_is_what_it_says() -> None:
    assert DeliveredFiles().value("a.yaml", b"\xef\xbb\xbfkind: Role\nrules:\n  - verbs: ['*']\n") == {
        "kind": "Role",
        "rules": [{"verbs": ["*"]}],
    }


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("a.json", b'{\n "a": 1,\n "a": 2}', "a.json:3:2: the key a is here for the second time: first in line 2"),
        ("a.json", b'{"a": NaN}', "a.json:1:1: NaN is no JSON"),
        ("a.json", b'{"a": -Infinity}', "a.json:1:1: -Infinity is no JSON"),
        ("a.json", b'{"a": 1,\n}', "a.json:2:1: this is not JSON: Expecting property name"),
        ("a.json", b"", "a.json:1:1: this is not JSON: Expecting value"),
        ("a.json", b'{"a": 1} x', "a.json:1:10: this is not JSON: Extra data"),
        ("a.json", b"[" * 100_000, "a.json:1:1: it is nested too deeply"),
        ("a.json", b"1" * 10_000, "a.json:1:1: Exceeds the limit"),
        ("a.json", b'"\n\xff"', "a.json:2:1: it is not UTF-8"),
        ("a.yaml", b"a: 1\nb: \xff", "a.yaml:2:4: it is not UTF-8"),
        ("a.yaml", b"a: 1\na: 2", "a.yaml:2:1: the key a is here for the second time"),
        ("a.yaml", b"a: 1\n---\nb: 2", "a.yaml:2:1: a second document begins here"),
        ("a.yaml", b"a: {{ .Values.x }}", "a.yaml:1:17: a key is a text"),
        ("a.yaml", b"", "a.yaml:1:1: the file is empty"),
    ],
)
def test_what_is_wrong_and_where(file: str, content: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=r":\d+:\d+: ") as caught:
        DeliveredFiles().value(file, content)
    assert str(caught.value).startswith(told), str(caught.value)


@given(st.binary(max_size=60))
def test_rubbish_is_a_value_error_or_a_value(content: bytes) -> None:
    for file in ("a.json", "a.yaml"):
        try:
            DeliveredFiles().value(file, content)
        except ValueError as error:
            assert str(error).startswith(f"{file}:")
