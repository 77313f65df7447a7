"""Desired objects as the API's JSON: a new one, or an existing one with our part changed and the rest as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iamrbac.compile.desired import Desired, Namespace
from iamrbac.rbac.objects import Binding, Role
from iamrbac.rbac.wire import binding_to_json, role_to_json

OUR_LABELS = "iamrbac.dev/"
# What we say of an object; everything else that is on it stays.
_OURS = ("rules", "aggregationRule", "roleRef", "subjects")


def manifest(desired: Desired) -> dict[str, Any]:
    """Return a new object. Raises TypeError for what is not a Kubernetes object."""
    spec = desired.spec
    match spec:
        case Namespace():
            value: dict[str, Any] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": spec.name}}
        case Role():
            value = role_to_json(spec)
        case Binding():
            value = binding_to_json(spec)
        case _:
            raise TypeError(f"{desired.key.kind} is not a Kubernetes object")
    return {**value, "metadata": {**value["metadata"], "labels": dict(desired.labels)}}


def changed(current: Mapping[str, Any], desired: Desired) -> dict[str, Any]:
    """Return the current object with what is desired in it: our fields, our labels, nobody else's touched."""
    wanted = manifest(desired)
    labels = current["metadata"].get("labels") or {}
    kept = {name: value for name, value in labels.items() if not name.startswith(OUR_LABELS)}
    metadata = {**current["metadata"], "labels": {**kept, **desired.labels}}
    rest = {name: value for name, value in current.items() if name not in _OURS}
    return {**rest, **{name: wanted[name] for name in _OURS if name in wanted}, **_typed(wanted), "metadata": metadata}


def _typed(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": wanted["apiVersion"], "kind": wanted["kind"]}
