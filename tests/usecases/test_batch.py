"""Lines of questions: each is answered, whatever the others are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.usecases.batch import answer_lines
from tests.access.company import ANN, BOB, judge
from tests.cli.shapes import check


def answers(*lines: bytes | dict[str, Any]) -> list[dict[str, Any]]:
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return list(answer_lines(judge(), "acme", raw))


def answer(**question: Any) -> tuple[bool | None, str | None]:
    (said,) = answers({"verb": "get", **question})
    return said["allowed"], said["error"]


PODS = {"resource": "pods", "namespace": "blue"}


@pytest.mark.parametrize(
    ("question", "allowed"),
    [
        ({"principal": "ann", **PODS}, True),
        ({"principal": ANN, **PODS, "subresource": "log"}, True),
        ({"principal": "ann", **PODS, "subresource": "exec"}, False),
        ({"user": "x", "groups": ["dev"], **PODS}, True),
        ({"groups": ["dev"], **PODS}, True),
        ({"user": "ann", "groups": None, **PODS}, False),
        ({"user": "x", "path": "/healthz"}, True),
        ({"user": "x", "path": "/metrics"}, False),
        ({"user": "system:serviceaccount:mon:prometheus", "path": "/metrics"}, True),
        # By an access policy, which is an entry's and not a username's alone.
        ({"user": "ann", "resource": "services", "namespace": "green"}, True),
        ({"principal": "ann", "resource": "configmaps", "name": "web", "namespace": "blue"}, True),
        ({"principal": "ann", "resource": "configmaps", "name": "db", "namespace": "blue"}, False),
        ({"principal": "ann", "resource": "deployments", "apiGroup": "apps", "namespace": "greenhouse"}, True),
        ({"principal": "ann", "resource": "deployments", "apiGroup": "", "namespace": "greenhouse"}, False),
        ({"principal": "ann", "resource": None, "path": "/healthz", "namespace": None}, True),
        ({"principal": "team:payments/oncall", "verb": "delete", **PODS}, True),
    ],
)
def test_questions(question: dict[str, Any], allowed: bool) -> None:
    assert answer(**question) == (allowed, None)


@pytest.mark.parametrize(
    ("question", "error"),
    [
        (PODS, "a question has either principal, or user and groups"),
        ({**PODS, "principal": "ann", "user": "ann"}, "a question has either principal, or user and groups"),
        ({**PODS, "principal": "ann", "groups": ["x"]}, "a question has either principal, or user and groups"),
        ({**PODS, "user": "ann", "verb": ""}, "a question needs verb"),
        ({"user": "ann"}, "a question has either resource or path"),
        ({"user": "ann", "resource": "pods", "path": "/x"}, "a question has either resource or path"),
        ({"user": "ann", "path": "/x", "name": "a"}, "a path has no apiGroup, subresource, name or namespace"),
        ({**PODS, "user": 5}, "user is not a string"),
        ({**PODS, "groups": "dev"}, "groups is not a list of strings"),
        ({**PODS, "groups": [1]}, "groups is not a list of strings"),
        ({**PODS, "user": "ann", "resources": "pods", "a": 1}, "unknown key a, resources"),
        ({**PODS, "principal": "nobody"}, "nobody is called nobody here"),
        ({**PODS, "principal": "user:"}, "user: names nobody. Next: write user:NAME or group:NAME"),
    ],
)
def test_lines_that_are_no_question(question: dict[str, Any], error: str) -> None:
    assert answer(**question) == (None, f"line 1: {error}")


def test_what_is_not_known_says_why() -> None:
    allowed, error = answer(principal=BOB, **PODS)
    assert (allowed, error) == (None, "AWS does not document what its access policy AmazonEKSBrandNewPolicy gives")


@pytest.mark.parametrize("line", [b"{", b"[]", b"5", b'{"id": NaN}', b'{"id": 1e999}', b"\xff", b"[" * 100_000, b'"x"'])
def test_what_is_no_json_object_is_told_by_line_and_the_others_are_answered(line: bytes) -> None:
    good = {"id": "good", "verb": "get", "principal": "ann", **PODS}
    bad, fine = answers(line, good)
    assert (bad["id"], bad["allowed"], bad["error"][:7]) == (None, None, "line 1:")
    assert fine == {"id": "good", "allowed": True, "error": None}


def test_any_id_comes_back_and_blank_lines_count_as_lines() -> None:
    good = {"verb": "get", "principal": "ann", **PODS}
    ids: list[Any] = [None, 0, "a", 1.5, [1], {"a": None}, True]
    assert [one["id"] for one in answers(*({"id": id_, **good} for id_ in ids))] == ids
    (bad,) = answers(b"\n", b"  ", b"x")
    assert bad["error"].startswith("line 3: it is no JSON: ")


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "ann", "pods", "get", "user:", "team:", "team:a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "verb"]), inner, max_size=2),
    max_leaves=4,
)
_keys = st.sampled_from(["id", "principal", "user", "groups", "verb", "resource", "path", "name", "namespace", "x"])


_lines = st.dictionaries(_keys, _values, max_size=6).map(lambda one: json.dumps(one).encode()) | st.binary()


@given(st.lists(_lines, max_size=8))
def test_every_line_has_an_answer(lines: list[bytes]) -> None:
    found = list(answer_lines(judge(), "acme", lines))
    assert len(found) == sum(bool(line.strip()) for line in lines)
    for one in found:
        check("can-batch", one)
        assert (one["allowed"] is None) == (one["error"] is not None)
