"""The ServiceAccount, by a token of its own on a real API server, may do what is listed, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.conformance.http import Client
from tests.deploy.conftest import path_of
from tests.deploy.render import NAMESPACE, rendered

# One server is enough for them all.
pytestmark = [pytest.mark.e2e, pytest.mark.helm, pytest.mark.xdist_group("deploy")]
READ = ("get", "list", "watch")
WRITE = ("create", "update", "patch", "delete", "deletecollection")
SUBJECT = f"system:serviceaccount:{NAMESPACE}:iamrbac"
SHIPPED = {
    ("", "namespaces"): {"list"},
    **{
        ("rbac.authorization.k8s.io", kind): {"create", "delete", "get", "list", "update"}
        for kind in ("clusterrolebindings", "clusterroles", "rolebindings", "roles")
    },
}
"""What it may everywhere."""
AT_HOME = {
    ("coordination.k8s.io", "leases"): {"create", "get", "update"},
    ("", "configmaps"): {"create", "delete", "get", "list", "update"},
    ("", "events"): {"create"},
}
EVERYBODYS = {
    ("authorization.k8s.io", "selfsubjectaccessreviews"): {"create"},
    ("authorization.k8s.io", "selfsubjectrulesreviews"): {"create"},
    ("authentication.k8s.io", "selfsubjectreviews"): {"create"},
}
"""system:basic-user."""


@pytest.fixture
def account(admin: Client) -> Iterator[Client]:
    """The ServiceAccount with the chart's rights, by a token of its own, as in its Pod."""
    ours = [one for one in rendered("base") if one["kind"] in {"ServiceAccount", *_rbac_kinds()}]
    paths = [(path_of(admin, one), one) for one in ours]
    for path, one in paths:
        answer = admin.post(path, one)
        assert answer.code == 201, answer.json
    accounts = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/iamrbac"
    made = admin.post(f"{accounts}/token", {"spec": {"expirationSeconds": 3600}})
    assert made.code == 201, made.json
    client = Client(admin.url, admin.ca_pem, made.json["status"]["token"], patient=True)
    yield client
    client.close()
    for path, one in reversed(paths):
        admin.delete(f"{path}/{one['metadata']['name']}")


def _rbac_kinds() -> set[str]:
    return {f"{kind}{suffix}" for kind in ("ClusterRole", "Role") for suffix in ("", "Binding")}


def test_the_service_account_may_do_the_list_and_nothing_else(account: Client, admin: Client) -> None:
    """Every resource that the server has, each with every verb, at home, in kube-system and elsewhere."""
    rbac = "rbac.authorization.k8s.io"
    # What its authorizer has heard of last.
    assert account.settled(partial(_may, account, "list", ("", "namespaces")), True)
    assert account.settled(partial(_may, account, "create", ("", "events"), NAMESPACE), True)
    assert account.settled(partial(_may, account, "get", ("", "configmaps"), "kube-system", "aws-auth"), True)
    got: dict[str, dict[tuple[str, str], set[str]]] = {}
    for namespace in (NAMESPACE, "kube-system", "default"):
        found = got[namespace] = {}
        for resource, namespaced in _resources(admin):
            where = namespace if namespaced else ""
            verbs = {verb for verb in (*READ, *WRITE) if _may(account, verb, resource, where)}
            if verbs:
                found[resource] = verbs
    assert got["default"] == SHIPPED | EVERYBODYS
    assert got["kube-system"] == SHIPPED | EVERYBODYS
    assert got[NAMESPACE] == SHIPPED | EVERYBODYS | AT_HOME
    for kind in ("clusterroles", "roles"):
        for verb in ("bind", "escalate"):
            assert _may(account, verb, (rbac, kind), "" if kind == "clusterroles" else "default")
    named = {verb for verb in (*READ, *WRITE) if _may(account, verb, ("", "configmaps"), "kube-system", "aws-auth")}
    assert named == {"get", "update"}
    for whom in ("users", "groups", "serviceaccounts"):
        assert not _may(account, "impersonate", ("", whom))


def test_what_it_may_not_the_server_refuses(account: Client) -> None:
    """Not only by an answer about it."""
    assert account.settled(lambda: account.get("/api/v1/namespaces").code, 200)
    for path in (f"/api/v1/namespaces/{NAMESPACE}/secrets", "/api/v1/secrets", "/api/v1/pods", "/api/v1/nodes"):
        code, reason, message = account.get(path).refusal
        assert (code, reason) == (403, "Forbidden")
        assert f'User "{SUBJECT}" cannot list' in message
    lease = {"metadata": {"name": "iamrbac-sync"}, "spec": {"holderIdentity": "x"}}
    leases = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
    assert account.post(leases.format(NAMESPACE), lease, dryRun="All").code == 201
    assert account.post(leases.format("kube-system"), lease, dryRun="All").code == 403


def _resources(client: Client) -> list[tuple[tuple[str, str], bool]]:
    """((group, resource), namespaced) of what the server has, without parts of resources but those that matter."""
    found = {("", "pods/exec"): True, ("", "serviceaccounts/token"): True, ("", "pods/ephemeralcontainers"): True}
    bases = {"/api/v1": ""}
    for one in client.get("/apis").json["groups"]:
        bases[f"/apis/{one['preferredVersion']['groupVersion']}"] = one["name"]
    for base, group in bases.items():
        for one in client.get(base).json["resources"]:
            if "/" not in one["name"]:
                found[group, one["name"]] = one["namespaced"]
    return list(found.items())


def _may(client: Client, verb: str, resource: tuple[str, str], namespace: str = "", name: str = "") -> bool:
    kind, _, part = resource[1].partition("/")
    about: dict[str, Any] = {"verb": verb, "group": resource[0], "resource": kind, "namespace": namespace}
    about |= {"subresource": part, "name": name}
    answer = client.post(
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": {"resourceAttributes": about}}
    )
    assert answer.code == 201, answer.raw
    return bool(answer.json["status"]["allowed"])
