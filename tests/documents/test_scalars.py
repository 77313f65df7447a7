"""Plain scalars: where YAML 1.1 and 1.2 agree they are what both say, where they do not somebody is asked."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.documents.scalars import DISPUTED, Disputed, resolve


@pytest.mark.parametrize("text", ["yes", "Yes", "YES", "on", "true", "True"])
def test_words_of_yes_are_true(text: str) -> None:
    assert resolve(text) is True


@pytest.mark.parametrize("text", ["no", "No", "NO", "off", "false", "FALSE"])
def test_words_of_no_are_false(text: str) -> None:
    assert resolve(text) is False


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_words_of_nothing_are_none(text: str) -> None:
    assert resolve(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-7", -7), ("+3", 3), ("222233334444", 222233334444), ("0.5", 0.5), ("-1.5e+3", -1500.0)],
)
def test_numbers_that_all_agree_on(text: str, value: float) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        *("012345678901", "012", "0o17", "0x1F", "0b11", "1_000", "1:20", "12:30:45", "1e3", "1.", ".5", "1.5e3"),
        *(".inf", "-.INF", ".nan", "9" * 19, "0.1_0", "190:20:30.15", "1" + "0" * 400 + ".0e+300"),
    ],
)
def test_numbers_that_readers_do_not_agree_on_are_disputed(text: str) -> None:
    assert resolve(text) is DISPUTED


@pytest.mark.parametrize(
    "text",
    [
        *("2026-12-24T18:00:00Z", "2026-12-24", "y", "n", "nO", "tRue", "1.2.3", "10.0.0.1", "1-2", "-", "+", ".", "="),
        *("0x", "e3", "12px", "1:99", "arn:aws:iam::111122223333:user/a", "payments-*", "yes!", "nullify"),
    ],
)
def test_all_else_is_text_timestamps_too(text: str) -> None:
    assert resolve(text) == text


@given(st.from_regex(r"[-+.0-9eExXo_:abinfINFnaN]{1,12}", fullmatch=True) | st.text(max_size=8))
def test_what_is_not_disputed_is_what_pyyaml_says_or_text(text: str) -> None:
    value = resolve(text)
    if isinstance(value, Disputed):
        return
    loader: Any = yaml.SafeLoader("")
    said = loader.resolve(yaml.ScalarNode, text, (True, False))
    kinds = {bool: "bool", int: "int", float: "float", type(None): "null"}
    if type(value) in kinds:
        assert said == f"tag:yaml.org,2002:{kinds[type(value)]}"
    else:
        assert value == text
        # PyYAML has a tag for the indicators ! & * too, which no plain scalar can begin with.
        assert said in {f"tag:yaml.org,2002:{kind}" for kind in ("str", "timestamp", "value", "merge", "yaml")}
