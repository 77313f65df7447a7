"""What is refused, and in which words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance.http import APPS, RBAC, Client


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/v1/namespaces/default/configmaps"),
        ("POST", "/api/v1/namespaces/default/configmaps/a"),
        ("POST", "/api/v1/configmaps"),
        ("DELETE", "/api/v1/configmaps"),
        ("DELETE", "/version"),
    ],
)
def test_methods_that_a_path_does_not_have(admin: Client, method: str, path: str) -> None:
    assert admin.ask(method, path).refusal[:2] == (405, "MethodNotAllowed")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nonsense",
        "/api/v2",
        "/api/v1/configmaps/a",
        "/apis/nonsense",
        "/apis/apps/v1beta1/deployments",
        "/api/v1/namespaces/default/namespaces/a",
        f"{RBAC}/namespaces/default/clusterroles",
        "/api/v1/namespaces/default/configmaps/a/nonsense",
    ],
)
def test_paths_that_are_not_there(admin: Client, path: str) -> None:
    assert admin.get(path).code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"a": NaN}', b"[" * 100_000, b"\xff"])
def test_bodies_that_are_no_object(admin: Client, maps: str, body: bytes) -> None:
    code, reason, message = admin.post(maps, body).refusal
    assert (code, reason) == (400, "BadRequest")
    assert "\n" not in message
    assert len(message) < 400


def test_media_types(admin: Client, maps: str) -> None:
    answer = admin.ask("POST", maps, b"<a/>", "text/xml")
    assert answer.refusal[:2] == (415, "UnsupportedMediaType")
    assert "application/json" in answer.json["message"]
    yaml = b"metadata:\n  name: a\ndata: {when: 2026-01-01}\n"
    assert admin.ask("POST", maps, yaml, "application/yaml").json["data"] == {"when": "2026-01-01"}
    assert admin.patch(f"{maps}/a", {"data": {}}, "application/json").refusal[:2] == (415, "UnsupportedMediaType")


def test_another_kind_or_version(admin: Client, maps: str) -> None:
    other = admin.post(maps, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}})
    assert other.refusal[:2] == (400, "BadRequest")
    version = admin.post(maps, {"apiVersion": "v2", "kind": "ConfigMap", "metadata": {"name": "a"}})
    assert version.refusal[:2] == (400, "BadRequest")


def test_a_value_of_the_wrong_type(admin: Client, maps: str) -> None:
    assert admin.post(maps, {"metadata": {"name": "a"}, "data": {"x": 1}}).refusal == (
        400,
        "BadRequest",
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: '
        "json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
    )


def test_unknown_and_repeated_fields(admin: Client, namespace: str) -> None:
    path = f"{RBAC}/namespaces/{namespace}/roles"
    body = b'{"metadata":{"name":"a","nmae":"b"},"rules":[{"verbs":["get"],"verbs":["list"],"apiGroups":[""],'
    body += b'"resources":["pods"],"verb":"x"}]}'
    complaints = ['unknown field "metadata.nmae"', 'duplicate field "rules[0].verbs"', 'unknown field "rules[0].verb"']
    code, reason, message = admin.post(path, body, fieldValidation="Strict").refusal
    assert (code, reason) == (400, "BadRequest")
    assert message.startswith('Role in version "v1" cannot be handled as a Role: strict decoding error: ')
    assert sorted(message.partition("error: ")[2].split(", ")) == sorted(complaints)
    silent = admin.post(path, body, fieldValidation="Ignore", dryRun="All")
    assert (silent.code, silent.headers.get_all("Warning")) == (201, None)
    warned = admin.post(path, body)
    expected = sorted("299 - " + '"' + text.replace('"', '\\"') + '"' for text in complaints)
    assert (warned.code, sorted(warned.headers.get_all("Warning") or ())) == (201, expected)
    assert warned.json["rules"] == [{"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}]
    assert admin.post(path, body, fieldValidation="Loose").refusal[:2] == (422, "Invalid")


@pytest.mark.parametrize(
    ("plural", "name", "allowed"),
    [
        ("configmaps", "a.b-c", True),
        ("configmaps", "A", False),
        ("configmaps", "a_b", False),
        ("configmaps", "a" * 254, False),
        ("services", "1a", True),
        ("services", "a.b", False),
        ("secrets", "", False),
    ],
)
def test_names(admin: Client, namespace: str, plural: str, name: str, allowed: bool) -> None:
    body = {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}
    answer = admin.post(f"/api/v1/namespaces/{namespace}/{plural}", body)
    assert (answer.code == 201) is allowed
    if not allowed:
        assert answer.refusal[:2] == (422, "Invalid")
        assert {cause["field"] for cause in answer.json["details"]["causes"]} == {"metadata.name"}


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("system:a:B_c d", True), ("a/b", False), ("a%b", False), ("..", False), ("arn:aws:iam", True)],
)
def test_rbac_names_are_path_segments(admin: Client, namespace: str, name: str, allowed: bool) -> None:
    path = f"{RBAC}/namespaces/{namespace}/roles"
    assert (admin.post(path, {"metadata": {"name": name}}).code == 201) is allowed


def test_namespace_names_are_labels(admin: Client) -> None:
    assert admin.post("/api/v1/namespaces", {"metadata": {"name": "a.b"}}).refusal[:2] == (422, "Invalid")


def test_labels_and_annotations(admin: Client, maps: str) -> None:
    metadata = {"name": "a", "labels": {"-": "ok", "ok": "no/"}, "annotations": {"a/b/c": "x"}}
    answer = admin.post(maps, {"metadata": metadata})
    assert answer.refusal[:2] == (422, "Invalid")
    fields = [cause["field"] for cause in answer.json["details"]["causes"]]
    assert set(fields) == {"metadata.labels", "metadata.annotations"}
    assert fields.count("metadata.labels") == 2


def test_all_that_is_wrong_is_said_at_once(admin: Client, namespace: str) -> None:
    template = {"metadata": {"labels": {"a": "x"}}, "spec": {"containers": [{"name": "A"}]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    answer = admin.post(f"{APPS}/namespaces/{namespace}/deployments", {"metadata": {"name": "D"}, "spec": spec})
    assert answer.refusal[:2] == (422, "Invalid")
    assert answer.json["message"].startswith('Deployment.apps "D" is invalid: [')
    assert {cause["field"] for cause in answer.json["details"]["causes"]} == {
        "metadata.name",
        "spec.template.metadata.labels",
        "spec.template.spec.containers[0].name",
        "spec.template.spec.containers[0].image",
    }


def test_a_version_on_create_is_refused(admin: Client, maps: str) -> None:
    body = {"metadata": {"name": "a", "resourceVersion": "1"}}
    message = "resourceVersion should not be set on objects to be created"
    assert admin.post(maps, body).refusal[0::2] == (500, message)


def test_a_huge_body(admin: Client, maps: str) -> None:
    answer = admin.post(maps, {"metadata": {"name": "a"}, "data": {"x": "y" * 4_000_000}})
    assert answer.code == 413


@pytest.mark.parametrize("token", ["", "token-nobody"])
def test_without_valid_credentials(login: Callable[[str], Client], token: str) -> None:
    nobody = login("")
    nobody.token = token
    for path in ("/api/v1/namespaces", "/api", "/apis", "/openapi/v3"):
        assert nobody.get(path).refusal == (401, "Unauthorized", "Unauthorized")


def test_null_is_an_object_without_fields(admin: Client, maps: str) -> None:
    why = 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'
    assert admin.post(maps, b"null").refusal == (422, "Invalid", why)


def test_only_health_needs_no_credentials(login: Callable[[str], Client]) -> None:
    nobody = login("")
    assert [nobody.get(path).raw for path in ("/healthz", "/livez", "/readyz")] == [b"ok"] * 3
    assert nobody.get("/version").code == 401


def test_malformed_authorization(login: Callable[[str], Client]) -> None:
    nobody = login("")
    for header in ("Basic YTpi", "Bearer", "Bearer ", "token-admin"):
        assert nobody.send("GET", "/api", None, {"Authorization": header}).code == 401
