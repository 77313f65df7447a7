"""What Argo CD or Flux itself says of a cluster: which of its objects to ask for, and what their status means. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.layouts.argocd_application import application_name

_KUSTOMIZATION: Final = "Kustomization-"


@dataclass(frozen=True, slots=True)
class Asked:
    """A custom resource of the deliverer's."""

    kind: str
    api: str
    """GROUP/VERSION"""
    plural: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Said:
    """What one of the deliverer's objects says; texts are as it has them, "" where it says nothing."""

    about: Asked
    state: str = ""
    """Argo CD: Synced, OutOfSync, Unknown. Flux: Ready, NotReady, Unknown."""
    revision: str = ""
    """The commit that it compared with (Argo CD) or applied (Flux)."""
    attempted: str = ""
    """The commit that it tried last (Flux)."""
    health: str = ""
    message: str = ""
    unread: str = ""
    """Why it is not readable here; it may be there all the same."""


def asked_of(delivery: Delivery, ours: Iterable[str]) -> tuple[Asked, ...]:
    """Return what to ask for; () where the layout does not say who delivers. `ours` are the paths that we wrote."""
    if delivery.layout == "argocd":
        name = application_name(delivery)
        return (Asked("Application", "argoproj.io/v1alpha1", "applications", delivery.argocd.namespace, name),)
    if delivery.layout != "flux":
        return ()
    files = (PurePosixPath(path) for path in sorted(ours))
    found = (one.stem.removeprefix(_KUSTOMIZATION) for one in files if _is_kustomization(delivery, one))
    return tuple(
        Asked("Kustomization", "kustomize.toolkit.fluxcd.io/v1", "kustomizations", delivery.flux.namespace, name)
        for name in found
    )


def said_of(asked: Asked, value: Mapping[str, Any]) -> Said:
    """Return what an object says (argo-cd docs, Application status; fluxcd.io, Kustomization status)."""
    status = _mapping(value.get("status"))
    conditions = [_mapping(one) for one in _list(status.get("conditions"))]
    if asked.kind == "Kustomization":
        ready: Mapping[str, Any] = next((one for one in conditions if one.get("type") == "Ready"), {})
        states = {"True": "Ready", "False": "NotReady"}
        applied, attempted = (_commit(status.get(f"last{word}Revision")) for word in ("Applied", "Attempted"))
        state = states.get(_text(ready.get("status")), "Unknown")
        why = "" if state == "Ready" else _text(ready.get("message"))
        return Said(asked, state, applied, attempted if attempted != applied else "", message=why)
    sync, operation = _mapping(status.get("sync")), _mapping(status.get("operationState"))
    failed = _text(operation.get("phase")) not in ("", "Succeeded")
    told = [_text(operation.get("message"))] if failed else []
    told += [f"{_text(one.get('type'))}: {_text(one.get('message'))}" for one in conditions]
    return Said(
        asked,
        _text(sync.get("status")) or "Unknown",
        _text(sync.get("revision")),
        health=_text(_mapping(status.get("health")).get("status")),
        message="; ".join(one for one in told if one),
    )


def _is_kustomization(delivery: Delivery, path: PurePosixPath) -> bool:
    return str(path.parent) == delivery.flux.path and path.name.startswith(_KUSTOMIZATION)


def _commit(value: object) -> str:
    """Return the commit of main@sha1:COMMIT (Flux 2) or main/COMMIT (before)."""
    return _text(value).rpartition(":")[2].rpartition("/")[2]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
