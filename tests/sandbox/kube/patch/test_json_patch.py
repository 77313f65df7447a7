"""JSON patch: RFC 6902's examples, and that applying one never changes its input."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.sandbox.kube.patch.json_patch import MAX_OPERATIONS, json_patch
from iamrbac.sandbox.kube.status import StatusError


@pytest.mark.parametrize(
    ("target", "operation", "expected"),
    [
        ({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux"}, {"baz": "qux", "foo": "bar"}),
        ({"foo": ["a", "b"]}, {"op": "add", "path": "/foo/1", "value": "x"}, {"foo": ["a", "x", "b"]}),
        ({"foo": ["a"]}, {"op": "add", "path": "/foo/-", "value": ["x"]}, {"foo": ["a", ["x"]]}),
        ({"foo": ["a"]}, {"op": "add", "path": "/foo/1", "value": "x"}, {"foo": ["a", "x"]}),
        ({"baz": 1, "foo": 2}, {"op": "remove", "path": "/baz"}, {"foo": 2}),
        ({"foo": [1, 2, 3]}, {"op": "remove", "path": "/foo/1"}, {"foo": [1, 3]}),
        ({"baz": 1}, {"op": "replace", "path": "/baz", "value": 2}, {"baz": 2}),
        ({"a": {"b": 1}, "c": {}}, {"op": "move", "from": "/a/b", "path": "/c/d"}, {"a": {}, "c": {"d": 1}}),
        ({"foo": [1, 2, 3]}, {"op": "move", "from": "/foo/0", "path": "/foo/2"}, {"foo": [2, 3, 1]}),
        ({"a": [1]}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": [1], "b": [1]}),
        ({"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": 10}, {"/": 9, "~1": 10}),
        ({"a": 1}, {"op": "add", "path": "/b", "value": None}, {"a": 1, "b": None}),
        ({"a": 1}, {"op": "test", "path": "/b", "value": None}, {"a": 1}),
        ({"a": 1}, {"op": "replace", "path": "/nope", "value": 2}, {"a": 1, "nope": 2}),
        ({"a": 1}, {"op": "add", "path": "x/b", "value": 2}, {"a": 1, "b": 2}),
    ],
)
def test_examples(target: Any, operation: dict[str, Any], expected: Any) -> None:
    assert json_patch(target, [operation]) == expected


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/foo/9", "value": 1},
        {"op": "add", "path": "/foo/x", "value": 1},
        {"op": "add", "path": "/a/b/c", "value": 1},
        {"op": "add", "path": "/a"},
        {"op": "remove", "path": ""},
        {"op": "remove", "path": "/foo/9"},
        {"op": "replace", "path": "/foo/9", "value": 1},
        {"op": "replace", "path": "/nope/deeper", "value": 1},
        {"op": "add", "path": "", "value": {"b": 2}},
        {"op": "add", "path": "foo", "value": 1},
        {"op": "move", "path": "/a", "from": "/nope"},
        {"op": "copy", "path": "/a"},
        {"op": "test", "path": "/foo/0", "value": True},
        {"op": "test", "path": "/foo", "value": [1]},
        {"op": "nope", "path": "/a"},
        {"path": "/a"},
        {"op": "add", "value": 1},
    ],
)
def test_what_does_not_apply(operation: dict[str, Any]) -> None:
    with pytest.raises(StatusError) as refused:
        json_patch({"foo": [1, 2], "s": "text"}, [operation])
    assert refused.value.code == 422


def test_what_is_no_patch() -> None:
    values: list[Any] = [{}, [1], None]
    for value in values:
        with pytest.raises(StatusError) as refused:
            json_patch({}, value)
        assert refused.value.code == 400
    with pytest.raises(StatusError) as refused:
        json_patch({}, [{"op": "test", "path": ""}] * (MAX_OPERATIONS + 1))
    assert refused.value.code == 413


PATHS = st.sampled_from(["", "/a", "/b", "/a/0", "/a/-", "/a/b", "/b/c/d", "/~1x", "a"])
OPERATIONS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": PATHS},
    optional={"from": PATHS, "value": st.one_of(st.none(), st.integers(), st.just({"c": {}}), st.just([1, 2]))},
)


@given(st.lists(OPERATIONS, max_size=5))
def test_all_or_nothing(operations: list[dict[str, Any]]) -> None:
    target = {"a": [1, {"b": 2}], "b": {"c": {"d": 1}}, "/x": 1}
    before = copy.deepcopy(target)
    try:
        json_patch(target, operations)
    except StatusError as refused:
        assert refused.code == 422
    assert target == before
