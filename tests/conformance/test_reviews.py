"""Access reviews, as JSON."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.http import RBAC, Client

AUTHORIZATION = "/apis/authorization.k8s.io/v1"
POD_READER = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}


@pytest.fixture
def reader(admin: Client, namespace: str) -> str:
    """A namespace in which the group developers may get pods."""
    path = f"{RBAC}/namespaces/{namespace}"
    admin.post(f"{path}/roles", {"metadata": {"name": "r"}, "rules": [POD_READER]})
    ref = {"kind": "Role", "name": "r"}
    subjects = [{"kind": "Group", "name": "developers"}]
    admin.post(f"{path}/rolebindings", {"metadata": {"name": "b"}, "roleRef": ref, "subjects": subjects})
    return namespace


def attributes(namespace: str, verb: str = "get", resource: str = "pods") -> dict[str, str]:
    """What is asked."""
    return {"namespace": namespace, "verb": verb, "resource": resource}


def ask(client: Client, plural: str, spec: dict[str, Any]) -> Any:
    """The status of a review."""
    answer = client.post(f"{AUTHORIZATION}/{plural}", {"spec": spec})
    assert answer.code == 201, answer.json
    assert answer.json["spec"] == spec
    return answer.json["status"]


def test_self_access(alice: Client, reader: str) -> None:
    allowed = ask(alice, "selfsubjectaccessreviews", {"resourceAttributes": attributes(reader)})
    reason = f'RBAC: allowed by RoleBinding "b/{reader}" of Role "r" to Group "developers"'
    assert allowed == {"allowed": True, "reason": reason}
    assert ask(alice, "selfsubjectaccessreviews", {"resourceAttributes": attributes(reader, "list")}) == {
        "allowed": False
    }
    url = {"nonResourceAttributes": {"verb": "get", "path": "/api"}}
    assert ask(alice, "selfsubjectaccessreviews", url)["allowed"] is True


def test_access_of_others(admin: Client, alice: Client, reader: str) -> None:
    spec = {"resourceAttributes": attributes(reader), "user": "carol", "groups": ["developers"]}
    assert ask(admin, "subjectaccessreviews", spec)["allowed"] is True
    assert ask(admin, "subjectaccessreviews", {**spec, "groups": ["x"]}) == {"allowed": False}
    assert ask(admin, "subjectaccessreviews", {**spec, "groups": ["system:masters"]}) == {"allowed": True}
    assert alice.post(f"{AUTHORIZATION}/subjectaccessreviews", {"spec": spec}).code == 403


def test_local_access(admin: Client, reader: str) -> None:
    path = f"{AUTHORIZATION}/namespaces/{reader}/localsubjectaccessreviews"
    spec = {"resourceAttributes": attributes(reader), "groups": ["developers"]}
    answer = admin.post(path, {"metadata": {"namespace": reader}, "spec": spec})
    assert answer.json["status"]["allowed"] is True
    elsewhere = {**spec, "resourceAttributes": attributes("default")}
    assert admin.post(path, {"spec": elsewhere}).refusal[:2] == (422, "Invalid")
    assert admin.post(path, {"metadata": {"namespace": "default"}, "spec": spec}).refusal[:2] == (400, "BadRequest")


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"resourceAttributes": {}, "nonResourceAttributes": {}},
    ],
)
def test_specs_that_say_nothing(admin: Client, spec: dict[str, Any]) -> None:
    assert admin.post(f"{AUTHORIZATION}/selfsubjectaccessreviews", {"spec": spec}).refusal[:2] == (422, "Invalid")
    attributes_only = {"spec": {"resourceAttributes": {"verb": "get"}}}
    assert admin.post(f"{AUTHORIZATION}/subjectaccessreviews", attributes_only).refusal[:2] == (422, "Invalid")


def test_malformed_reviews(admin: Client) -> None:
    path = f"{AUTHORIZATION}/selfsubjectaccessreviews"
    assert admin.post(path, {"spec": []}).refusal[:2] == (400, "BadRequest")
    assert admin.post(path, {"spec": {"resourceAttributes": {"verb": 1}}}).refusal[:2] == (400, "BadRequest")
    assert admin.post(path, {"kind": "Role"}).refusal[:2] == (400, "BadRequest")
    assert admin.get(path).refusal[:2] == (405, "MethodNotAllowed")
    assert admin.ask("POST", path, b"k8s\x00\xff", "application/vnd.kubernetes.protobuf").code == 400


def test_own_rules(alice: Client, reader: str) -> None:
    status = alice.post(f"{AUTHORIZATION}/selfsubjectrulesreviews", {"spec": {"namespace": reader}}).json["status"]
    assert POD_READER in status["resourceRules"]
    assert any("/api" in rule["nonResourceURLs"] for rule in status["nonResourceRules"])
    assert status["incomplete"] is False
    assert alice.post(f"{AUTHORIZATION}/selfsubjectrulesreviews", {"spec": {}}).refusal == (
        400,
        "BadRequest",
        "no namespace on request",
    )


def test_who_am_i(alice: Client) -> None:
    answer = alice.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
    assert answer.code == 201
    user = answer.json["status"]["userInfo"]
    assert user["username"] == "alice"
    assert user["groups"] == ["developers", "system:authenticated"]
