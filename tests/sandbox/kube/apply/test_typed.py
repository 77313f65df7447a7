"""The laws of typed values: sets, comparison, merging, removal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.sandbox.kube.apply.paths import field_step, from_fields, key_step, show, to_fields, tree, value_step
from iamrbac.sandbox.kube.apply.typed import TypedError, compare, field_set, merge, remove, with_named_parents
from iamrbac.sandbox.kube.schema import Named

DEPLOYMENT = Named("apps.v1.Deployment")
TEXT = st.sampled_from(["x", "y"])
PORT: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"containerPort": st.integers(80, 82)}, optional={"name": TEXT, "protocol": st.just("UDP")}
)
PORTS = st.lists(PORT, max_size=2, unique_by=lambda port: (port["containerPort"], port.get("protocol")))
CONTAINER: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"name": st.sampled_from("abc")},
    optional={"image": TEXT, "ports": PORTS, "args": st.lists(TEXT, max_size=2), "securityContext": st.just({})},
)
CONTAINERS = st.lists(CONTAINER, max_size=3, unique_by=lambda container: str(container["name"]))
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.dictionaries(TEXT, TEXT),
        "finalizers": st.lists(TEXT, unique=True, max_size=2),
    },
)
POD = st.fixed_dictionaries(
    {}, optional={"containers": CONTAINERS, "nodeSelector": st.dictionaries(TEXT, TEXT), "hostname": TEXT}
)
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "metadata": METADATA,
        "spec": st.fixed_dictionaries(
            {},
            optional={"replicas": st.integers(0, 2), "template": st.fixed_dictionaries({}, optional={"spec": POD})},
        ),
    },
)


@given(OBJECTS, OBJECTS)
def test_a_comparison_is_empty_only_for_equals(old: Any, new: Any) -> None:
    found = compare(old, new, DEPLOYMENT)
    same = not (found.added or found.removed or found.modified)
    assert same or old != new
    assert not compare(old, old, DEPLOYMENT).modified
    assert not (found.added & found.removed or found.added & found.modified or found.removed & found.modified)
    back = compare(new, old, DEPLOYMENT)
    assert (back.added, back.removed, back.modified) == (found.removed, found.added, found.modified)


@given(OBJECTS, OBJECTS)
def test_a_merge_has_all_of_the_new_and_loses_nothing_of_the_old(old: Any, new: Any) -> None:
    merged = merge(old, new, DEPLOYMENT)
    assert field_set(merged, DEPLOYMENT) >= field_set(new, DEPLOYMENT) - _empties(new)
    assert not compare(new, merged, DEPLOYMENT).modified
    assert not compare(old, merged, DEPLOYMENT).removed
    assert merge(merged, new, DEPLOYMENT) == merged


def _empties(value: Any) -> Any:
    """What a value says only by an empty map: merging that into a filled one says nothing."""
    return {path for path in field_set(value, DEPLOYMENT) if _at(value, path) == {}}


def _at(value: Any, path: Any) -> Any:
    for step in path:
        if not isinstance(value, dict) or step.kind != "f":
            return None
        value = value.get(step.text)
    return value


@given(OBJECTS)
def test_removing_all_that_is_said_leaves_nothing(value: Any) -> None:
    whole = with_named_parents(field_set(value, DEPLOYMENT), DEPLOYMENT)
    left = remove(value, DEPLOYMENT, tree(whole)) or {}
    assert field_set(left, DEPLOYMENT) == frozenset()


@given(OBJECTS, OBJECTS)
def test_removing_what_was_added_gives_back_the_old(old: Any, new: Any) -> None:
    merged = merge(old, new, DEPLOYMENT)
    added = compare(old, merged, DEPLOYMENT).added
    left = remove(merged, DEPLOYMENT, tree(added)) or {}
    found = compare(old, left, DEPLOYMENT)
    assert not found.added
    # A map that was empty before goes with the last field that came into it.
    assert all(not _at(old, path) for path in found.removed)


@given(OBJECTS)
def test_sets_survive_managed_fields(value: Any) -> None:
    paths = field_set(value, DEPLOYMENT)
    assert from_fields(to_fields(paths)) == paths


def test_paths_as_people_read_them() -> None:
    path = (
        field_step("spec"),
        key_step({"protocol": "TCP", "containerPort": 80}),
        field_step("a.b/c"),
        value_step("x"),
    )
    assert show(path) == '.spec[containerPort=80,protocol="TCP"].a.b/c[="x"]'
    assert to_fields(frozenset({path})) == {
        "f:spec": {'k:{"containerPort":80,"protocol":"TCP"}': {"f:a.b/c": {'v:"x"': {}}}}
    }


@pytest.mark.parametrize("fields", [{"x": {}}, {"z:a": {}}, {"k:1": {}}, {"f:a": 1}, {"k:{": {}}])
def test_field_sets_that_are_none(fields: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_fields(fields)


def test_the_order_of_merged_lists() -> None:
    def order(old: str, new: str) -> str:
        of = Named("core.v1.PodSpec")
        value = merge(
            {"containers": [{"name": one} for one in old]}, {"containers": [{"name": one} for one in new]}, of
        )
        return "".join(one["name"] for one in value["containers"])

    assert order("abc", "") == "abc"
    assert order("abc", "b") == "abc"
    assert order("abc", "cb") == "acb"
    assert order("ab", "cab") == "cab"
    assert order("ac", "abc") == "abc"


def test_list_items_need_their_keys() -> None:
    with pytest.raises(TypedError):
        field_set({"containers": [{"image": "x"}]}, Named("core.v1.PodSpec"))
    with pytest.raises(TypedError):
        merge({"containers": [{"name": "a"}]}, {"containers": [{"name": "b"}, {"name": "b"}]}, Named("core.v1.PodSpec"))
