"""Namespaces: what may be in them, and what goes with them."""

from __future__ import annotations

import pytest

from tests.conformance.http import RBAC, Client


def test_a_new_namespace(admin: Client, unique: str) -> None:
    body = admin.post("/api/v1/namespaces", {"metadata": {"name": unique}}).json
    assert body["metadata"]["labels"] == {"kubernetes.io/metadata.name": unique}
    assert (body["spec"], body["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})


def test_the_default_namespaces(admin: Client) -> None:
    there = {item["metadata"]["name"] for item in admin.get("/api/v1/namespaces").json["items"]}
    assert {"default", "kube-system", "kube-public", "kube-node-lease"} <= there


def test_content_needs_its_namespace(admin: Client, unique: str) -> None:
    for path, body in (
        (f"/api/v1/namespaces/{unique}/configmaps", {"metadata": {"name": "a"}}),
        (f"{RBAC}/namespaces/{unique}/roles", {"metadata": {"name": "a"}, "rules": []}),
        (f"/apis/coordination.k8s.io/v1/namespaces/{unique}/leases", {"metadata": {"name": "a"}}),
    ):
        assert admin.get(f"{path}/a").refusal[:2] == (404, "NotFound")
        assert admin.post(path, body).refusal == (404, "NotFound", f'namespaces "{unique}" not found')
        assert admin.get(path).json["items"] == []


def test_content_goes_with_its_namespace(admin: Client, namespace: str, maps: str) -> None:
    admin.post(maps, {"metadata": {"name": "a"}})
    admin.post(f"{RBAC}/namespaces/{namespace}/roles", {"metadata": {"name": "a"}})
    answer = admin.delete(f"/api/v1/namespaces/{namespace}")
    assert answer.code == 200
    assert answer.json["status"] == {"phase": "Terminating"}
    assert admin.settled(lambda: admin.get(f"/api/v1/namespaces/{namespace}").code, 404) == 404
    assert admin.get(f"{maps}/a").code == 404
    assert admin.get(f"{RBAC}/namespaces/{namespace}/roles/a").code == 404


def test_a_terminating_namespace_takes_nothing_new(admin: Client, namespace: str, maps: str) -> None:
    admin.post(maps, {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}})
    admin.delete(f"/api/v1/namespaces/{namespace}")
    assert admin.get(f"/api/v1/namespaces/{namespace}").json["status"]["phase"] == "Terminating"
    answer = admin.post(maps, {"metadata": {"name": "new"}})
    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    assert answer.refusal == (403, "Forbidden", f'configmaps "new" is forbidden: {why}')
    assert answer.json["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    again = admin.delete(f"/api/v1/namespaces/{namespace}")
    assert (again.code, again.json["status"]["phase"]) == (200, "Terminating")
    admin.patch(f"{maps}/held", {"metadata": {"finalizers": None}})
    assert admin.settled(lambda: admin.get(f"/api/v1/namespaces/{namespace}").code, 404) == 404


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_some_namespaces_stay(admin: Client, name: str) -> None:
    message = f'namespaces "{name}" is forbidden: this namespace may not be deleted'
    assert admin.delete(f"/api/v1/namespaces/{name}").refusal == (403, "Forbidden", message)


def test_a_namespace_keeps_what_is_the_servers(admin: Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}"
    change = {"metadata": {"labels": {"a": "b"}}, "spec": {"finalizers": []}, "status": {"phase": "Gone"}}
    body = admin.patch(path, change).json
    assert (body["spec"], body["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})
    assert body["metadata"]["labels"]["a"] == "b"
