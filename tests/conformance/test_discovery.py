"""What clients learn about the API before they use it."""

from __future__ import annotations

from typing import Any

from tests.conformance.http import Client

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
GROUPS = {
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "batch",
    "coordination.k8s.io",
    "rbac.authorization.k8s.io",
}


def by_name(client: Client, path: str) -> dict[str, Any]:
    """The resources of a group version."""
    return {one["name"]: one for one in client.get(path).json["resources"]}


def test_groups_and_versions(admin: Client) -> None:
    assert admin.get("/api").json["versions"] == ["v1"]
    groups = admin.get("/apis").json["groups"]
    assert {group["name"] for group in groups} >= GROUPS
    assert admin.get("/apis/apps").json["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}


def test_resources(admin: Client) -> None:
    core = by_name(admin, "/api/v1")
    assert core["configmaps"]["shortNames"] == ["cm"]
    assert core["configmaps"]["namespaced"] is True
    assert core["namespaces"]["namespaced"] is False
    assert core["namespaces/status"]["kind"] == "Namespace"
    assert "watch" in core["pods"]["verbs"]
    rbac = by_name(admin, "/apis/rbac.authorization.k8s.io/v1")
    assert {name: one["kind"] for name, one in rbac.items()} == {
        "roles": "Role",
        "rolebindings": "RoleBinding",
        "clusterroles": "ClusterRole",
        "clusterrolebindings": "ClusterRoleBinding",
    }
    reviews = by_name(admin, "/apis/authorization.k8s.io/v1")
    assert reviews["localsubjectaccessreviews"]["namespaced"] is True
    assert reviews["selfsubjectaccessreviews"]["verbs"] == ["create"]


def test_aggregated_discovery_says_the_same(admin: Client) -> None:
    answer = admin.send("GET", "/apis", None, {"Accept": AGGREGATED})
    assert answer.headers["Content-Type"].startswith("application/json;g=apidiscovery.k8s.io;v=v2")
    groups = {item["metadata"]["name"]: item["versions"][0]["resources"] for item in answer.json["items"]}
    assert groups.keys() >= GROUPS
    plain = by_name(admin, "/apis/apps/v1")
    for entry in groups["apps"]:
        assert entry["verbs"] == plain[entry["resource"]]["verbs"]
        assert entry["responseKind"]["kind"] == plain[entry["resource"]]["kind"]


def test_openapi_advertises_field_validation(admin: Client) -> None:
    paths = admin.get("/openapi/v3").json["paths"]
    assert {"api/v1", "apis/rbac.authorization.k8s.io/v1"} <= paths.keys()
    document = admin.get(paths["apis/rbac.authorization.k8s.io/v1"]["serverRelativeURL"]).json
    patches = [
        path["patch"]
        for path in document["paths"].values()
        if path.get("patch", {}).get("x-kubernetes-group-version-kind", {}).get("kind") == "Role"
    ]
    assert patches
    assert any(parameter["name"] == "fieldValidation" for parameter in patches[0]["parameters"])
    assert admin.get("/openapi/v3/apis/nonsense/v1").code == 404


def test_everybody_who_logs_in_may_discover(alice: Client) -> None:
    for path in ("/api", "/apis", "/api/v1", "/apis/apps", "/openapi/v3", "/version"):
        assert alice.get(path).code == 200, path


def test_head_is_no_method_of_objects(admin: Client) -> None:
    answer = admin.ask("HEAD", "/api/v1/namespaces/default")
    assert (answer.code, answer.raw) == (405, b"")
    assert int(answer.headers["Content-Length"]) > 0
