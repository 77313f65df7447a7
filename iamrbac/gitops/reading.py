"""What a delivered file says: the object, for comparing it with what the policies mean. The opposite of the layouts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iamrbac.compile.desired import Desired, Key, Namespace
from iamrbac.rbac.validate import manifest_problems
from iamrbac.rbac.wire import binding_from_json, role_from_json

_RBAC = "rbac.authorization.k8s.io/v1"


def object_of(cluster: str, value: object) -> Desired | None:
    """Return a file's RBAC object or Namespace; None for anything else (a kustomization, an Argo CD object).

    `value` is the parsed file. Raises ValueError for an object that an API server would not take.
    """
    if not isinstance(value, Mapping):
        raise ValueError("it holds no object")
    kind, version = value.get("kind"), value.get("apiVersion")
    if kind == "Namespace" and version == "v1":
        metadata = _metadata(value)
        name = metadata.get("name")
        if not isinstance(name, str):
            raise ValueError("metadata.name: expected a text")
        return Desired(Key(cluster, "Namespace", "", name), Namespace(name), _labels(metadata))
    if version != _RBAC:
        return None
    if problems := manifest_problems(value):
        raise ValueError("; ".join(problems))
    if kind in ("Role", "ClusterRole"):
        role = role_from_json(value)
        return Desired(Key(cluster, role.kind, role.namespace or "", role.name), role, role.labels)
    if kind in ("RoleBinding", "ClusterRoleBinding"):
        binding = binding_from_json(value)
        return Desired(Key(cluster, binding.kind, binding.namespace or "", binding.name), binding, binding.labels)
    return None


def _metadata(value: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = value.get("metadata")
    if not isinstance(metadata, Mapping):
        raise ValueError("metadata: expected an object")
    return metadata


def _labels(metadata: Mapping[str, Any]) -> dict[str, str]:
    labels = metadata.get("labels") or {}
    if not isinstance(labels, Mapping) or not all(isinstance(text, str) for text in labels.values()):
        raise ValueError("metadata.labels: expected texts")
    return dict(labels)
