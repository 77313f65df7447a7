"""A desired object as the Kubernetes API's JSON: what `compile` shows and what a create sends are the same."""

from __future__ import annotations

from typing import Any

from iamrbac.compile.desired import Desired, Namespace
from iamrbac.rbac.objects import Binding, Role
from iamrbac.rbac.wire import binding_to_json, role_to_json


def manifest_json(item: Desired) -> dict[str, Any]:
    """Return the object, its labels sorted. Raises TypeError for what is not a Kubernetes object."""
    spec = item.spec
    if isinstance(spec, Role):
        manifest = role_to_json(spec)
    elif isinstance(spec, Binding):
        manifest = binding_to_json(spec)
    elif isinstance(spec, Namespace):
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": spec.name}}
    else:
        raise TypeError(f"{item.key.kind} is not a Kubernetes object")
    metadata = {name: value for name, value in manifest["metadata"].items() if name != "labels"}
    labels = {"labels": dict(sorted(item.labels.items()))} if item.labels else {}
    return {**manifest, "metadata": {**metadata, **labels}}
