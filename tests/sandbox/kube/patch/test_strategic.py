"""Strategic merge patch: what kubectl computes must come out, and lists merge by the keys of the API types."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.sandbox.kube.patch.merge import merge_patch
from iamrbac.sandbox.kube.patch.strategic import strategic_merge
from iamrbac.sandbox.kube.status import StatusError

POD = "core.v1.PodSpec"
NAMES = st.sampled_from("abcd")


def containers(**images: str) -> list[dict[str, str]]:
    """Containers by name."""
    return [{"name": name, "image": image} for name, image in images.items()]


def test_merge_lists_take_the_patchs_order_between_what_others_added() -> None:
    target = {"containers": containers(a="1", injected="1", b="1")}
    patch = {
        "$setElementOrder/containers": [{"name": "b"}, {"name": "a"}, {"name": "c"}],
        "containers": containers(c="1", a="2"),
    }
    merged = strategic_merge(target, patch, POD)["containers"]
    assert [one["name"] for one in merged] == ["injected", "b", "a", "c"]
    assert {one["name"]: one["image"] for one in merged} == {"a": "2", "b": "1", "c": "1", "injected": "1"}


def test_an_order_alone_sorts() -> None:
    target = {"containers": containers(a="1", b="1", c="1")}
    patch = {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}, {"name": "b"}]}
    assert [one["name"] for one in strategic_merge(target, patch, POD)["containers"]] == ["c", "a", "b"]


def test_ports_merge_by_number_as_the_type_says() -> None:
    target = {"ports": [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 81, "protocol": "TCP"}]}
    patch = {"ports": [{"containerPort": 80, "name": "http"}]}
    merged = strategic_merge(target, patch, "core.v1.Container")["ports"]
    assert {"containerPort": 80, "protocol": "TCP", "name": "http"} in merged
    assert {"containerPort": 81, "protocol": "TCP"} in merged


def test_atomic_lists_and_maps_of_maps() -> None:
    target = {"tolerations": [{"key": "a"}], "nodeSelector": {"x": "1"}, "securityContext": {"runAsUser": 1}}
    patch = {"tolerations": [{"key": "b"}], "nodeSelector": {"y": "2"}, "securityContext": {"runAsGroup": 2}}
    assert strategic_merge(target, patch, POD) == {
        "tolerations": [{"key": "b"}],
        "nodeSelector": {"x": "1", "y": "2"},
        "securityContext": {"runAsUser": 1, "runAsGroup": 2},
    }


def test_directives_on_maps() -> None:
    target = {"securityContext": {"runAsUser": 1}, "nodeSelector": {"x": "1"}}
    replaced = {"securityContext": {"$patch": "replace", "runAsGroup": 2}, "nodeSelector": {"$patch": "delete"}}
    assert strategic_merge(target, replaced, POD) == {"securityContext": {"runAsGroup": 2}, "nodeSelector": {}}


def test_a_strategy_keeps_only_the_keys_of_its_type() -> None:
    target = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}
    patch = {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}
    assert strategic_merge(target, patch, "apps.v1.DeploymentSpec") == {"strategy": {"type": "Recreate"}}


def test_what_is_new_carries_no_directives() -> None:
    patch = {"containers": [{"name": "a", "image": None}, {"name": "b", "$patch": "delete"}], "hostname": None}
    assert strategic_merge({}, patch, POD) == {"containers": [{"name": "a"}]}


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ({"containers": [{"image": "x"}]}, 500),
        ({"containers": ["x"]}, 400),
        ({"containers": [{"name": "a", "$patch": "nonsense"}]}, 500),
        ({"$patch": "nonsense"}, 500),
        ({"$retainKeys": "x"}, 400),
        ({"$retainKeys": ["hostname"], "subdomain": "x"}, 400),
        ({"$setElementOrder/containers": [{"name": "a"}], "containers": containers(b="1")}, 500),
        ({"$setElementOrder/containers": {}}, 400),
        ({"$deleteFromPrimitiveList/x": {}}, 400),
    ],
)
def test_malformed_patches(patch: dict[str, Any], code: int) -> None:
    with pytest.raises(StatusError) as refused:
        strategic_merge({"containers": containers(a="1")}, patch, POD)
    assert refused.value.code == code


PLAIN = st.recursive(
    st.one_of(st.integers(), st.text(max_size=3)), lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
PATCHES = st.recursive(
    st.one_of(st.integers(), st.text(max_size=3), st.none()),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(NAMES, PLAIN), st.dictionaries(NAMES, PATCHES))
def test_without_lists_it_is_a_merge_patch(target: dict[str, Any], patch: dict[str, Any]) -> None:
    before = copy.deepcopy((target, patch))
    assert strategic_merge({"x": target}, {"x": patch}, POD) == merge_patch({"x": target}, {"x": patch})
    assert (target, patch) == before


IMAGES = st.dictionaries(NAMES, st.sampled_from(["1", "2"]))


@given(IMAGES, IMAGES, st.sets(NAMES))
def test_merge_lists_are_maps_by_their_key(old: dict[str, str], new: dict[str, str], gone: set[str]) -> None:
    deletions = [{"name": name, "$patch": "delete"} for name in sorted(gone - new.keys())]
    patch = {"containers": [*containers(**new), *deletions]}
    merged = strategic_merge({"containers": containers(**old)}, patch, POD)["containers"]
    expected = {name: image for name, image in {**old, **new}.items() if name in new or name not in gone}
    assert {one["name"]: one["image"] for one in merged} == expected
    assert len(merged) == len(expected)
    again = strategic_merge({"containers": merged}, patch, POD)["containers"]
    assert again == merged
