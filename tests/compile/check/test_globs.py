"""What patterns have in common: compared with trying every short name."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile.globs import MAX_NAME, example, literal_prefix
from iamrbac.model.selection import matches

NAMES = ["".join(letters) for length in range(1, 6) for letters in product("ab-", repeat=length)]
LABELS = [name for name in NAMES if not name.startswith("-") and not name.endswith("-")]
patterns = st.text("ab-*?", min_size=1, max_size=4)


@given(st.lists(patterns, min_size=1, max_size=3), st.lists(patterns, max_size=3))
def test_an_example_is_a_name_inside_and_not_outside(inside: list[str], outside: list[str]) -> None:
    name = example(tuple(inside), tuple(outside))
    found = [
        one
        for one in LABELS
        if all(matches(pattern, one) for pattern in inside) and not any(matches(pattern, one) for pattern in outside)
    ]
    if name is None:
        assert found == []
        return
    assert all(matches(pattern, name) for pattern in inside)
    assert not any(matches(pattern, name) for pattern in outside)
    assert not name.startswith("-")
    assert not name.endswith("-")
    assert not found or len(name) <= len(found[0])


def test_examples() -> None:
    assert example(("payments-*", "*-batch"), ()) == "payments-batch"
    assert example(("payments", "pay*"), ()) == "payments"
    assert example(("*-system",), ("kube-*", "iamrbac-system")) == "a-system"
    assert example(("kube-*",), ("kube-*",)) is None
    assert example(("a*",), ("a*b", "*")) is None
    assert example(("a" * 63,), ()) == "a" * 63


def test_names_longer_than_a_namespace_may_be_are_none() -> None:
    assert example(("?" * MAX_NAME,), ()) is not None
    assert example(("?" * (MAX_NAME + 1),), ()) is None


def test_giving_up_means_they_may() -> None:
    many = tuple(f"*{letter}{'?' * number}*" for number, letter in enumerate("abcdefghijklmnopqr"))
    assert example(many, ("x*",)) in {many[0], example(many, ())}


@given(patterns)
def test_every_match_begins_with_the_literal_prefix(pattern: str) -> None:
    prefix = literal_prefix(pattern)
    assert pattern.startswith(prefix)
    assert all(name.startswith(prefix) for name in NAMES if matches(pattern, name))
