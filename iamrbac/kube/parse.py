"""The API's JSON as observed objects. What does not have the shape of its kind is a ValueError, never skipped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iamrbac.compile.desired import Key, Kind, Spec
from iamrbac.plan.observed import AwsAuth, Meta, Observed
from iamrbac.rbac.wire import binding_from_json, role_from_json

Json = Mapping[str, Any]


def rbac_object(cluster: str, kind: Kind, value: object) -> Observed:
    """Return one item of an RBAC list, which does not repeat its kind. Raises ValueError."""
    item = _mapping(value, "item")
    typed = {**item, "kind": kind}
    spec: Spec = role_from_json(typed) if kind in ("Role", "ClusterRole") else binding_from_json(typed)
    metadata = _mapping(item.get("metadata"), "metadata")
    name = _text(metadata, "name")
    namespace = _text(metadata, "namespace") if kind in ("Role", "RoleBinding") else ""
    return Observed(Key(cluster, kind, namespace, name), spec, meta(metadata))


def namespace(value: object) -> str:
    """Return a namespace's name. Raises ValueError."""
    return _text(_mapping(_mapping(value, "item").get("metadata"), "metadata"), "name")


def terminating(value: object) -> bool:
    """Say whether an object is on its way out: nothing new can be made in such a namespace. Raises ValueError."""
    item = _mapping(value, "item")
    status = _mapping(item.get("status") or {}, "status")
    return bool(_mapping(item.get("metadata"), "metadata").get("deletionTimestamp")) or (
        status.get("phase") == "Terminating"
    )


def aws_auth(value: object) -> AwsAuth:
    """Return the ConfigMap. Raises ValueError."""
    item = _mapping(value, "object")
    if item.get("kind") != "ConfigMap":
        raise ValueError(f"expected a ConfigMap, found {item.get('kind')!r}")
    metadata = _mapping(item.get("metadata"), "metadata")
    return AwsAuth(
        data=_strings(item.get("data"), "data"),
        annotations=_strings(metadata.get("annotations"), "metadata.annotations"),
        version=_text(metadata, "resourceVersion"),
    )


def meta(metadata: Json) -> Meta:
    """Return what an object says of itself. Raises ValueError."""
    owners = metadata.get("ownerReferences") or ()
    if not isinstance(owners, list | tuple):
        raise ValueError("metadata.ownerReferences: expected a list")
    references = [_mapping(owner, "metadata.ownerReferences") for owner in owners]
    return Meta(
        labels=_strings(metadata.get("labels"), "metadata.labels"),
        annotations=_strings(metadata.get("annotations"), "metadata.annotations"),
        owners=tuple(f"{_text(owner, 'kind')}/{_text(owner, 'name')}" for owner in references),
        version=_text(metadata, "resourceVersion"),
    )


def _mapping(value: object, where: str) -> Json:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where}: expected an object")
    return value


def _text(value: Json, key: str) -> str:
    text = value.get(key)
    if not isinstance(text, str) or not text:
        raise ValueError(f"{key}: expected a text")
    return text


def _strings(value: object, where: str) -> dict[str, str]:
    items = _mapping(value or {}, where)
    for key, text in items.items():
        if not isinstance(text, str):
            raise ValueError(f"{where}.{key}: expected a text")
    return dict(items)
