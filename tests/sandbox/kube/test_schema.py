"""The data behind the kinds: every type that a kind reaches is there, and its objects have one canonical form."""

from __future__ import annotations

from typing import Any

import pytest

from iamrbac.sandbox.kube.canonical import TypeMismatchError, canonical, complete
from iamrbac.sandbox.kube.decode import empty
from iamrbac.sandbox.kube.kinds import KINDS, REVIEWS, Kind, type_of
from iamrbac.sandbox.kube.schema import List, Map, Named, Struct, Type, struct


def reached(name: str, seen: dict[str, Struct]) -> dict[str, Struct]:
    """All structs that a struct leads to."""
    if name not in seen:
        seen[name] = struct(name)
        for field in seen[name].fields.values():
            of: Type = field.type
            while isinstance(of, List | Map):
                of = of.element
            if isinstance(of, Named):
                reached(of.name, seen)
    return seen


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.kind))
def test_every_type_is_there(kind: Kind) -> None:
    types = reached(kind.type, {})
    assert {"apiVersion", "kind", "metadata"} <= types[kind.type].fields.keys()
    assert ("status" in types[kind.type].fields) >= kind.status
    for one in types.values():
        numbers = [field.numbers for field in one.fields.values() if field.numbers]
        assert len(numbers) == len(set(numbers)), one.name
        for field in one.fields.values():
            keys = field.type.keys if isinstance(field.type, List) else ()
            if keys:
                assert isinstance(field.type, List)
                assert isinstance(field.type.element, Named)
                assert set(keys) <= field.type.element.struct.fields.keys()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.kind))
def test_a_canonical_form_is_final(kind: Kind) -> None:
    once = empty(kind)
    assert complete(once, kind.type) == once


def test_reviews_are_there_too() -> None:
    for (group, _), kind in REVIEWS.items():
        name = type_of(f"{group}/v1", kind)
        assert name is not None
        assert "metadata" in struct(name).fields
    assert type_of("v1", "Role") is None
    assert type_of("nonsense/v1", "SelfSubjectReview") is None


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("rbac.v1.Role", {"rules": []}, {"metadata": {}, "rules": None}),
        (
            "rbac.v1.Role",
            {"rules": [{"verbs": ["get"], "resources": []}]},
            {"metadata": {}, "rules": [{"verbs": ["get"]}]},
        ),
        ("core.v1.ConfigMap", {"data": {}, "immutable": False}, {"immutable": False, "metadata": {}}),
        ("core.v1.ConfigMap", {"data": {"a": None}}, {"data": {"a": ""}, "metadata": {}}),
        ("meta.v1.ObjectMeta", {"labels": {}, "name": "", "generation": 0}, {}),
        ("core.v1.PodSpec", {"securityContext": {}}, {"securityContext": {}, "containers": None}),
        ("core.v1.Container", {"name": "a"}, {"name": "a", "resources": {}}),
    ],
)
def test_canonical_forms(kind: str, value: dict[str, Any], expected: dict[str, Any]) -> None:
    assert canonical(value, kind) == (expected, ())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"metadata": []}, "cannot unmarshal array into Go struct field Role.metadata of type v1.ObjectMeta"),
        ({"rules": {}}, "cannot unmarshal object into Go struct field Role.rules of type []v1.PolicyRule"),
        (
            {"rules": [{"verbs": "get"}]},
            "cannot unmarshal string into Go struct field PolicyRule.rules.verbs of type []string",
        ),
        ({"metadata": {"generation": 1.5}}, "cannot unmarshal number 1.5 into Go struct field"),
        ({"metadata": {"name": True}}, "cannot unmarshal bool into Go struct field"),
        ({"metadata": {"labels": {"a": 1}}}, "cannot unmarshal number into Go struct field"),
    ],
)
def test_values_of_the_wrong_type(value: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeMismatchError) as refused:
        canonical(value, "rbac.v1.Role")
    assert f"json: {message}" in str(refused.value)
