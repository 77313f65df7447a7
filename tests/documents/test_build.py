"""YAML text becomes plain values as PyYAML reads them, or problems with their place; never an exception."""

from __future__ import annotations

from time import perf_counter

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.documents.build import MAX_DEPTH, MAX_PROBLEMS, MAX_VALUES, Builder
from iamrbac.documents.problem import Problem
from iamrbac.documents.scalars import Disputed, resolve
from iamrbac.model.hidden import hidden

characters = st.characters(
    codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn"], exclude_characters="\u2028\u2029"
)
# PyYAML writes 08 without quotes, which not all readers read as text.
texts = st.text(characters, max_size=12).filter(
    lambda text: not isinstance(resolve(text), Disputed) and not list(hidden(text))
)
scalars = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=20
)


def build(text: str | bytes) -> tuple[object, tuple[Problem, ...]]:
    return Builder().build(text.encode() if isinstance(text, str) else text)


def told(text: str | bytes) -> list[tuple[str, int | None, int | None]]:
    return [(problem.id, problem.line, problem.column) for problem in build(text)[1]]


@given(st.dictionaries(texts, values, max_size=4), st.booleans())
def test_what_was_dumped_is_read_back(value: dict[str, object], flow: bool) -> None:
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=flow)
    assert build(text) == (value, ())


@given(values)
def test_values_are_those_of_pyyaml(value: object) -> None:
    text = yaml.dump({"a": value, "b": [value, value]}, Dumper=yaml.SafeDumper, allow_unicode=True)
    assert build(text) == (yaml.load(text, Loader=yaml.CSafeLoader), ())


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(max_examples=300)
def test_any_bytes_give_a_value_or_problems(data: bytes) -> None:
    value, problems = build(data)
    assert value is not None or problems


@given(
    st.lists(
        st.sampled_from([*"[]{}:,-?&*!|>'\"%@`#ab1 \n\t<~", "<<: ", "- ", ": ", "\n  ", "---\n", "&a ", "*a "]),
        max_size=40,
    )
)
@settings(max_examples=500)
def test_any_yaml_like_text_gives_a_value_or_problems(parts: list[str]) -> None:
    text = "".join(parts)
    value, problems = build(text)
    assert value is not None or problems
    assert all(problem.message and problem.hint for problem in problems)
    if not problems and "<<" not in text:
        assert value == yaml.load(text, Loader=yaml.CSafeLoader)


def test_one_builder_reads_many_files_alike() -> None:
    builder = Builder()
    assert [builder.build(b"a: no")[0], builder.build(b'a: "no"')[0], builder.build(b"a: no")[0]] == [
        {"a": False},
        {"a": "no"},
        {"a": False},
    ]


def test_a_duplicate_key_tells_both_places() -> None:
    _, problems = build("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert [(one.line, one.column, one.message) for one in problems] == [
        (2, 11, "the key c is here for the second time: first in line 2, column 5"),
        (3, 1, "the key a is here for the second time: first in line 1, column 1"),
    ]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("no: 1", "the key no is a boolean in YAML, and a key is a text", 'quote it: "no"'),
        ("12: 1", "the key 12 is a number in YAML, and a key is a text", 'quote it: "12"'),
        ("~: 1", "the key ~ is nothing (null) in YAML, and a key is a text", 'quote it: "~"'),
        ("? [a]\n: 1", "a key is a text, and this is none", "write a text before the colon"),
        ("?\n: 1", "a key is a text, and this is none", "write a text before the colon"),
    ],
)
def test_a_key_that_is_no_text(text: str, message: str, hint: str) -> None:
    (problem,) = build(text)[1]
    assert (problem.id, problem.message, problem.hint) == ("DOC006", message, hint)


def test_a_disputed_number_is_shown_as_written() -> None:
    (problem,) = build("account: 012345678901")[1]
    assert problem == Problem(
        "DOC007",
        "012345678901 is a number to some readers of YAML, and another number or a text to others",
        'write "012345678901" if it is a text, or a plain decimal number',
        1,
        10,
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [("DOC010", 1, 1)]),
        ("# only a comment\n", [("DOC010", 1, 1)]),
        ("---\n...\n", [("DOC010", 1, 1)]),
        ("null", [("DOC010", 1, 1)]),
        ("a: 1\n---\nb: 1\n", [("DOC004", 2, 1)]),
        ("a: 1\n---\n", [("DOC004", 2, 1)]),
        ("a: !!python/object:os.system {}", [("DOC008", 1, 4)]),
        ("a: !Ref b\nc: !!int '3'", [("DOC008", 1, 4), ("DOC008", 2, 4)]),
        ("a:\n\tb: 1", [("DOC003", 2, 1)]),
        ("a: [*]", [("DOC003", 1, 6)]),
        ("a: [*-prod]", [("DOC011", 1, 5)]),
        ("a: &x [1, *x]", [("DOC011", 1, 11)]),
        ("a: @b", [("DOC003", 1, 4)]),
        ("a: {b: 1", [("DOC003", 2, 1)]),
        ("a: b: c", [("DOC003", 1, 5)]),
        ("a: 1\na: 2\n b: 3", [("DOC005", 2, 1), ("DOC003", 3, 3)]),
        (b"a: b\n\xff", [("DOC003", None, None)]),
        (b"a: b\x00", [("DOC002", 1, 5)]),
        ("a: b\r\nc: \x07", [("DOC002", 2, 4)]),
    ],
)
def test_broken_text_has_its_place(text: str | bytes, found: list[tuple[str, int | None, int | None]]) -> None:
    assert told(text) == found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: !!str 12", {"a": "12"}),
        ("a: !!map {b: !!seq [1]}", {"a": {"b": [1]}}),
        ('"<<": {a: 1}', {"<<": {"a": 1}}),
        ("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}", {"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 3}}),
        ("a: {q: 3, <<: [{q: 1, r: 1}, {r: 2, s: 2}]}", {"a": {"q": 3, "r": 1, "s": 2}}),
        ("a: &x {p: {<<: {z: 1}}, <<: {y: 2}}\nb: *x", {"a": {"p": {"z": 1}, "y": 2}, "b": {"p": {"z": 1}, "y": 2}}),
        ("- &a b\n- *a", ["b", "b"]),
        ("when: 2026-12-24T18:00:00Z", {"when": "2026-12-24T18:00:00Z"}),
    ],
)
def test_tags_merges_and_aliases_that_mean_something(text: str, value: object) -> None:
    assert build(text) == (value, ())


def test_merging_what_is_no_mapping_is_a_problem() -> None:
    assert told("a: {<<: 1}") == [("DOC006", 1, 9)]
    assert told("a: {<<: [{}, b]}")[0][0] == "DOC006"


def test_aliases_that_explode_are_counted() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (problem,) = build("\n".join(lines))[1]
    assert (problem.id, problem.message) == ("DOC009", f"the file holds more than {MAX_VALUES:,} values")


def test_aliases_that_nest_are_measured() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, MAX_DEPTH + 5))]
    (problem,) = build("\n".join(lines))[1]
    assert (problem.id, problem.line) == ("DOC009", MAX_DEPTH)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_before_it_hurts(opening: str) -> None:
    (problem,) = build(opening * 200_000)[1]
    assert (problem.id, problem.message) == ("DOC009", f"this is nested deeper than {MAX_DEPTH} levels")


def test_as_deep_as_allowed_is_read() -> None:
    value, problems = build("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert problems == ()
    assert value is not None


def test_one_mistake_many_times_is_cut_short() -> None:
    value, problems = build("k: 1\n" * 1000)
    assert value is None
    assert [problem.id for problem in problems] == ["DOC005"] * MAX_PROBLEMS + ["DOC012"]


@pytest.mark.parametrize(
    "long", ["1:0" * 9_000, "1_1" * 9_000 + "x", "1" * 30_000, "0x" + "f" * 30_000, "&" + "a" * 30_000]
)
@pytest.mark.parametrize("text", ["- {}", "{}: 1\n{}: 2", "a: !{} b", "a: *{}"])
def test_no_message_is_longer_than_a_line(text: str, long: str) -> None:
    for problem in build(text.replace("{}", long))[1]:
        assert len(problem.message) < 250
        assert len(problem.hint) < 250


@pytest.mark.parametrize(
    "text", ["- 1" + "_1" * 400_000 + "x", "- " + "1:0" * 300_000 + "x", "[" + "a," * 500_000, "- " * 500_000]
)
def test_hostile_text_is_read_in_linear_time(text: str) -> None:
    began = perf_counter()
    build(text)
    # Quadratic would be many minutes.
    assert perf_counter() - began < 60
