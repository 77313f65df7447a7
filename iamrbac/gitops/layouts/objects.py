"""One object, one file: what all layouts share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iamrbac.compile.desired import Desired
from iamrbac.gitops.files import Resource
from iamrbac.gitops.header import header
from iamrbac.gitops.yaml_text import Json, yaml_text
from iamrbac.rbac.objects import NO_LABELS

KEPT: Final[Mapping[str, str]] = {
    "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
}
"""Annotations of a namespace, so that neither Argo CD nor Flux ever deletes one, whatever happens to its file."""


def object_file(item: Desired) -> str:
    """Return an object's file below its folder: NAMESPACE/KIND-NAME.yaml, `_cluster` for objects without a namespace.

    No namespace can have an underscore in its name.
    """
    return f"{item.key.namespace or '_cluster'}/{item.key.kind}-{item.key.name}.yaml"


def resource_file(resource: Resource) -> str:
    """Return the file of an object that stands for an access entry, below its folder."""
    metadata = _metadata(resource)
    return f"_entries/{resource.value['kind']}-{metadata['name']}.yaml"


def resource_text(instance: str, resource: Resource, annotations: Mapping[str, str] = NO_LABELS) -> str:
    """Return such an object's whole file; annotations are added to its own."""
    value = dict(resource.value)
    if annotations:
        metadata = _metadata(resource)
        own = metadata.get("annotations")
        both = {**(own if isinstance(own, Mapping) else {}), **annotations}
        value["metadata"] = {**metadata, "annotations": dict(sorted(both.items()))}
    return header(instance, resource.origins) + yaml_text(value)


def _metadata(resource: Resource) -> Mapping[str, Json]:
    metadata = resource.value["metadata"]
    if not isinstance(metadata, Mapping):
        raise TypeError("a resource without metadata")
    return metadata
