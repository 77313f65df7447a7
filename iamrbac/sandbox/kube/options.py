"""The options of a write, from query parameters, and the cluster that it is made in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from iamrbac.sandbox.kube.access import Access
from iamrbac.sandbox.kube.caller import Caller
from iamrbac.sandbox.kube.kinds import Kind
from iamrbac.sandbox.kube.request import Call
from iamrbac.sandbox.kube.status import (
    Cause,
    StatusError,
    forbidden_value,
    invalid,
    invalid_value,
    required_value,
    unsupported_value,
)
from iamrbac.sandbox.kube.store import Store

Validation = Literal["Strict", "Warn", "Ignore"]
APPLY: Final = "application/apply-patch+yaml"
_MANAGER_LENGTH: Final = 128


@dataclass(frozen=True, slots=True)
class Options:
    """How to write."""

    dry_run: bool = False
    manager: str = "unknown"
    validation: Validation = "Warn"
    force: bool = False


@dataclass(frozen=True, slots=True)
class Cluster:
    """What every write needs: the objects, who may do what, and the time now (RFC 3339, seconds)."""

    store: Store
    access: Access
    now: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Write:
    """One write by one caller to one kind in one namespace ("" where the kind has none)."""

    cluster: Cluster
    caller: Caller
    kind: Kind
    namespace: str
    options: Options
    subresource: str = ""
    warnings: list[str] = field(default_factory=list)
    """Grows while the write goes on; sent as Warning headers."""


def options(call: Call) -> Options:
    """Read the options of POST, PUT, PATCH and DELETE. Raises StatusError 422 when one is not allowed."""
    applying = call.media_type == APPLY
    manager, validation = call.query.get("fieldManager", ""), call.query.get("fieldValidation", "")
    causes = list(_faults(call, applying, manager, validation))
    if causes:
        raise _invalid(call, causes)
    return Options(
        dry_run=bool(call.query.get("dryRun")),
        manager=manager or _from_agent(call.headers.get("user-agent", "")),
        validation="Strict" if validation == "Strict" else "Ignore" if validation == "Ignore" else "Warn",
        force=call.flag("force"),
    )


def _faults(call: Call, applying: bool, manager: str, validation: str) -> list[Cause]:
    causes: list[Cause] = []
    if applying and not manager:
        causes.append(required_value("fieldManager", "is required for apply patch"))
    if not applying and "force" in call.query and call.method == "PATCH":
        causes.append(forbidden_value("force", "may not be specified for non-apply patch"))
    if len(manager) > _MANAGER_LENGTH:
        causes.append(
            Cause("FieldValueTooLong", "fieldManager", f"Too long: may not be more than {_MANAGER_LENGTH} bytes")
        )
    if not manager.isprintable():
        causes.append(invalid_value("fieldManager", manager, "invalid character"))
    dry_run = call.query.get("dryRun", "")
    if dry_run not in ("", "All"):
        causes.append(unsupported_value("dryRun", [dry_run], ("All",)))
    if validation not in ("", "Ignore", "Strict", "Warn"):
        causes.append(unsupported_value("fieldValidation", validation, ("", "Ignore", "Strict", "Warn")))
    return causes


def _invalid(call: Call, causes: list[Cause]) -> StatusError:
    kinds = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}
    return invalid("meta.k8s.io", kinds.get(call.method, "Options"), "", causes)


def _from_agent(agent: str) -> str:
    return agent.partition("/")[0][:_MANAGER_LENGTH] or "unknown"
