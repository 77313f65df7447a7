"""The parent of our ApplySet (KEP-3659): what it says of where our RBAC objects are, so that other tools understand it.

Keys, formats and rules are those that kubectl ships (kubectl, pkg/cmd/apply/applyset.go); the KEP's text still has
older keys. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from iamrbac.compile import names
from iamrbac.compile.desired import Key
from iamrbac.plan.observed import Observed
from iamrbac.rbac.objects import Binding, Role
from iamrbac.rbac.wire import API_GROUP

ID: Final = "applyset.kubernetes.io/id"
TOOLING: Final = "applyset.kubernetes.io/tooling"
KINDS: Final = "applyset.kubernetes.io/contains-group-kinds"
NAMESPACES: Final = "applyset.kubernetes.io/additional-namespaces"
TOOL: Final = "iamrbac"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where members of the set are."""

    kinds: frozenset[str] = frozenset()
    """KIND.GROUP"""
    namespaces: frozenset[str] = frozenset()

    def __or__(self, other: Scope) -> Scope:
        """Return both together."""
        return Scope(self.kinds | other.kinds, self.namespaces | other.namespaces)


def members(objects: Iterable[Observed], instance: str, home: str) -> frozenset[Key]:
    """Return the keys of RBAC objects that carry our ApplySet's label."""
    part_of = names.applyset_id(instance, home)
    return frozenset(
        item.key
        for item in objects
        if isinstance(item.spec, Role | Binding) and item.meta.labels.get(names.PART_OF_LABEL) == part_of
    )


def scope(keys: Iterable[Key]) -> Scope:
    """Return where members with these keys are."""
    keys = tuple(keys)
    return Scope(
        frozenset(f"{key.kind}.{API_GROUP}" for key in keys), frozenset(key.namespace for key in keys) - frozenset({""})
    )


def scope_of(annotations: Mapping[str, str]) -> Scope:
    """Return what a parent says."""
    return Scope(_listed(annotations.get(KINDS, "")), _listed(annotations.get(NAMESPACES, "")))


def parent_labels(instance: str, home: str) -> dict[str, str]:
    """Return the labels of our parent."""
    return {ID: names.applyset_id(instance, home), names.MANAGED_BY_LABEL: names.MANAGED_BY}


def parent_annotations(said: Scope, home: str, version: str) -> dict[str, str]:
    """Return the annotations of our parent, written by this version of ours; its own namespace is not named in it."""
    return {
        TOOLING: f"{TOOL}/v{version}",
        KINDS: ",".join(sorted(said.kinds)),
        NAMESPACES: ",".join(sorted(said.namespaces - {home})),
    }


def fault(labels: Mapping[str, str], annotations: Mapping[str, str], instance: str, home: str) -> str:
    """Return why a ConfigMap with our parent's name is not our parent; "" when it is."""
    tooling = annotations.get(TOOLING)
    if tooling is None:
        return f"it is there without the annotation {TOOLING}, so that it is not known whose it is"
    if tooling.rpartition("/")[0] != TOOL:
        return f"it belongs to another tool ({TOOLING}: {tooling})"
    found, own = labels.get(ID), names.applyset_id(instance, home)
    if found != own:
        return f"its label {ID} is {found or 'missing'}, and must be {own}"
    return ""


def settled(before: Collection[Key], changed: Mapping[Key, bool], done: Collection[Key]) -> frozenset[Key]:
    """Return the keys of all that may be members after a run.

    `changed` says of each key that the run was to write whether it is a member then; `done` are those that it wrote.
    What was not written for sure counts as it was and as it was to be.
    """
    unsure = frozenset(changed) - frozenset(done)
    kept = {key for key in before if key not in changed or key in unsure}
    return frozenset(kept | {key for key, member in changed.items() if member})


def _listed(text: str) -> frozenset[str]:
    return frozenset(part for part in text.split(",") if part)
