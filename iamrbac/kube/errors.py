"""What a cluster's API refuses, as one line with the next step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import urllib3.exceptions as faults

from iamrbac.model.errors import ConflictError, ExistsError, ForbiddenError, KubeError, NotMappedError

_UNKNOWN_OUTCOME = "run the same command again: it reads what is there and goes on from it"


def refusal(cluster: str, doing: str, status: int, body: object) -> KubeError:
    """Return the error for an answer that is no success. `doing` names the request, e.g. `list roles`."""
    said = _said(body)
    reason = said.get("reason", "")
    text = _one_line(str(said.get("message", ""))) or f"HTTP {status} without a reason"
    if status == 401:
        return NotMappedError(
            "the cluster does not take your AWS identity (401): no access entry or aws-auth row maps it",
            where=cluster,
            hint="`iamrbac doctor` says why that may be, and who can help",
        )
    if status == 409:
        if reason == "AlreadyExists":
            return ExistsError(text, where=cluster, hint="run the plan again: it was made since")
        return ConflictError(text, where=cluster, hint="run the same command again")
    kind = ForbiddenError if status == 403 else KubeError
    return kind(f"cannot {doing}: {text} ({status})", where=cluster, hint=_hint(doing, status, text))


def unreachable(cluster: str, endpoint: str, doing: str, error: Exception, *, writing: bool) -> KubeError:
    """Return the error for a request without an answer."""
    hint = "check the network, the VPN, the proxy, and whether the cluster's endpoint is private"
    if isinstance(error, faults.SSLError) or "SSL" in str(getattr(error, "reason", "")):
        hint = "check the clock and whether a proxy opens the connection"
    elif writing and not isinstance(error, faults.NewConnectionError):
        hint = _UNKNOWN_OUTCOME
    return KubeError(f"cannot {doing}: {endpoint} does not answer ({_fault(error)})", where=cluster, hint=hint)


def unreadable(cluster: str, doing: str, why: str) -> KubeError:
    """Return the error for an answer that cannot be understood: unknown is not empty."""
    return KubeError(f"cannot {doing}: {why}", where=cluster, hint="try again; check what answers at the endpoint")


def is_absence(body: object) -> bool:
    """Say whether a 404 comes from the API itself and means that the object is not there (not a proxy's page)."""
    return _said(body).get("reason") == "NotFound"


def _said(body: object) -> Mapping[str, Any]:
    return body if isinstance(body, Mapping) and body.get("kind") == "Status" else {}


def _hint(doing: str, status: int, text: str) -> str:
    if status == 403 and "not currently held" in text:
        return "have it done by somebody who holds these rights, or who may escalate and bind"
    if status == 403:
        return f"ask a cluster administrator for the right to {doing}"
    if status in (429, 500, 502, 503, 504):
        return "try again in a minute: the cluster's API is overloaded or starting"
    return "correct what the API names, then run the same command again"


def _fault(error: Exception) -> str:
    if isinstance(error, faults.NameResolutionError):
        return "its name does not resolve"
    if isinstance(error, faults.NewConnectionError):
        cause = error.__cause__ or error.__context__
        return cause.strerror or "no connection" if isinstance(cause, OSError) else "no connection"
    if isinstance(error, faults.TimeoutError):
        return "no answer in time"
    if isinstance(error, faults.ProtocolError):
        return "the connection broke off"
    return _one_line(str(getattr(error, "reason", "") or error)) or type(error).__name__


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
