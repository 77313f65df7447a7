"""Server-side apply: owners, conflicts, what goes when it is no longer applied."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.http import APPS, RBAC, Client


def config(data: dict[str, str] | None = None, **metadata: object) -> dict[str, Any]:
    """A ConfigMap a to apply."""
    value: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", **metadata}}
    return value if data is None else {**value, "data": data}


def owners(body: Any) -> dict[str, Any]:
    """Manager and operation → FieldsV1."""
    return {f"{one['manager']}/{one['operation']}": one["fieldsV1"] for one in body["metadata"]["managedFields"]}


@pytest.fixture
def path(maps: str) -> str:
    """The path of the ConfigMap a, which is not there yet."""
    return f"{maps}/a"


def test_apply_creates_and_then_changes_nothing(admin: Client, path: str) -> None:
    first = admin.apply(path, config({"x": "1"}))
    assert first.code == 201
    assert owners(first.json) == {"tester/Apply": {"f:data": {"f:x": {}}}}
    again = admin.apply(path, config({"x": "1"}))
    assert (again.code, again.json) == (200, first.json)


def test_what_is_no_longer_applied_goes(admin: Client, path: str) -> None:
    admin.apply(path, config({"x": "1", "y": "2"}, labels={"l": "1"}))
    body = admin.apply(path, config({"y": "3"})).json
    assert (body["data"], "labels" in body["metadata"]) == ({"y": "3"}, False)


def test_what_others_set_stays(admin: Client, path: str) -> None:
    admin.apply(path, config({"x": "1"}))
    admin.patch(path, {"data": {"z": "9"}}, fieldManager="hand")
    admin.apply(path, config({"y": "2"}), "other")
    body = admin.apply(path, config({})).json
    assert body["data"] == {"y": "2", "z": "9"}
    assert owners(body) == {
        "other/Apply": {"f:data": {"f:y": {}}},
        "hand/Update": {"f:data": {"f:z": {}}},
        "tester/Apply": {"f:data": {}},
    }


def test_another_value_of_somebody_elses_field_is_a_conflict(admin: Client, path: str) -> None:
    admin.apply(path, config({"x": "1", "y": "1"}))
    answer = admin.apply(path, config({"x": "2"}), "other")
    assert answer.refusal == (409, "Conflict", 'Apply failed with 1 conflict: conflict with "tester": .data.x')
    assert answer.json["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "tester"', "field": ".data.x"}
    ]
    both = admin.apply(path, config({"x": "2", "y": "2"}), "other")
    assert both.json["message"] == 'Apply failed with 2 conflicts: conflicts with "tester":\n- .data.x\n- .data.y'
    assert admin.get(path).json["data"] == {"x": "1", "y": "1"}


def test_the_same_value_is_shared(admin: Client, path: str) -> None:
    admin.apply(path, config({"x": "1"}))
    admin.apply(path, config({"x": "1"}), "other")
    kept = admin.apply(path, config({})).json
    assert kept["data"] == {"x": "1"}
    assert owners(kept)["other/Apply"] == {"f:data": {"f:x": {}}}


def test_force_takes_the_field(admin: Client, path: str) -> None:
    admin.apply(path, config({"x": "1"}))
    body = admin.apply(path, config({"x": "2"}), "other", force="true").json
    assert body["data"] == {"x": "2"}
    assert owners(body) == {"other/Apply": {"f:data": {"f:x": {}}}}


def test_an_update_takes_the_field_without_asking(admin: Client, path: str) -> None:
    admin.apply(path, config({"x": "1"}))
    body = admin.patch(path, {"data": {"x": "2"}}, fieldManager="hand").json
    assert owners(body) == {"hand/Update": {"f:data": {"f:x": {}}}}
    answer = admin.apply(path, config({"x": "1"}))
    assert answer.json["message"] == 'Apply failed with 1 conflict: conflict with "hand" using v1: .data.x'


def test_lists_merge_by_their_keys(admin: Client, namespace: str) -> None:
    path = f"{APPS}/namespaces/{namespace}/deployments/d"

    def deployment(*containers: dict[str, Any]) -> dict[str, Any]:
        template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": list(containers)}}
        spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}

    app = {"name": "app", "image": "app:1", "ports": [{"containerPort": 80}]}
    assert admin.apply(path, deployment(app)).code == 201
    both = admin.apply(path, deployment({"name": "side", "image": "side:1"}), "other").json
    assert [one["name"] for one in both["spec"]["template"]["spec"]["containers"]] == ["app", "side"]
    changed = admin.apply(path, deployment({**app, "ports": [{"containerPort": 81}]})).json
    containers = {one["name"]: one for one in changed["spec"]["template"]["spec"]["containers"]}
    assert containers["app"]["ports"] == [{"containerPort": 81, "protocol": "TCP"}]
    clash = admin.apply(path, deployment({"name": "app", "image": "app:2"}), "other")
    expected = '.spec.template.spec.containers[name="app"].image'
    assert clash.json["message"] == f'Apply failed with 1 conflict: conflict with "tester": {expected}'
    twice = admin.apply(path, deployment(app, app))
    assert twice.code == 500
    gone = admin.apply(path, deployment(app), "other", force="true").json
    assert [one["name"] for one in gone["spec"]["template"]["spec"]["containers"]] == ["app"]


def test_rules_are_atomic(admin: Client, namespace: str) -> None:
    path = f"{RBAC}/namespaces/{namespace}/roles/r"
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"}, "rules": [rule]}
    assert owners(admin.apply(path, role).json) == {"tester/Apply": {"f:rules": {}}}
    answer = admin.apply(path, {**role, "rules": [rule, rule]}, "other")
    assert answer.json["message"] == 'Apply failed with 1 conflict: conflict with "tester": .rules'


def test_what_apply_needs(admin: Client, path: str) -> None:
    assert admin.ask("PATCH", path, config(), "application/apply-patch+yaml").refusal[:2] == (422, "Invalid")
    assert admin.apply(path, {"metadata": {"name": "a"}}).refusal[:2] == (400, "BadRequest")
    assert admin.apply(path, {**config(), "apiVersion": "v2"}).refusal[:2] == (400, "BadRequest")
    assert admin.apply(path, config(managedFields=[{"manager": "x"}])).refusal[:2] == (400, "BadRequest")
    assert admin.apply(path, {**config(), "metadata": {"name": "b"}}).refusal[:2] == (400, "BadRequest")
    assert admin.apply(path, {**config(), "metadata": {}}).refusal[:2] == (400, "BadRequest")
    message = "failed to create typed patch object (/a; /v1, Kind=ConfigMap): "
    unknown = admin.apply(path, {**config(), "datum": {}})
    assert (unknown.code, unknown.json["message"]) == (500, message + ".datum: field not declared in schema")
    assert admin.apply(path, b"a: [b").refusal[:2] == (400, "BadRequest")


@pytest.mark.embedded_only
def test_aliases_are_not_read(admin: Client, path: str) -> None:
    assert admin.apply(path, b"a: &x [1]\nb: *x").refusal[:2] == (501, "NotImplemented")


def test_apply_of_a_version(admin: Client, path: str) -> None:
    version = admin.apply(path, config({"x": "1"})).json["metadata"]["resourceVersion"]
    assert admin.apply(path, config({"x": "2"}, resourceVersion=version)).code == 200
    assert admin.apply(path, config({"x": "3"}, resourceVersion=version)).refusal[:2] == (409, "Conflict")


def test_ownership_can_be_handed_over_by_hand(admin: Client, path: str) -> None:
    body = admin.apply(path, config({"x": "1"})).json
    admin.patch(path, {"metadata": {"managedFields": [{}]}})
    assert "managedFields" not in admin.get(path).json["metadata"]
    after = admin.apply(path, config({"y": "1"}), "other").json
    assert owners(after) == {
        "other/Apply": {"f:data": {"f:y": {}}},
        "before-first-apply/Update": {"f:data": {".": {}, "f:x": {}}},
    }
    assert after["metadata"]["uid"] == body["metadata"]["uid"]


def test_only_ten_updaters_are_remembered(admin: Client, path: str) -> None:
    admin.apply(path, config({}))
    for number in range(14):
        admin.patch(path, {"data": {f"k{number}": "v"}}, fieldManager=f"m{number}")
    found = owners(admin.get(path).json)
    assert len([name for name in found if name.endswith("/Update")]) == 10
    assert "ancient-changes/Update" in found


def test_dry_run_of_an_apply(admin: Client, path: str) -> None:
    assert admin.apply(path, config({"x": "1"}), dryRun="All").code == 201
    assert admin.get(path).code == 404


def test_client_side_apply_goes_over_to_server_side(admin: Client, maps: str, path: str) -> None:
    applied = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":"1"}}'
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": applied}
    client_side = {"metadata": {"name": "a", "annotations": annotations}, "data": {"x": "1"}}
    admin.post(maps, client_side, fieldManager="kubectl-client-side-apply")
    assert admin.apply(path, config({"x": "2"}), "somebody").refusal[:2] == (409, "Conflict")
    assert admin.apply(path, config({"x": "2"}), "kubectl").json["data"] == {"x": "2"}
