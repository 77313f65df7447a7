"""Reading a cluster: all of it in one walk per kind, or an error that says why not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from iamrbac.compile.desired import Key
from iamrbac.kube.client import KubeApi
from iamrbac.model.errors import KubeError, NotMappedError
from iamrbac.plan.observed import AwsAuth, Meta, Observed, Target
from iamrbac.rbac.objects import Binding, Role, RoleRef, Rule, Subject
from tests.kube import server
from tests.kube.server import FakeApi, Fault, refuse, say

ROLES = "/apis/rbac.authorization.k8s.io/v1/roles"
CLUSTER_ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/rolebindings"
NAMESPACES = "/api/v1/namespaces"
AWS_AUTH = "/api/v1/namespaces/kube-system/configmaps/aws-auth"


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def target(api: FakeApi) -> Iterator[Target]:
    with server.serving(api) as found:
        yield found


@pytest.fixture
def kube(target: Target) -> Iterator[KubeApi]:
    client = KubeApi(target, lambda: "token", page=10, timeout=(1, 1), sleep=lambda _: None)
    yield client
    client.close()


def role(name: str, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "payments", "resourceVersion": "5", **metadata},
        "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}],
    }


def namespace(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": "3"}, **more}


def first_page(api: FakeApi) -> Fault:
    return lambda handler: server.send(handler, 200, api.page(ROLES, {"limit": ["10"]}))


def test_everything_is_read_into_values(api: FakeApi, kube: KubeApi) -> None:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "operator", "uid": "1"}
    api.lists[ROLES] = [role("reader", labels={"a": "b"}, annotations={"c": "d"}, ownerReferences=[owner])]
    api.lists[BINDINGS] = [
        {
            "metadata": {"name": "readers", "namespace": "payments", "resourceVersion": "6"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "readers"}],
        }
    ]
    api.lists[NAMESPACES] = [
        namespace("payments"),
        namespace("old", status={"phase": "Terminating"}),
        {"metadata": {"name": "older", "resourceVersion": "4", "deletionTimestamp": "2026-11-24T08:00:00Z"}},
    ]
    api.objects[AWS_AUTH] = {
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "resourceVersion": "9", "annotations": {"x": "y"}},
        "data": {"mapRoles": "- rolearn: a\r\n"},
    }
    assert kube.state() == (
        frozenset({"payments"}),
        (
            Observed(
                Key("development", "Role", "payments", "reader"),
                Role("Role", "payments", "reader", (Rule(("get",), ("",), ("pods",)),), labels={"a": "b"}),
                Meta({"a": "b"}, {"c": "d"}, ("Deployment/operator",), "5"),
            ),
            Observed(
                Key("development", "RoleBinding", "payments", "readers"),
                Binding(
                    "RoleBinding", "payments", "readers", RoleRef("Role", "reader"), (Subject("Group", "readers"),)
                ),
                Meta(version="6"),
            ),
        ),
        AwsAuth({"mapRoles": "- rolearn: a\r\n"}, {"x": "y"}, "9"),
    )


@pytest.mark.parametrize(("objects", "requests"), [(0, 6), (10, 6), (11, 7), (95, 15)])
def test_requests_grow_with_pages_only(api: FakeApi, kube: KubeApi, objects: int, requests: int) -> None:
    api.lists[ROLES] = [role(f"role-{number:03}") for number in range(objects)]
    _, found, _ = kube.state()
    assert [item.key.name for item in found] == [f"role-{number:03}" for number in range(objects)]
    assert len(api.requests) == requests


def test_connections_are_kept(api: FakeApi, kube: KubeApi) -> None:
    api.lists[ROLES] = [role(f"role-{number:03}") for number in range(95)]
    kube.state()
    kube.state()
    assert len(api.requests) == 30
    assert len(api.connections) <= 6


@pytest.mark.parametrize(
    "fault",
    [
        refuse(429, "TooManyRequests", **{"Retry-After": "1"}),
        refuse(500, "InternalError"),
        refuse(503, "ServiceUnavailable"),
        server.reset,
        server.cut_off,
        server.half_json,
    ],
)
@pytest.mark.parametrize("path", [ROLES, NAMESPACES, AWS_AUTH])
def test_a_fault_that_passes_is_not_seen(api: FakeApi, kube: KubeApi, fault: Fault, path: str) -> None:
    api.lists[ROLES] = [role("a"), role("b")]
    api.faults[path] = [fault, fault]
    _, found, aws_auth = kube.state()
    assert [item.key.name for item in found] == ["a", "b"]
    assert aws_auth is None


FAULTS: list[tuple[Fault, str]] = [
    (refuse(403, "Forbidden", 'roles is forbidden: User "alice" cannot list'), "is forbidden: User"),
    (refuse(500, "InternalError", "etcd is away"), "etcd is away (500)"),
    (server.reset, "does not answer (the connection broke off)"),
    (server.cut_off, "does not answer (the connection broke off)"),
    (server.half_json, "the answer (200) is not whole JSON"),
    (server.page_of_a_proxy, "the answer (404) is not whole JSON"),
    (refuse(404, "NotFound", "the server could not find the requested resource"), "could not find"),
    (refuse(302, "Found"), "(302)"),
    (say({"kind": "Status", "status": "Success"}), "the answer is not a list"),
    (say({"kind": "RoleList", "metadata": {}}), "the answer is not a list"),
    (say({"kind": "RoleList", "metadata": {}, "items": {}}), "the answer is not a list"),
    (say([]), "the answer is not a list"),
    (say({"kind": "RoleList", "metadata": {}, "items": ["x"]}), "another shape"),
    (say({"kind": "RoleList", "metadata": {}, "items": [{"metadata": {"name": "a"}}]}), "a has another shape"),
    (say({"kind": "RoleList", "metadata": {}, "items": [{**role("a"), "rules": "x"}]}), "a has another shape: rules"),
    (say({"kind": "RoleList", "metadata": {"continue": "10"}, "items": []}), "keeps naming the same next page"),
]


@pytest.mark.parametrize(("fault", "why"), FAULTS)
@pytest.mark.parametrize("page", [1, 2])
def test_a_read_that_stays_broken_is_an_error_never_a_part(
    api: FakeApi, kube: KubeApi, fault: Fault, why: str, page: int
) -> None:
    """The fault comes on the first or the second page of three."""
    api.lists[ROLES] = [role(f"role-{number:03}") for number in range(25)]
    good = [first_page(api)] * (page - 1)
    api.faults[ROLES] = [*good, *[fault] * 30]
    with pytest.raises(KubeError) as caught:
        kube.state()
    assert why in str(caught.value)
    assert str(caught.value).startswith("development: cannot list roles: ")
    assert caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", [NAMESPACES, BINDINGS, CLUSTER_ROLES, AWS_AUTH])
def test_one_kind_that_is_forbidden_fails_the_whole_read(api: FakeApi, kube: KubeApi, path: str) -> None:
    api.faults[path] = [refuse(403, "Forbidden", "no\nway")]
    with pytest.raises(KubeError) as caught:
        kube.state()
    doing = "get configmap kube-system/aws-auth" if path == AWS_AUTH else f"list {path.rpartition('/')[2]}"
    assert str(caught.value) == (
        f"development: cannot {doing}: no way (403). Next: ask a cluster administrator for the right to {doing}"
    )


def test_a_list_that_the_api_forgot_is_walked_again_from_the_start(api: FakeApi, kube: KubeApi) -> None:
    api.lists[ROLES] = [role(f"role-{number:03}") for number in range(25)]
    first = first_page(api)
    api.faults[ROLES] = [first, refuse(410, "Expired"), first, refuse(410, "Expired")]
    _, found, _ = kube.state()
    assert [item.key.name for item in found] == [f"role-{number:03}" for number in range(25)]


def test_a_list_that_is_always_forgotten_is_an_error(api: FakeApi, kube: KubeApi) -> None:
    api.lists[ROLES] = [role(f"role-{number:03}") for number in range(25)]
    first = first_page(api)
    api.faults[ROLES] = [first, refuse(410, "Expired")] * 3
    with pytest.raises(KubeError, match="changed faster than it could be read, 3 times"):
        kube.state()


def test_a_slow_api_is_an_error(api: FakeApi, target: Target) -> None:
    client = KubeApi(target, lambda: "token", timeout=(0.2, 0.05), sleep=lambda _: None)
    api.faults[ROLES] = [lambda handler: time.sleep(0.2)] * 4
    with pytest.raises(KubeError, match="no answer in time"):
        client.state()
    client.close()


def test_an_absent_api_is_an_error_with_the_next_step() -> None:
    client = KubeApi(server.target("http://127.0.0.1:1"), lambda: "token", sleep=lambda _: None)
    with pytest.raises(KubeError) as caught:
        client.aws_auth()
    assert str(caught.value) == (
        "development: cannot get configmap kube-system/aws-auth: http://127.0.0.1:1 does not answer"
        " (Connection refused). Next: check the network, the VPN, the proxy, and whether the cluster's endpoint"
        " is private"
    )


def test_a_caller_that_is_not_mapped_is_told_so(api: FakeApi, kube: KubeApi) -> None:
    api.tokens_taken = set()
    with pytest.raises(NotMappedError) as caught:
        kube.state()
    assert "iamrbac doctor" in caught.value.hint


def test_a_token_is_used_again_until_it_is_refused(api: FakeApi, target: Target) -> None:
    made = iter(["first", "second", "third"])
    client = KubeApi(target, lambda: next(made), sleep=lambda _: None)
    client.state()
    assert set(api.tokens) == {"first"}
    api.tokens.clear()
    api.tokens_taken = {"second"}
    client.state()
    client.close()
    assert set(api.tokens) == {"first", "second"}
    assert next(made) == "third"


def test_a_token_ends_before_eks_refuses_it(api: FakeApi, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("iamrbac.kube.transport.time.monotonic", lambda: now[0])
    made = iter(["first", "second"])
    client = KubeApi(target, lambda: next(made), sleep=lambda _: None)
    for now[0] in (0.0, 12.9 * 60, 13.1 * 60):
        client.aws_auth()
    client.close()
    assert api.tokens == ["first", "first", "second"]
