"""Access reviews: what the authorizer says to whoever asks, without doing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from iamrbac.rbac.objects import Request, User
from iamrbac.rbac.wire import rule_to_json
from iamrbac.sandbox.kube import protobuf
from iamrbac.sandbox.kube.access import Access
from iamrbac.sandbox.kube.body import JSON, YAML, parse
from iamrbac.sandbox.kube.caller import Caller
from iamrbac.sandbox.kube.decode import check_kind
from iamrbac.sandbox.kube.request import Call
from iamrbac.sandbox.kube.status import (
    Cause,
    StatusError,
    bad_request,
    invalid,
    invalid_value,
    method_not_allowed,
    unsupported_media_type,
)
from iamrbac.sandbox.kube.values import Json

AUTHORIZATION: Final = "authorization.k8s.io"
AUTHENTICATION: Final = "authentication.k8s.io"
KINDS: Final[Mapping[tuple[str, str], str]] = {
    (AUTHENTICATION, "selfsubjectreviews"): "SelfSubjectReview",
    (AUTHORIZATION, "localsubjectaccessreviews"): "LocalSubjectAccessReview",
    (AUTHORIZATION, "selfsubjectaccessreviews"): "SelfSubjectAccessReview",
    (AUTHORIZATION, "selfsubjectrulesreviews"): "SelfSubjectRulesReview",
    (AUTHORIZATION, "subjectaccessreviews"): "SubjectAccessReview",
}
"""(group, plural) → kind; all of version v1, all create only."""

_NO_WEBHOOK_RULES: Final = "webhook authorizer does not support user rule resolution"


def review(access: Access, caller: Caller, call: Call) -> Json:
    """Answer a review. Raises StatusError."""
    kind = KINDS[call.group, call.resource]
    namespaced = kind == "LocalSubjectAccessReview"
    if call.method != "POST" or call.name or call.subresource or bool(call.namespace) is not namespaced:
        raise method_not_allowed()
    value = _read(call, kind)
    spec = value.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    answer: Json = {"kind": kind, "apiVersion": f"{call.group}/v1", "metadata": {"creationTimestamp": None}}
    match kind:
        case "SelfSubjectReview":
            return {**answer, "status": {"userInfo": _user_info(caller)}}
        case "SelfSubjectRulesReview":
            return {**answer, "spec": {}, "status": _rules(access, caller, spec)}
        case "SelfSubjectAccessReview":
            return {**answer, "spec": spec, "status": _access(access, caller, kind, spec)}
    if namespaced:
        _check_local(call, kind, value, spec)
        answer["metadata"]["namespace"] = call.namespace
    return {**answer, "spec": spec, "status": _access(access, _subject(kind, spec), kind, spec)}


def _read(call: Call, kind: str) -> Json:
    if call.media_type == protobuf.MEDIA_TYPE:
        try:
            value = protobuf.decode(call.body)
        except ValueError as error:
            raise bad_request(f"the object provided is unrecognized (must be of type {kind}): {error}") from None
    elif call.media_type in ("", JSON, YAML):
        value = parse(call.body, call.media_type, kind)
    else:
        raise unsupported_media_type((JSON, YAML, protobuf.MEDIA_TYPE))
    check_kind(kind, f"{call.group}/v1", value)
    return value


def _access(access: Access, caller: Caller, kind: str, spec: Json) -> Json:
    resource, url = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (resource is None) is (url is None):
        raise _wrong(kind, _one_of(resource, url))
    decision = access.decide(caller, _request(resource, url))
    status: Json = {"allowed": decision.allowed}
    if decision.reason:
        status["reason"] = decision.reason
    if decision.problem:
        # As upstream: what RBAC met on the way is both reason and evaluation error.
        status |= {"reason": decision.problem, "evaluationError": decision.problem.removeprefix("RBAC: ")}
    return status


def _one_of(resource: object, url: object) -> Cause:
    if resource is not None:
        why = "cannot be specified in combination with resourceAttributes"
        return invalid_value("spec.nonResourceAttributes", url, why)
    why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
    return invalid_value("spec.resourceAttributes", None, why)


def _request(resource: Any, url: Any) -> Request:
    if isinstance(url, dict):
        return Request(verb=_text(url, "verb"), path=_text(url, "path"))
    attributes = resource if isinstance(resource, dict) else {}
    return Request(
        _text(attributes, "verb"),
        _text(attributes, "resource"),
        _text(attributes, "group"),
        _text(attributes, "subresource"),
        _text(attributes, "name"),
        _text(attributes, "namespace"),
    )


def _text(value: Mapping[str, Any], key: str) -> str:
    text = value.get(key) or ""
    if not isinstance(text, str):
        raise bad_request(f"json: cannot unmarshal {key} into a string")
    return text


def _subject(kind: str, spec: Json) -> Caller:
    name, groups = _text(spec, "user"), spec.get("groups") or []
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise bad_request("json: cannot unmarshal groups into a list of strings")
    if not name and not groups:
        raise _wrong(kind, invalid_value("spec.user", name, "at least one of user or group must be specified"))
    extra = spec.get("extra") or {}
    if not isinstance(extra, dict):
        raise bad_request("json: cannot unmarshal extra into an object")
    return Caller(User(name, tuple(groups)), _text(spec, "uid"), {key: tuple(value) for key, value in extra.items()})


def _check_local(call: Call, kind: str, value: Json, spec: Json) -> None:
    metadata = value.get("metadata")
    namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
    if namespace and namespace != call.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    asked = (spec.get("resourceAttributes") or {}).get("namespace", "")
    if spec.get("resourceAttributes") is not None and asked != call.namespace:
        raise _wrong(kind, invalid_value("spec.resourceAttributes.namespace", asked, "must match metadata.namespace"))


def _rules(access: Access, caller: Caller, spec: Json) -> Json:
    namespace = _text(spec, "namespace")
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
