"""One audit event as the authorizer saw it.

Sources: Kubernetes' staging/src/k8s.io/apiserver/pkg/apis/audit/v1/types.go, pkg/endpoints/filters/audit.go (stages),
pkg/endpoints/filters/authorization.go (annotations) and pkg/audit/request.go (what is filled in later).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from iamrbac.rbac.objects import Request
from iamrbac.rbac.subjects import SERVICE_ACCOUNT

DECISION: Final = "authorization.k8s.io/decision"
REASON: Final = "authorization.k8s.io/reason"
TIME: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d")
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
_BOUND: Final = re.compile(r'allowed by ((?:Cluster)?RoleBinding) "([^"]+)"')
_ACTING: Final = re.compile(
    r'cannot (impersonate\S*) resource "([^"]*)" in API group "([^"]*)"(?: in the namespace "([^"]*)")?'
)
_ADDED: Final = ("system:authenticated", "system:unauthenticated", "system:serviceaccounts")
_AUTHENTICATION: Final = "authentication.k8s.io"
_NO_REF: Final[Mapping[str, Any]] = {}


def denied(event: Mapping[str, Any]) -> bool:
    """Return whether the authorizer said no: its own annotation, and without one the response's code.

    A request that it allowed may still end with 403: an admission plug-in said so.
    """
    annotations = event.get("annotations")
    decision = annotations.get(DECISION) if isinstance(annotations, dict) else None
    return bool(decision == "forbid" if decision else code_of(event) == FORBIDDEN)


def code_of(event: Mapping[str, Any]) -> int:
    """Return the response's HTTP code, 0 without one."""
    status = event.get("responseStatus")
    code = status.get("code") if isinstance(status, dict) else None
    return code if isinstance(code, int) else 0


def bound_by(event: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return kind, namespace and name of the binding that the API server itself says allowed it; else three "".

    Source: Kubernetes' pkg/registry/rbac/validation/rule.go (String of the binding describers).
    """
    annotations = event.get("annotations")
    reason = annotations.get(REASON) if isinstance(annotations, dict) else None
    found = _BOUND.search(reason) if isinstance(reason, str) else None
    if found is None:
        return "", "", ""
    name, _, namespace = found[2].partition("/")
    return found[1], namespace, name


def request_of(event: Mapping[str, Any]) -> Request:
    """Return what the authorizer was asked. Raises ValueError where a part is no text.

    The name of what is created is filled in from the object after the authorizer had none.
    """
    verb, ref = event.get("verb"), event.get("objectRef") or _NO_REF
    if not isinstance(verb, str) or not isinstance(ref, dict | Mapping):
        raise ValueError("it has no verb")
    if not ref:
        path = event.get("requestURI")
        if not isinstance(path, str):
            raise ValueError("it has neither an objectRef nor a requestURI")
        return Request(verb, path=path.partition("?")[0])
    parts = tuple(ref.get(one, "") for one in ("resource", "apiGroup", "subresource", "name", "namespace"))
    if not all(isinstance(part, str) for part in parts):
        raise ValueError("its objectRef has a wrong type")
    resource, group, subresource, name, namespace = parts
    if verb == "create" and not subresource:
        name = ""
    return Request(verb, resource, group, subresource, name, namespace)


def refused_of(event: Mapping[str, Any]) -> Request:
    """Return what was refused: the request, or to act as somebody else, of which only the message tells.

    Whoever may not do that is refused before the authorizer is asked about the request. Raises ValueError as above.
    """
    request = request_of(event)
    annotations, status = event.get("annotations"), event.get("responseStatus")
    decided = isinstance(annotations, dict) and DECISION in annotations
    message = status.get("message") if isinstance(status, dict) and not decided else None
    found = _ACTING.search(message) if isinstance(message, str) else None
    if found is None:
        return request
    verb, resource, api_group, namespace = found.groups(default="")
    if verb.startswith("impersonate-on:"):
        return replace(request, verb=verb)
    details = status.get("details") if isinstance(status, dict) else None
    name = details.get("name") if isinstance(details, dict) else None
    kind, _, subresource = resource.partition("/")
    return Request(verb, kind, api_group, subresource, name if isinstance(name, str) else "", namespace)


def impersonations(event: Mapping[str, Any]) -> Iterator[Request]:
    """Yield what whoever acts as somebody else must have been allowed first.

    The groups that are added to everybody are not asked for. Since Kubernetes 1.36 the event names the constraint by
    which it was allowed (KEP-5284); then the request itself was asked for, too, as what is done by it.
    Source: Kubernetes' pkg/endpoints/filters/impersonation.
    """
    user, metadata = event.get("impersonatedUser"), event.get("authenticationMetadata")
    constraint = metadata.get("impersonationConstraint") if isinstance(metadata, dict) else None
    if not isinstance(user, dict):
        return
    if isinstance(constraint, str) and constraint:
        yield from _as(user, constraint, _AUTHENTICATION)
        on = request_of(event)
        yield replace(on, verb=f"impersonate-on:{constraint.removeprefix('impersonate:')}:{on.verb}")
    else:
        yield from _as(user, "impersonate", "")


def _as(user: Mapping[str, Any], verb: str, api_group: str) -> Iterator[Request]:
    name, groups, extra = user.get("username"), user.get("groups"), user.get("extra")
    if isinstance(name, str) and name:
        namespace, colon, account = name.removeprefix(SERVICE_ACCOUNT).partition(":")
        if name.startswith(SERVICE_ACCOUNT) and colon:
            yield Request(verb, "serviceaccounts", api_group, name=account, namespace=namespace)
        elif verb.endswith("-node"):
            yield Request(verb, "nodes", api_group, name=name.removeprefix("system:node:"))
            return
        else:
            yield Request(verb, "users", api_group, name=name)
    for group in groups if isinstance(groups, list) else ():
        if isinstance(group, str) and not group.startswith(_ADDED):
            yield Request(verb, "groups", api_group, name=group)
    if isinstance(user.get("uid"), str) and user["uid"]:
        yield Request(verb, "uids", _AUTHENTICATION, name=user["uid"])
    for key, values in extra.items() if isinstance(extra, dict) else ():
        for value in values if isinstance(values, list) else ():
            if isinstance(value, str):
                yield Request(verb, "userextras", _AUTHENTICATION, str(key), value)
