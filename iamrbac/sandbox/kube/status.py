"""Errors as metav1 Status, with the reasons and the wording of the real API server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

OPTIMISTIC_LOCK: Final = "the object has been modified; please apply your changes to the latest version and try again"


class StatusError(Exception):
    """A request that fails, with the Status that the client gets."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.metadata = metadata or {}

    def body(self) -> dict[str, Any]:
        """The Status object."""
        status: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": dict(self.metadata)}
        status.update(status="Failure", message=self.message)
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = {key: value for key, value in self.details.items() if value}
        status["code"] = self.code
        return status


@dataclass(frozen=True, slots=True)
class Cause:
    """One field that is wrong: type (FieldValueInvalid, …), path and message without the path."""

    type: str
    field: str
    message: str

    def as_json(self) -> dict[str, str]:
        """As in Status.details.causes."""
        return {"reason": self.type, "message": self.message, "field": self.field}


def _shown(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def invalid_value(field: str, value: object, why: str) -> Cause:
    """A value that is not allowed."""
    return Cause("FieldValueInvalid", field, f"Invalid value: {_shown(value)}" + (f": {why}" if why else ""))


def required_value(field: str, why: str = "") -> Cause:
    """A value that is missing."""
    return Cause("FieldValueRequired", field, "Required value" + (f": {why}" if why else ""))


def forbidden_value(field: str, why: str) -> Cause:
    """A value that must not be there."""
    return Cause("FieldValueForbidden", field, f"Forbidden: {why}")


def unsupported_value(field: str, value: object, supported: Sequence[str]) -> Cause:
    """A value that is none of those that exist."""
    known = ", ".join(f'"{one}"' for one in supported)
    return Cause("FieldValueNotSupported", field, f"Unsupported value: {_shown(value)}: supported values: {known}")


def qualified(group: str, name: str) -> str:
    """A resource or kind with its group, as messages show it: `roles.rbac.authorization.k8s.io`."""
    return f"{name}.{group}" if group else name


def _of(group: str, resource: str, name: str) -> dict[str, Any]:
    return {"name": name, "group": group, "kind": resource}


def not_found(group: str, resource: str, name: str) -> StatusError:
    """404 for an object."""
    message = f'{qualified(group, resource)} "{name}" not found'
    return StatusError(404, "NotFound", message, _of(group, resource, name))


def already_exists(group: str, resource: str, name: str) -> StatusError:
    """409 for a create of what is there."""
    message = f'{qualified(group, resource)} "{name}" already exists'
    return StatusError(409, "AlreadyExists", message, _of(group, resource, name))


def conflict(group: str, resource: str, name: str, why: str = OPTIMISTIC_LOCK) -> StatusError:
    """409 for a write against another version than the stored one."""
    message = f'Operation cannot be fulfilled on {qualified(group, resource)} "{name}": {why}'
    return StatusError(409, "Conflict", message, _of(group, resource, name))


def forbidden(group: str, resource: str, name: str, why: str, causes: Sequence[Cause] = ()) -> StatusError:
    """403; without a resource for a URL."""
    if not resource:
        message = f"forbidden: {why}"
    elif name:
        message = f'{qualified(group, resource)} "{name}" is forbidden: {why}'
    else:
        message = f"{qualified(group, resource)} is forbidden: {why}"
    details = _of(group, resource, name) | {"causes": [cause.as_json() for cause in causes]}
    return StatusError(403, "Forbidden", message, details)


def invalid(group: str, kind: str, name: str, causes: Sequence[Cause]) -> StatusError:
    """422 with every field that is wrong."""
    wrong = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    text = wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]"
    message = f'{qualified(group, kind)} "{name}" is invalid: {text}'
    return StatusError(
        422, "Invalid", message, _of(group, kind, name) | {"causes": [cause.as_json() for cause in causes]}
    )


def bad_request(message: str) -> StatusError:
    """400."""
    return StatusError(400, "BadRequest", message)


def unauthorized() -> StatusError:
    """401."""
    return StatusError(401, "Unauthorized", "Unauthorized")


def no_such_path() -> StatusError:
    """404 for a path that serves nothing."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> StatusError:
    """405 for a method that the path does not have."""
    message = "the server does not allow this method on the requested resource"
    return StatusError(405, "MethodNotAllowed", message, {})


def unsupported_media_type(accepted: Sequence[str]) -> StatusError:
    """415 with what would be accepted."""
    message = f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
    return StatusError(415, "UnsupportedMediaType", message)


def too_large(limit: int) -> StatusError:
    """413 for a body over `limit` bytes."""
    return StatusError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}")


def expired(message: str, metadata: Mapping[str, Any] | None = None) -> StatusError:
    """410 for a version that is no longer kept."""
    return StatusError(410, "Expired", message, metadata=metadata)


def rejected() -> StatusError:
    """422 for a JSON patch that does not apply."""
    return StatusError(422, "Invalid", "the server rejected our request due to an error in our request", {})


def plain_failure(message: str) -> StatusError:
    """500 without a reason: what the real server answers to an apply patch that does not fit the schema."""
    return StatusError(500, "", message)


def not_implemented(what: str) -> StatusError:
    """501: the sandbox does not do this, and says so rather than doing half of it."""
    return StatusError(501, "NotImplemented", f"the sandbox's embedded Kubernetes API does not implement {what}", {})
