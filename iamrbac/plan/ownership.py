"""Whose an observed object is: ours, another tool's by name, or nobody's that says so (design §4, Ownership)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from iamrbac.compile import names
from iamrbac.plan.observed import Meta


@dataclass(frozen=True, slots=True)
class Ours:
    """Made by this instance: it may be changed and pruned."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another owner says that it keeps this object: it is named and refused, and cannot be adopted."""

    owner: str


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """Nobody's mark on it: made by hand, or by a tool that leaves none. Changed only when adopted."""


Owner = Ours | Foreign | Unclaimed

# The marks that other tools leave: (label or annotation, key, what to call the owner). Sources: each tool's own
# documentation on tracking, and kapp's and KEP-3659's label keys.
MARKS: Final = (
    ("annotation", "argocd.argoproj.io/tracking-id", "Argo CD"),
    ("label", "argocd.argoproj.io/instance", "Argo CD"),
    ("label", "kustomize.toolkit.fluxcd.io/name", "Flux Kustomization"),
    ("label", "helm.toolkit.fluxcd.io/name", "Flux HelmRelease"),
    ("annotation", "meta.helm.sh/release-name", "Helm release"),
    ("label", "kapp.k14s.io/app", "kapp app"),
    ("annotation", "configsync.gke.io/manager", "Config Sync"),
    ("label", "aws:cloudformation:stack-name", "CloudFormation stack"),
)
PART_OF: Final = "applyset.kubernetes.io/part-of"


def is_marked(meta: Meta, instance: str) -> bool:
    """Say whether an object carries our mark, whoever else may have marked it since."""
    return meta.labels.get(names.INSTANCE_LABEL) == instance


def owner_of(meta: Meta, instance: str) -> Owner:
    """Judge by labels (or tags), annotations and ownerReferences; `instance` is the config's name."""
    claimed = meta.labels.get(names.INSTANCE_LABEL)
    for place, key, tool in MARKS:
        value = (meta.labels if place == "label" else meta.annotations).get(key)
        if value is not None:
            return Foreign(f"{tool} {value}".strip())
    if meta.owners:
        return Foreign(meta.owners[0])
    if claimed == instance:
        return Ours()
    if claimed is not None:
        return Foreign(f"iamrbac instance {claimed}")
    if (applyset := meta.labels.get(PART_OF)) is not None:
        return Foreign(f"ApplySet {applyset}")
    manager = meta.labels.get(names.MANAGED_BY_LABEL)
    if manager is not None and manager != names.MANAGED_BY:
        return Foreign(manager)
    return Unclaimed()
