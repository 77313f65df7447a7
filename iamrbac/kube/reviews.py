"""What the cluster says of the caller: who she is, and what she may do in a namespace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iamrbac.kube.errors import refusal, unreadable
from iamrbac.kube.transport import Transport
from iamrbac.rbac.objects import Request, Rule, User
from iamrbac.rbac.wire import rule_from_json

_WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
_CAN = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def whoami(transport: Transport) -> User:
    """Return the caller's username and groups. Raises NotMappedError or KubeError."""
    doing = "ask who I am"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    status = _status(transport, doing, _WHOAMI, body)
    info = status.get("userInfo")
    if not isinstance(info, Mapping) or not isinstance(info.get("username"), str):
        raise unreadable(transport.cluster, doing, "the answer names no user")
    return User(info["username"], tuple(sorted(info.get("groups") or ())))


def rules(transport: Transport, namespace: str) -> tuple[tuple[Rule, ...], bool]:
    """Return the resource rules that apply to the caller in a namespace, and whether these are all.

    EKS's own authorizer (access policies) cannot list its rules, and the API says that its answer is incomplete then.
    Raises KubeError.
    """
    doing = f"ask what I may do in {namespace}"
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    status = _status(transport, doing, _RULES, body)
    found = status.get("resourceRules")
    if not isinstance(found, list):
        raise unreadable(transport.cluster, doing, "the answer has no resourceRules")
    try:
        return tuple(rule_from_json(rule) for rule in found), not status.get("incomplete")
    except ValueError as error:
        raise unreadable(transport.cluster, doing, str(error)) from error


def can(transport: Transport, request: Request) -> bool:
    """Say whether the caller may do it (SelfSubjectAccessReview). Raises KubeError."""
    return ruling(transport, request)[0]


def ruling(transport: Transport, request: Request) -> tuple[bool, str]:
    """Say whether the caller may do it, and why, as far as the cluster tells ("" where it does not). Raises KubeError.

    The cluster says why not only where something stood in the way of its own answer.
    """
    doing = f"ask whether I may {request.verb} {request.path or request.resource}"
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": _attributes(request),
    }
    status = _status(transport, doing, _CAN, body)
    allowed = status.get("allowed")
    if not isinstance(allowed, bool):
        raise unreadable(transport.cluster, doing, "the answer does not say whether it is allowed")
    said = [status.get("reason"), "" if allowed else status.get("evaluationError")]
    return allowed, "; ".join(one for one in said if isinstance(one, str) and one)


def _attributes(request: Request) -> dict[str, dict[str, str]]:
    if request.path:
        return {"nonResourceAttributes": {"verb": request.verb, "path": request.path}}
    attributes = {
        "verb": request.verb,
        "group": request.api_group,
        "resource": request.resource,
        "subresource": request.subresource,
        "name": request.name,
        "namespace": request.namespace,
    }
    return {"resourceAttributes": {name: value for name, value in attributes.items() if value}}


def _status(transport: Transport, doing: str, path: str, body: object) -> Mapping[str, Any]:
    answer = transport.write(doing, "POST", path, body)
    if answer.status == 404:
        raise refusal(transport.cluster, doing, 404, answer.body)
    status = answer.body.get("status") if isinstance(answer.body, Mapping) else None
    if not isinstance(status, Mapping):
        raise unreadable(transport.cluster, doing, "the answer has no status")
    return status
