"""Access policies as an authorization webhook: what the API server sends, and what it gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from iamrbac.rbac.objects import Request, User
from iamrbac.sandbox.controlplane.webhook import AuthorizationWebhook
from iamrbac.sandbox.kube.caller import Caller
from tests.conformance.http import Client

ASKED: list[tuple[Caller, Request]] = []


def allows(caller: Caller, request: Request) -> bool:
    ASKED.append((caller, request))
    return request.verb == "get"


@pytest.fixture
def webhook() -> Iterator[AuthorizationWebhook]:
    ASKED.clear()
    running = AuthorizationWebhook(allows)
    running.start()
    yield running
    running.stop()


def review(webhook: AuthorizationWebhook, spec: dict[str, Any], *, token: str | None = None) -> tuple[int, Any]:
    """Ask as the API server does, by the file that it is given."""
    config = json.loads(webhook.kubeconfig("ca.pem"))
    url = urlsplit(config["clusters"][0]["cluster"]["server"])
    bearer = config["users"][0]["user"]["token"] if token is None else token
    client = Client(f"https://{url.netloc}", webhook.ca_pem.decode(), bearer)
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    answer = client.post(f"{url.path}", body, timeout="10s")
    client.close()
    return answer.code, answer.json if answer.code == 200 else None


def test_a_resource(webhook: AuthorizationWebhook) -> None:
    spec = {
        "resourceAttributes": {
            "namespace": "payments",
            "verb": "get",
            "group": "apps",
            "version": "v1",
            "resource": "deployments",
            "subresource": "scale",
            "name": "web",
        },
        "user": "alice",
        "groups": ["developers", "system:authenticated"],
        "uid": "aws-iam-authenticator:111122223333:AIDA",
        "extra": {"principalId": ["AIDA"]},
    }
    assert review(webhook, spec) == (
        200,
        {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "status": {"allowed": True}},
    )
    caller = Caller(
        User("alice", ("developers", "system:authenticated")),
        "aws-iam-authenticator:111122223333:AIDA",
        {"principalId": ("AIDA",)},
    )
    assert [(caller, Request("get", "deployments", "apps", "scale", "web", "payments"))] == ASKED


def test_a_path(webhook: AuthorizationWebhook) -> None:
    code, answer = review(webhook, {"nonResourceAttributes": {"verb": "put", "path": "/healthz"}, "user": "bob"})
    assert (code, answer["status"]) == (200, {"allowed": False})
    assert [(Caller(User("bob")), Request("put", path="/healthz"))] == ASKED


def test_nobody_else_is_answered(webhook: AuthorizationWebhook) -> None:
    for token in ("", "wrong"):
        assert review(webhook, {"user": "bob"}, token=token) == (401, None)
    assert ASKED == []


def test_before_and_after(webhook: AuthorizationWebhook) -> None:
    webhook.stop()
    webhook.stop()
    with pytest.raises(RuntimeError, match="the authorization webhook is not running"):
        webhook.kubeconfig("ca.pem")
