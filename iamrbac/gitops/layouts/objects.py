"""One object, one file: what all layouts share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from iamrbac.compile.desired import Desired
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import STAGES, Files, Resource, Stage, stage_of
from iamrbac.gitops.header import header
from iamrbac.gitops.manifests import Manifests
from iamrbac.gitops.yaml_text import Json, yaml_text
from iamrbac.rbac.objects import NO_LABELS

KEPT: Final[Mapping[str, str]] = {
    "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
}
"""Annotations of a namespace, so that neither Argo CD nor Flux ever deletes one, whatever happens to its file."""
NO_MARKS: Final[Mapping[Stage, Mapping[str, str]]] = {}


@dataclass(frozen=True, slots=True)
class LaidOut:
    """The files of one cluster, by who owns them afterwards."""

    files: Files
    """Ours: written on every run, and removed when a run does not give them any more."""
    once: Files = field(default_factory=dict)
    """Written only where nothing is yet, and the user's from then on: never changed, never removed, without header."""
    shared: Files = field(default_factory=dict)
    """Ours, and the same text from every cluster that gives them: removed when no cluster does."""


def object_file(item: Desired) -> str:
    """Return an object's file below its folder: NAMESPACE/KIND-NAME.yaml, `_cluster` for objects without a namespace.

    No namespace can have an underscore in its name.
    """
    return f"{item.key.namespace or '_cluster'}/{item.key.kind}-{item.key.name}.yaml"


def resource_file(resource: Resource) -> str:
    """Return the file of an object that stands for an access entry, below its folder."""
    metadata = metadata_of(resource)
    return f"_entries/{resource.value['kind']}-{metadata['name']}.yaml"


def resource_text(instance: str, resource: Resource, annotations: Mapping[str, str] = NO_LABELS) -> str:
    """Return such an object's whole file; annotations are added to its own."""
    value = dict(resource.value)
    if annotations:
        metadata = metadata_of(resource)
        own = metadata.get("annotations")
        both = {**(own if isinstance(own, Mapping) else {}), **annotations}
        value["metadata"] = {**metadata, "annotations": dict(sorted(both.items()))}
    return header(instance, resource.origins) + yaml_text(value)


def stages(
    delivery: Delivery,
    objects: Iterable[Desired],
    resources: Sequence[Resource],
    marks: Mapping[Stage, Mapping[str, str]] = NO_MARKS,
) -> Mapping[Stage, Files]:
    """Return the file of every object below its folder, by stage in order, sorted; a stage without objects is empty.

    `marks` are annotations that all objects of a stage get. Namespaces get KEPT as well.
    """
    all_marks = {stage: marks.get(stage, NO_LABELS) for stage in STAGES}
    all_marks["namespaces"] = {**KEPT, **all_marks["namespaces"]}
    found: dict[Stage, dict[str, str]] = {stage: {} for stage in STAGES}
    manifests = Manifests()
    for item in objects:
        stage = stage_of(item)
        text = header(delivery.instance, item.origins) + manifests.text(item, all_marks[stage])
        found[stage][object_file(item)] = text
    for resource in resources:
        text = resource_text(delivery.instance, resource, all_marks["entries"])
        found["entries"][resource_file(resource)] = text
    return {stage: dict(sorted(files.items())) for stage, files in found.items()}


def own_object(delivery: Delivery, value: Mapping[str, Json]) -> str:
    """Return the file of an object that is for the deliverer itself."""
    return header(delivery.instance) + yaml_text(value)


def metadata_of(resource: Resource) -> Mapping[str, Json]:
    """Return the metadata of an object that stands for an access entry."""
    metadata = resource.value["metadata"]
    if not isinstance(metadata, Mapping):
        raise TypeError("a resource without metadata")
    return metadata
