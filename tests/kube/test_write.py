"""Writes: nothing is adopted silently, nothing of others is lost, nothing newer is overwritten."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import trustme

from iamrbac.compile.desired import Desired, Key, Namespace
from iamrbac.kube.client import KubeApi
from iamrbac.model.errors import ConflictError, ExistsError, KubeError
from iamrbac.plan.observed import AwsAuth, Meta, Observed, Target
from iamrbac.rbac.objects import Binding, Request, Role, RoleRef, Rule, Subject, User
from tests.kube import server
from tests.kube.server import FakeApi, refuse, status

ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/payments/roles"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/payments/rolebindings"
AWS_AUTH = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
OURS = {"iamrbac.dev/instance": "acme", "app.kubernetes.io/managed-by": "iamrbac"}
ROLE = Desired(
    Key("development", "Role", "payments", "reader"),
    Role("Role", "payments", "reader", (Rule(("get",), ("",), ("pods",)),)),
    OURS,
)
ROLE_JSON = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "reader", "namespace": "payments", "labels": OURS},
    "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
}


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def target(api: FakeApi) -> Iterator[Target]:
    with server.serving(api) as found:
        yield found


@pytest.fixture
def kube(target: Target) -> Iterator[KubeApi]:
    client = KubeApi(target, lambda: "token", timeout=(1, 1), sleep=lambda _: None)
    yield client
    client.close()


def observed(version: str) -> Observed:
    return Observed(ROLE.key, Role("Role", "payments", "reader", ()), Meta(version=version))


def current(version: str) -> dict[str, Any]:
    return {
        "kind": "Role",
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": {
            "name": "reader",
            "namespace": "payments",
            "uid": "u",
            "resourceVersion": version,
            "labels": {"team": "payments", "iamrbac.dev/set": "gone", "iamrbac.dev/instance": "acme"},
            "annotations": {"note": "kept"},
            "finalizers": ["example.com/kept"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "kept", "uid": "1"}],
        },
        "rules": [],
    }


def test_create_posts_the_manifest(api: FakeApi, kube: KubeApi) -> None:
    kube.create(ROLE)
    kube.create(Desired(Key("development", "Namespace", "", "search"), Namespace("search"), OURS))
    binding = Binding("RoleBinding", "payments", "readers", RoleRef("Role", "reader"), (Subject("Group", "g"),))
    kube.create(Desired(Key("development", "RoleBinding", "payments", "readers"), binding, OURS))
    assert api.requests == [("POST", ROLES), ("POST", "/api/v1/namespaces"), ("POST", BINDINGS)]
    assert api.bodies[:2] == [
        ROLE_JSON,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "search", "labels": OURS}},
    ]
    assert api.bodies[2]["metadata"]["labels"] == OURS


def test_create_refuses_what_is_there(api: FakeApi, kube: KubeApi) -> None:
    message = 'roles.rbac.authorization.k8s.io "reader" already exists'
    api.posts[ROLES] = (409, status(409, "AlreadyExists", message))
    with pytest.raises(ExistsError) as caught:
        kube.create(ROLE)
    assert caught.value.message == message


def test_an_escalation_is_shown_in_one_line(api: FakeApi, kube: KubeApi) -> None:
    message = 'user "bob" is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""]}'
    api.posts[ROLES] = (403, status(403, "Forbidden", message))
    with pytest.raises(KubeError) as caught:
        kube.create(ROLE)
    assert str(caught.value) == (
        'development: cannot create role payments/reader: user "bob" is attempting to grant RBAC permissions not'
        ' currently held: {APIGroups:[""]} (403). Next: have it done by somebody who holds these rights, or who may'
        " escalate and bind"
    )


def test_update_keeps_what_is_not_ours(api: FakeApi, kube: KubeApi) -> None:
    api.objects[f"{ROLES}/reader"] = current("5")
    kube.update(observed("5"), ROLE)
    assert api.requests == [("GET", f"{ROLES}/reader"), ("PUT", f"{ROLES}/reader")]
    assert api.bodies == [
        {
            **current("5"),
            "metadata": {**current("5")["metadata"], "labels": {"team": "payments", **OURS}},
            "rules": ROLE_JSON["rules"],
        }
    ]


def test_what_is_given_back_loses_our_labels_and_nobody_elses(api: FakeApi, kube: KubeApi) -> None:
    ours = current("5")
    ours["metadata"]["labels"] |= {**OURS, "applyset.kubernetes.io/part-of": "applyset-x-v1"}
    api.objects[f"{ROLES}/reader"] = ours
    kube.update(observed("5"), replace(ROLE, labels={"app.kubernetes.io/managed-by": "hand"}, released=True))
    (body,) = api.bodies
    assert body["metadata"]["labels"] == {"team": "payments", "app.kubernetes.io/managed-by": "hand"}


@pytest.mark.parametrize("there", [True, False])
def test_update_refuses_what_changed(api: FakeApi, kube: KubeApi, there: bool) -> None:
    if there:
        api.objects[f"{ROLES}/reader"] = current("6")
    with pytest.raises(ConflictError, match="role payments/reader changed since it was read"):
        kube.update(observed("5"), ROLE)
    assert [method for method, _ in api.requests] == ["GET"]


def test_update_hears_a_conflict_that_comes_later(api: FakeApi, kube: KubeApi) -> None:
    api.objects[f"{ROLES}/reader"] = current("5")
    api.faults[f"{ROLES}/reader"] = [
        lambda handler: server.send(handler, 200, current("5")),
        refuse(409, "Conflict", "the object has been modified"),
    ]
    with pytest.raises(ConflictError, match="the object has been modified"):
        kube.update(observed("5"), ROLE)


def test_delete_names_the_version_that_was_seen(api: FakeApi, kube: KubeApi) -> None:
    api.objects[f"{ROLES}/reader"] = current("5")
    kube.delete(observed("5"))
    assert api.objects == {}
    assert api.bodies == [{"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"resourceVersion": "5"}}]
    kube.delete(observed("5"))


def test_delete_hears_a_conflict(api: FakeApi, kube: KubeApi) -> None:
    api.faults[f"{ROLES}/reader"] = [refuse(409, "Conflict", "the resourceVersion does not match")]
    with pytest.raises(ConflictError, match="does not match"):
        kube.delete(observed("5"))


def test_a_proxys_404_is_not_gone(api: FakeApi, kube: KubeApi) -> None:
    api.faults[f"{ROLES}/reader"] = [server.page_of_a_proxy]
    with pytest.raises(KubeError, match="404"):
        kube.delete(observed("5"))


def test_names_are_quoted(api: FakeApi, kube: KubeApi) -> None:
    key = Key("development", "ClusterRole", "", "a:b/c")
    kube.delete(Observed(key, Role("ClusterRole", None, "a:b/c", ()), Meta(version="1")))
    assert api.requests == [("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterroles/a%3Ab%2Fc")]


def test_a_namespace_is_never_deleted(api: FakeApi, kube: KubeApi) -> None:
    key = Key("development", "Namespace", "", "payments")
    with pytest.raises(KubeError, match="never deleted"):
        kube.delete(Observed(key, Namespace("payments"), Meta(version="1")))
    assert api.requests == []


@pytest.mark.parametrize("fault", [server.reset, refuse(500, "InternalError", "timeout"), server.cut_off])
def test_a_write_without_an_outcome_is_not_sent_again(api: FakeApi, kube: KubeApi, fault: server.Fault) -> None:
    api.faults[ROLES] = [fault]
    with pytest.raises(KubeError) as caught:
        kube.create(ROLE)
    assert caught.value.hint
    assert len(api.requests) == 1


def test_a_write_that_was_not_looked_at_is_sent_again(api: FakeApi, kube: KubeApi) -> None:
    api.faults[ROLES] = [refuse(429, "TooManyRequests", **{"Retry-After": "1"})] * 3
    kube.create(ROLE)
    assert len(api.requests) == 4


def test_aws_auth_is_written_over_what_was_read(api: FakeApi, kube: KubeApi) -> None:
    there: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "resourceVersion": "9", "labels": {"kept": "yes"}, "annotations": {"x": "y"}},
        "data": {"mapRoles": "old"},
        "binaryData": {"kept": "AA=="},
    }
    api.objects[AWS_AUTH] = there
    before = kube.aws_auth()
    assert before == AwsAuth({"mapRoles": "old"}, {"x": "y"}, "9")
    kube.write_aws_auth(before, {"mapRoles": "new"}, {"x": "y", "z": "1"})
    assert api.objects[AWS_AUTH] == {
        **there,
        "metadata": {**there["metadata"], "annotations": {"x": "y", "z": "1"}},
        "data": {"mapRoles": "new"},
    }


@pytest.mark.parametrize("there", [True, False])
def test_aws_auth_of_another_version_is_not_written(api: FakeApi, kube: KubeApi, there: bool) -> None:
    if there:
        api.objects[AWS_AUTH] = {"kind": "ConfigMap", "metadata": {"name": "aws-auth", "resourceVersion": "10"}}
    with pytest.raises(ConflictError):
        kube.write_aws_auth(AwsAuth({}, {}, "9"), {"mapRoles": "new"}, {})
    assert [method for method, _ in api.requests] == ["GET"]


def test_reviews(api: FakeApi, kube: KubeApi) -> None:
    api.posts["/apis/authentication.k8s.io/v1/selfsubjectreviews"] = (
        201,
        {
            "status": {
                "userInfo": {"username": "alice", "groups": ["system:authenticated", "iamrbac:acme:payments:dev"]}
            }
        },
    )
    api.posts["/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"] = (
        201,
        {
            "status": {
                "resourceRules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}],
                "nonResourceRules": [],
                "incomplete": True,
                "evaluationError": "webhook authorizer does not support user rule resolution",
            }
        },
    )
    api.posts["/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"] = (201, {"status": {"allowed": True}})
    assert kube.whoami() == User("alice", ("iamrbac:acme:payments:dev", "system:authenticated"))
    assert kube.rules("payments") == ((Rule(("get",), ("",), ("pods",)),), False)
    assert kube.can(Request("list", "pods", namespace="payments"))
    assert api.bodies[-1]["spec"] == {
        "resourceAttributes": {"verb": "list", "resource": "pods", "namespace": "payments"}
    }


@pytest.mark.parametrize("answer", [{}, {"status": {}}, {"status": "x"}, []])
def test_a_review_without_an_answer_is_an_error(api: FakeApi, kube: KubeApi, answer: Any) -> None:
    for path in ("authentication.k8s.io/v1/selfsubjectreviews", "authorization.k8s.io/v1/selfsubjectrulesreviews"):
        api.posts[f"/apis/{path}"] = (201, answer)
    api.posts["/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"] = (201, answer)
    for ask in (kube.whoami, lambda: kube.rules("payments"), lambda: kube.can(Request("get", "pods"))):
        with pytest.raises(KubeError, match="the answer"):
            ask()


def test_many_threads_share_one_client(api: FakeApi, target: Target) -> None:
    # With the product's own bounds: a second is short for twelve threads on a busy machine.
    kube = KubeApi(target, lambda: "token")
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(5):
                kube.create(ROLE)
        except KubeError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kube.close()
    assert errors == []
    assert len(api.requests) == 60
    assert len(api.connections) <= 12


def test_a_certificate_of_another_authority_is_refused(api: FakeApi) -> None:
    theirs, ours = trustme.CA(), trustme.CA()
    with server.serving(api, theirs) as found:
        pem = ours.cert_pem.bytes().decode()
        client = KubeApi(server.target(found.endpoint, pem), lambda: "token", sleep=lambda _: None)
        with pytest.raises(KubeError) as caught:
            client.aws_auth()
        client.close()
        assert "CERTIFICATE_VERIFY_FAILED" in caught.value.message
        assert caught.value.hint == "check the clock and whether a proxy opens the connection"
        client = KubeApi(
            server.target(found.endpoint, theirs.cert_pem.bytes().decode()), lambda: "token", sleep=lambda _: None
        )
        assert client.aws_auth() is None
        client.close()
