"""PATCH: merge, JSON and strategic."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.http import APPS, JSON_PATCH, RBAC, STRATEGIC, Client


@pytest.fixture
def stored(admin: Client, maps: str) -> str:
    """The path of a ConfigMap with data x and y."""
    admin.post(maps, {"metadata": {"name": "a", "labels": {"l": "1"}}, "data": {"x": "1", "y": "2"}})
    return f"{maps}/a"


@pytest.fixture
def deployment(admin: Client, namespace: str) -> str:
    """The path of a Deployment with the containers app and side."""
    containers = [
        {"name": "app", "image": "app:1", "env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 80}]},
        {"name": "side", "image": "side:1"},
    ]
    volumes = [{"name": "v", "emptyDir": {}}]
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": containers, "volumes": volumes}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    path = f"{APPS}/namespaces/{namespace}/deployments"
    assert admin.post(path, {"metadata": {"name": "d"}, "spec": spec}).code == 201
    return f"{path}/d"


def pod(client: Client, path: str) -> Any:
    """The pod's spec in a Deployment."""
    return client.get(path).json["spec"]["template"]["spec"]


def pod_patch(client: Client, path: str, spec: object) -> int:
    """Patch the pod's spec strategically."""
    return client.patch(path, {"spec": {"template": {"spec": spec}}}, STRATEGIC).code


def test_merge_patch(admin: Client, stored: str) -> None:
    body = admin.patch(stored, {"metadata": {"labels": {"l": None, "m": "2"}}, "data": {"x": None, "z": "3"}}).json
    assert (body["metadata"]["labels"], body["data"]) == ({"m": "2"}, {"y": "2", "z": "3"})
    assert admin.patch(stored, b"[]").refusal[:2] == (400, "BadRequest")
    assert admin.patch(f"{stored}x", {}).refusal[:2] == (404, "NotFound")


def test_json_patch(admin: Client, stored: str) -> None:
    operations = [
        {"op": "test", "path": "/data/x", "value": "1"},
        {"op": "replace", "path": "/data/x", "value": "9"},
        {"op": "add", "path": "/metadata/labels/a~1b", "value": "c"},
        {"op": "copy", "from": "/data/y", "path": "/data/z"},
        {"op": "move", "from": "/data/y", "path": "/data/w"},
        {"op": "remove", "path": "/metadata/labels/l"},
    ]
    body = admin.patch(stored, operations, JSON_PATCH).json
    assert (body["metadata"]["labels"], body["data"]) == ({"a/b": "c"}, {"x": "9", "z": "2", "w": "2"})


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/data/x", "value": "no"},
        {"op": "remove", "path": "/data/none"},
        {"op": "add", "path": "/none/none/none", "value": "x"},
        {"op": "nonsense", "path": "/data/x"},
        {"op": "add", "path": "data", "value": "x"},
        {"op": "add", "path": "", "value": {}},
    ],
)
def test_json_patches_that_do_not_apply(admin: Client, stored: str, operation: dict[str, str]) -> None:
    before = admin.get(stored).json
    assert admin.patch(stored, [operation], JSON_PATCH).refusal[:2] == (422, "Invalid")
    assert admin.get(stored).json == before


def test_json_patch_is_as_lenient_as_upstreams(admin: Client, stored: str) -> None:
    operations = [
        {"op": "replace", "path": "/data/none", "value": "new"},
        {"op": "replace", "path": "ignored/data/x", "value": "9"},
    ]
    assert admin.patch(stored, operations, JSON_PATCH).json["data"] == {"x": "9", "y": "2", "none": "new"}


def test_a_patch_carries_its_version(admin: Client, stored: str) -> None:
    version = admin.get(stored).json["metadata"]["resourceVersion"]
    assert admin.patch(stored, {"metadata": {"resourceVersion": version}, "data": {"x": "2"}}).code == 200
    answer = admin.patch(stored, {"metadata": {"resourceVersion": version}, "data": {"x": "3"}})
    assert answer.refusal[:2] == (409, "Conflict")


def test_a_patch_that_makes_a_bad_object(admin: Client, stored: str, namespace: str) -> None:
    code, reason, message = admin.patch(stored, {"data": {"x": 1}}).refusal
    assert (code, reason) == (422, "Invalid")
    assert message.startswith(' "" is invalid: patch: Invalid value: ')
    assert admin.patch(stored, {"datum": {}}, fieldValidation="Strict").refusal[:2] == (422, "Invalid")
    assert admin.patch(stored, {"datum": {}}, force="true").refusal[:2] == (422, "Invalid")
    assert admin.patch(stored, {"metadata": {"name": "b"}}).refusal[:2] == (400, "BadRequest")


def test_strategic_merge_keeps_other_containers(admin: Client, deployment: str) -> None:
    change = {"containers": [{"name": "app", "image": "app:2", "env": [{"name": "B", "value": "2"}]}]}
    assert pod_patch(admin, deployment, change) == 200
    containers = {one["name"]: one for one in pod(admin, deployment)["containers"]}
    assert {name: one["image"] for name, one in containers.items()} == {"app": "app:2", "side": "side:1"}
    assert sorted(one["name"] for one in containers["app"]["env"]) == ["A", "B"]
    assert containers["app"]["ports"] == [{"containerPort": 80, "protocol": "TCP"}]


def test_strategic_delete_replace_and_order(admin: Client, deployment: str) -> None:
    delete = {"containers": [{"name": "side", "$patch": "delete"}]}
    assert pod_patch(admin, deployment, delete) == 200
    assert [one["name"] for one in pod(admin, deployment)["containers"]] == ["app"]
    order = {
        "$setElementOrder/containers": [{"name": "new"}, {"name": "app"}],
        "containers": [{"name": "new", "image": "new:1"}],
    }
    assert pod_patch(admin, deployment, order) == 200
    assert [one["name"] for one in pod(admin, deployment)["containers"]] == ["new", "app"]
    replace = {"containers": [{"$patch": "replace"}, {"name": "only", "image": "only:1"}]}
    assert pod_patch(admin, deployment, replace) == 200
    assert [one["name"] for one in pod(admin, deployment)["containers"]] == ["only"]


def test_strategic_retain_keys(admin: Client, deployment: str) -> None:
    volume = {"$retainKeys": ["name", "configMap"], "name": "v", "configMap": {"name": "c"}}
    assert pod_patch(admin, deployment, {"volumes": [volume]}) == 200
    assert pod(admin, deployment)["volumes"] == [{"name": "v", "configMap": {"name": "c", "defaultMode": 420}}]


def test_strategic_without_the_merge_key(admin: Client, deployment: str) -> None:
    assert pod_patch(admin, deployment, {"containers": [{"image": "x"}]}) == 500
    assert pod_patch(admin, deployment, {"containers": [{"name": "app", "$patch": "explode"}]}) == 500


def test_strategic_sets_of_scalars(admin: Client, stored: str) -> None:
    finalizers = {"metadata": {"finalizers": ["example.com/a", "example.com/b"]}}
    assert admin.patch(stored, finalizers, STRATEGIC).code == 200
    more = {"metadata": {"finalizers": ["example.com/c"], "$deleteFromPrimitiveList/finalizers": ["example.com/a"]}}
    body = admin.patch(stored, more, STRATEGIC).json
    assert sorted(body["metadata"]["finalizers"]) == ["example.com/b", "example.com/c"]
    admin.patch(stored, {"metadata": {"finalizers": None}})


def test_strategic_replaces_rules_and_subjects(admin: Client, namespace: str) -> None:
    path = f"{RBAC}/namespaces/{namespace}/roles"
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    admin.post(path, {"metadata": {"name": "a"}, "rules": [rule, {**rule, "verbs": ["list"]}]})
    assert admin.patch(f"{path}/a", {"rules": [rule]}, STRATEGIC).json["rules"] == [rule]
