"""Create, read, update and delete, as any Kubernetes API does it."""

from __future__ import annotations

import re

import pytest

from tests.conformance.http import APPS, RBAC, Client

CONFLICT = "the object has been modified; please apply your changes to the latest version and try again"


def test_create_gives_the_system_fields(admin: Client, maps: str, namespace: str) -> None:
    answer = admin.post(maps, {"metadata": {"name": "a", "labels": {}}, "data": {"x": "1"}}, fieldManager="me")
    assert answer.code == 201
    body = answer.json
    metadata = body["metadata"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", metadata.pop("uid"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata.pop("creationTimestamp"))
    assert metadata.pop("resourceVersion").isdigit()
    (entry,) = metadata.pop("managedFields")
    assert entry.pop("time")
    assert entry == {
        "manager": "me",
        "operation": "Update",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {".": {}, "f:x": {}}},
    }
    assert body == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "a", "namespace": namespace},
        "data": {"x": "1"},
    }
    assert admin.get(f"{maps}/a").json == answer.json


def test_create_twice_is_a_refusal(admin: Client, maps: str) -> None:
    assert admin.post(maps, {"metadata": {"name": "a"}}).code == 201
    answer = admin.post(maps, {"metadata": {"name": "a"}})
    assert answer.refusal == (409, "AlreadyExists", 'configmaps "a" already exists')
    assert answer.json["details"] == {"name": "a", "kind": "configmaps"}


def test_generate_name(admin: Client, maps: str) -> None:
    first = admin.post(maps, {"metadata": {"generateName": "a-"}}).json["metadata"]["name"]
    second = admin.post(maps, {"metadata": {"generateName": "a-"}}).json["metadata"]["name"]
    assert first != second
    assert all(re.fullmatch(r"a-[a-z0-9]{5}", name) for name in (first, second))


def test_update_needs_the_version_only_where_it_is_given(admin: Client, maps: str) -> None:
    first = admin.post(maps, {"metadata": {"name": "a"}, "data": {"x": "1"}}).json
    assert admin.put(f"{maps}/a", {"metadata": {"name": "a"}, "data": {"x": "2"}}).code == 200
    answer = admin.put(f"{maps}/a", {**first, "data": {"x": "3"}})
    assert answer.refusal == (409, "Conflict", f'Operation cannot be fulfilled on configmaps "a": {CONFLICT}')
    assert admin.get(f"{maps}/a").json["data"] == {"x": "2"}


def test_an_update_that_changes_nothing_keeps_the_version(admin: Client, maps: str) -> None:
    first = admin.post(maps, {"metadata": {"name": "a"}, "data": {"x": "1"}}).json
    assert admin.put(f"{maps}/a", first).json == first
    changed = admin.put(f"{maps}/a", {**first, "data": {"x": "2"}}).json
    assert int(changed["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
    assert changed["metadata"]["uid"] == first["metadata"]["uid"]
    assert changed["metadata"]["creationTimestamp"] == first["metadata"]["creationTimestamp"]


def test_update_of_another_uid_is_a_conflict(admin: Client, maps: str) -> None:
    admin.post(maps, {"metadata": {"name": "a"}})
    code, reason, _ = admin.put(f"{maps}/a", {"metadata": {"name": "a", "uid": "other"}}).refusal
    assert (code, reason) == (409, "Conflict")


def test_update_of_another_name_or_namespace_is_refused(admin: Client, maps: str) -> None:
    admin.post(maps, {"metadata": {"name": "a"}})
    assert admin.put(f"{maps}/a", {"metadata": {"name": "b"}}).refusal == (
        400,
        "BadRequest",
        "the name of the object (b) does not match the name on the URL (a)",
    )
    code, reason, message = admin.post(maps, {"metadata": {"name": "a", "namespace": "default"}}).refusal
    assert (code, reason) == (400, "BadRequest")
    assert message == "the namespace of the provided object does not match the namespace sent on the request"


def test_update_creates_only_where_the_kind_does_so(admin: Client, maps: str, namespace: str) -> None:
    assert admin.put(f"{maps}/a", {"metadata": {"name": "a"}}).refusal[:2] == (404, "NotFound")
    role = f"{RBAC}/namespaces/{namespace}/roles/a"
    assert admin.put(role, {"metadata": {"name": "a"}, "rules": []}).code == 201
    assert admin.put(role, {"metadata": {"name": "a"}, "rules": []}).code == 200


def test_a_lease_needs_its_version(admin: Client, namespace: str) -> None:
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    lease = {"metadata": {"name": "a"}, "spec": {"holderIdentity": "me", "renewTime": "2026-01-01T00:00:00.000000Z"}}
    first = admin.post(leases, lease).json
    assert first["spec"] == lease["spec"]
    assert admin.put(f"{leases}/a", lease).refusal[:2] == (422, "Invalid")
    assert admin.put(f"{leases}/a", {**first, "spec": {"holderIdentity": "you"}}).code == 200


def test_generation_counts_changes_of_the_spec(admin: Client, namespace: str) -> None:
    path = f"{APPS}/namespaces/{namespace}/deployments"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    first = admin.post(path, {"metadata": {"name": "d"}, "spec": spec}).json
    assert first["metadata"]["generation"] == 1
    assert first["spec"]["replicas"] == 1
    assert first["spec"]["template"]["spec"]["containers"][0]["terminationMessagePath"] == "/dev/termination-log"
    labelled = admin.patch(f"{path}/d", {"metadata": {"labels": {"x": "y"}}}).json
    assert labelled["metadata"]["generation"] == 1
    assert admin.patch(f"{path}/d", {"spec": {"replicas": 3}}).json["metadata"]["generation"] == 2
    # The status belongs to its subresource, and that to nothing else.
    ignored = admin.patch(f"{path}/d", {"status": {"replicas": 9}}).json
    assert ignored["status"] == {}
    written = admin.patch(f"{path}/d/status", {"status": {"replicas": 9}, "spec": {"replicas": 7}}).json
    assert (written["status"], written["spec"]["replicas"]) == ({"replicas": 9}, 3)
    assert written["metadata"]["generation"] == 2
    entries = {entry.get("subresource", ""): entry["fieldsV1"] for entry in written["metadata"]["managedFields"]}
    assert entries["status"] == {"f:status": {"f:replicas": {}}}


def test_delete_says_what_went(admin: Client, maps: str) -> None:
    uid = admin.post(maps, {"metadata": {"name": "a"}}).json["metadata"]["uid"]
    answer = admin.delete(f"{maps}/a")
    assert answer.code == 200
    assert answer.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": "a", "kind": "configmaps", "uid": uid},
    }
    assert admin.get(f"{maps}/a").refusal == (404, "NotFound", 'configmaps "a" not found')
    assert admin.delete(f"{maps}/a").refusal[:2] == (404, "NotFound")


@pytest.mark.parametrize("field", ["uid", "resourceVersion"])
def test_delete_preconditions(admin: Client, maps: str, field: str) -> None:
    metadata = admin.post(maps, {"metadata": {"name": "a"}}).json["metadata"]
    other = {"uid": "11111111-1111-4111-8111-111111111111", "resourceVersion": "1"}[field]
    answer = admin.delete(f"{maps}/a", {"preconditions": {field: other}})
    assert answer.refusal[:2] == (409, "Conflict")
    assert other in answer.json["message"]
    assert admin.delete(f"{maps}/a", {"preconditions": {field: metadata[field]}}).code == 200


def test_propagation_policies(admin: Client, maps: str) -> None:
    for policy in ("Background", "Orphan"):
        admin.post(maps, {"metadata": {"name": "a"}})
        assert admin.delete(f"{maps}/a", {"propagationPolicy": policy}).code == 200
    admin.post(maps, {"metadata": {"name": "a"}})
    assert admin.delete(f"{maps}/a", {"propagationPolicy": "Sideways"}).refusal[:2] == (422, "Invalid")


def test_finalizers_hold_an_object_back(admin: Client, maps: str) -> None:
    admin.post(maps, {"metadata": {"name": "a", "finalizers": ["example.com/hold"]}})
    assert "deletionTimestamp" in admin.delete(f"{maps}/a").json["metadata"]
    assert admin.get(f"{maps}/a").code == 200
    more = {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}
    assert admin.patch(f"{maps}/a", more).refusal[:2] == (422, "Invalid")
    assert admin.patch(f"{maps}/a", {"metadata": {"finalizers": None}}).code == 200
    assert admin.get(f"{maps}/a").code == 404


def test_delete_collection(admin: Client, maps: str) -> None:
    for name, colour in (("a", "red"), ("b", "blue"), ("c", "red")):
        admin.post(maps, {"metadata": {"name": name, "labels": {"colour": colour}}})
    answer = admin.delete(maps, labelSelector="colour=red")
    assert answer.code == 200
    assert [item["metadata"]["name"] for item in admin.get(maps).json["items"]] == ["b"]


def test_dry_run_changes_nothing(admin: Client, maps: str) -> None:
    created = admin.post(maps, {"metadata": {"name": "a"}, "data": {"x": "1"}}, dryRun="All")
    assert created.code == 201
    assert created.json["metadata"]["uid"]
    assert admin.get(f"{maps}/a").code == 404
    stored = admin.post(maps, {"metadata": {"name": "a"}, "data": {"x": "1"}}).json
    assert admin.put(f"{maps}/a", {**stored, "data": {"x": "2"}}, dryRun="All").json["data"] == {"x": "2"}
    assert admin.patch(f"{maps}/a", {"data": {"x": "3"}}, dryRun="All").json["data"] == {"x": "3"}
    assert admin.delete(f"{maps}/a", dryRun="All").code == 200
    assert admin.delete(f"{maps}/a", {"dryRun": ["All"]}).code == 200
    assert admin.delete(maps, dryRun="All").code == 200
    assert admin.get(f"{maps}/a").json == stored
    assert admin.post(maps, {"metadata": {"name": "b"}}, dryRun="Some").refusal[:2] == (422, "Invalid")


def test_secrets_take_plain_text(admin: Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/secrets"
    body = admin.post(path, {"metadata": {"name": "s"}, "stringData": {"p": "q"}}).json
    assert (body["type"], body["data"], "stringData" in body) == ("Opaque", {"p": "cQ=="}, False)


def test_immutable_config_maps(admin: Client, maps: str) -> None:
    admin.post(maps, {"metadata": {"name": "a"}, "data": {"x": "1"}, "immutable": True})
    assert admin.patch(f"{maps}/a", {"data": {"x": "2"}}).refusal[:2] == (422, "Invalid")
    assert admin.patch(f"{maps}/a", {"immutable": None}).refusal[:2] == (422, "Invalid")
    assert admin.patch(f"{maps}/a", {"metadata": {"labels": {"a": "b"}}}).code == 200
