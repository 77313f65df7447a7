"""Access reviews: what the authorizer says to whoever asks, without doing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from iamrbac.rbac.objects import Request, User
from iamrbac.rbac.wire import rule_to_json
from iamrbac.sandbox.kube.access import Access
from iamrbac.sandbox.kube.body import JSON, read
from iamrbac.sandbox.kube.caller import Caller
from iamrbac.sandbox.kube.decode import check_kind, checked
from iamrbac.sandbox.kube.kinds import AUTHORIZATION, REVIEWS, type_of
from iamrbac.sandbox.kube.request import Call
from iamrbac.sandbox.kube.status import (
    Cause,
    StatusError,
    bad_request,
    invalid,
    invalid_value,
    method_not_allowed,
)
from iamrbac.sandbox.kube.values import Json, metadata_of

_NO_WEBHOOK_RULES: Final = "webhook authorizer does not support user rule resolution"


def review(access: Access, caller: Caller, call: Call) -> Json:
    """Answer a review. Raises StatusError."""
    kind = REVIEWS[call.group, call.resource]
    namespaced = kind == "LocalSubjectAccessReview"
    if call.method != "POST" or call.name or call.subresource or bool(call.namespace) is not namespaced:
        raise method_not_allowed()
    value = _read(call, kind)
    spec = value.get("spec", {})
    answer: Json = {"kind": kind, "apiVersion": f"{call.group}/v1", "metadata": {"creationTimestamp": None}}
    match kind:
        case "SelfSubjectReview":
            return {**answer, "status": {"userInfo": _user_info(caller)}}
        case "SelfSubjectRulesReview":
            return {**answer, "spec": {}, "status": _rules(access, caller, spec)}
        case "SelfSubjectAccessReview":
            return {**answer, "spec": spec, "status": _decided(access, caller, kind, spec)}
    if namespaced:
        _check_local(call, kind, value, spec)
        answer["metadata"]["namespace"] = call.namespace
    return {**answer, "spec": spec, "status": _decided(access, _subject(kind, spec), kind, spec)}


def _read(call: Call, kind: str) -> Json:
    api_version = f"{call.group}/v1"
    value = read(call.body, call.media_type or JSON, kind)
    check_kind(kind, api_version, value)
    return checked(kind, type_of(api_version, kind) or "", value)


def _decided(access: Access, caller: Caller, kind: str, spec: Json) -> Json:
    resource, url = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and url is not None:
        why = "cannot be specified in combination with resourceAttributes"
        raise _wrong(kind, invalid_value("spec.nonResourceAttributes", url, why))
    if resource is None and url is None:
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise _wrong(kind, invalid_value("spec.resourceAttributes", None, why))
    decision = access.decide(caller, request_of(spec))
    status: Json = {"allowed": decision.allowed}
    if decision.reason:
        status["reason"] = decision.reason
    if decision.problem:
        # As upstream: what RBAC met on the way is both reason and evaluation error.
        status |= {"reason": decision.problem, "evaluationError": decision.problem.removeprefix("RBAC: ")}
    return status


def request_of(spec: Mapping[str, Any]) -> Request:
    """What a review's spec asks: its resourceAttributes, else its nonResourceAttributes."""
    resource = spec.get("resourceAttributes")
    if resource is None:
        url = spec.get("nonResourceAttributes") or {}
        return Request(verb=url.get("verb", ""), path=url.get("path", ""))
    return Request(
        resource.get("verb", ""),
        resource.get("resource", ""),
        resource.get("group", ""),
        resource.get("subresource", ""),
        resource.get("name", ""),
        resource.get("namespace", ""),
    )


def _subject(kind: str, spec: Json) -> Caller:
    subject = asked_about(spec)
    if not subject.user.name and not subject.user.groups:
        why = "at least one of user or group must be specified"
        raise _wrong(kind, invalid_value("spec.user", subject.user.name, why))
    return subject


def asked_about(spec: Mapping[str, Any]) -> Caller:
    """Whom a SubjectAccessReview's spec asks about."""
    extra = {key: tuple(values) for key, values in spec.get("extra", {}).items()}
    return Caller(User(spec.get("user", ""), tuple(spec.get("groups", []))), spec.get("uid", ""), extra)


def _check_local(call: Call, kind: str, value: Json, spec: Json) -> None:
    if metadata_of(value).get("namespace", call.namespace) != call.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if "nonResourceAttributes" in spec:
        why = "disallowed on this kind of request"
        raise _wrong(kind, invalid_value("spec.nonResourceAttributes", spec["nonResourceAttributes"], why))
    asked = spec.get("resourceAttributes", {}).get("namespace", "")
    if "resourceAttributes" in spec and asked != call.namespace:
        raise _wrong(kind, invalid_value("spec.resourceAttributes.namespace", asked, "must match metadata.namespace"))


def _rules(access: Access, caller: Caller, spec: Json) -> Json:
    namespace = spec.get("namespace", "")
    if not namespace:
        raise bad_request("no namespace on request")
    rules = access.rules(caller, namespace)
    status: Json = {
        "resourceRules": [rule_to_json(rule) for rule in rules if not rule.non_resource_urls],
        "nonResourceRules": [rule_to_json(rule) for rule in rules if rule.non_resource_urls],
        "incomplete": access.has_webhook,
    }
    if access.has_webhook:
        status["evaluationError"] = _NO_WEBHOOK_RULES
    return status


def _user_info(caller: Caller) -> Json:
    info: Json = {"username": caller.user.name, "uid": caller.uid, "groups": list(caller.user.groups)}
    info["extra"] = {key: list(values) for key, values in caller.extra.items()}
    return {key: value for key, value in info.items() if value}


def _wrong(kind: str, cause: Cause) -> StatusError:
    return invalid(AUTHORIZATION, kind, "", [cause])
