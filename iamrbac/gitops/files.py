"""Files of a delivery repository on their way to be written, and the objects that they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from iamrbac.compile.desired import Desired, Kind
from iamrbac.gitops.yaml_text import Json
from iamrbac.model.origin import Origin

Files: TypeAlias = Mapping[str, str]
"""Path from the repository's top, with forward slashes → text."""
Stage: TypeAlias = Literal["namespaces", "roles", "bindings", "entries"]
STAGES: Final[tuple[Stage, ...]] = ("namespaces", "roles", "bindings", "entries")
"""The order in which a cluster should get them; what goes away goes in reverse."""
_STAGE_OF: Final[Mapping[Kind, Stage]] = {
    "Namespace": "namespaces",
    "Role": "roles",
    "ClusterRole": "roles",
    "RoleBinding": "bindings",
    "ClusterRoleBinding": "bindings",
}
KUBERNETES: Final = frozenset(_STAGE_OF)
"""Kinds that are Kubernetes objects; the others live in EKS and in aws-auth."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A Kubernetes object that stands for an access entry (ACK, Crossplane)."""

    value: Mapping[str, Json]
    """apiVersion, kind, metadata.name (with metadata.namespace where it has one), spec."""
    origins: tuple[Origin, ...] = ()


def stage_of(item: Desired) -> Stage:
    """Return the stage of a Kubernetes object. Raises KeyError for what is none."""
    return _STAGE_OF[item.key.kind]
