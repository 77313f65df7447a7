"""The parent of our ApplySet on one cluster: a ConfigMap that says where our RBAC objects are (plan.applyset)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from iamrbac import __version__
from iamrbac.model.errors import ApplySetError, ConflictError, ExistsError
from iamrbac.plan.applyset import Scope, fault, parent_annotations, parent_labels, scope_of
from iamrbac.usecases.home import ConfigMap
from iamrbac.usecases.ports import Kube

ATTEMPTS: Final = 5
"""How often others may write it meanwhile."""


def parent_name(instance: str) -> str:
    """Return the ConfigMap's name; `names.applyset_id` is made of it."""
    return f"iamrbac-{instance}"


def read_parent(kube: Kube, cluster: str, home: str, instance: str) -> ConfigMap | None:
    """Return the parent; None where there is none. Raises ApplySetError for somebody else's, KubeError."""
    found = kube.configmap(home, parent_name(instance))
    why = fault(found.labels, found.annotations, instance, home) if found is not None else ""
    if found is not None and why:
        place = f"{home}/{found.name}"
        raise ApplySetError(
            f"the ConfigMap {place}, which is to be the parent of our ApplySet, is not ours: {why}",
            where=cluster,
            hint=f"look at it (kubectl -n {home} get configmap {found.name} -o yaml), then remove it, or give this "
            "repository another metadata.name or home.namespace",
        )
    return found


def said_by(parent: ConfigMap | None) -> Scope:
    """Return where the parent says that members are."""
    return scope_of(parent.annotations) if parent is not None else Scope()


def write_parent(
    kube: Kube, cluster: str, home: str, instance: str, parent: ConfigMap | None, said: Scope
) -> ConfigMap:
    """Let the parent say `said`, and return it; where it does so already nothing is written.

    A newer version of ours alone is no reason to write. Raises ApplySetError, NoNamespaceError, ConflictError when
    others keep writing it, ForbiddenError, KubeError.
    """
    for attempt in range(1, ATTEMPTS + 1):
        wanted = _wanted(parent, home, instance, said)
        if parent is not None and (wanted == parent or said_by(parent) == scope_of(wanted.annotations)):
            return parent
        try:
            return kube.write_configmap(home, wanted)
        except (ConflictError, ExistsError):
            if attempt == ATTEMPTS:
                raise
        parent = read_parent(kube, cluster, home, instance)
    raise AssertionError("a loop that returns or raises")


def _wanted(parent: ConfigMap | None, home: str, instance: str, said: Scope) -> ConfigMap:
    """Labels, annotations and data of others on it stay."""
    base = parent if parent is not None else ConfigMap(parent_name(instance))
    return replace(
        base,
        labels={**base.labels, **parent_labels(instance, home)},
        annotations={**base.annotations, **parent_annotations(said, home, __version__)},
    )
