"""What a new cluster has: default namespaces, and and Kubernetes' built-in roles and bindings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from iamrbac.roles.builtin import raw
from iamrbac.sandbox.kube.values import Json

NAMESPACES: Final = ("default", "kube-system", "kube-public", "kube-node-lease")
_LABELS: Final = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_ANNOTATIONS: Final = {"rbac.authorization.kubernetes.io/autoupdate": "true"}


def manifests() -> Iterator[Json]:
    """Everything, in the order of creation. Aggregated roles come without rules."""
    for name in NAMESPACES:
        yield namespace(name)
    for item in (*raw()["clusterRoles"], *raw()["clusterRoleBindings"]):
        yield {**item, "metadata": {**item["metadata"], "annotations": dict(_ANNOTATIONS)}}


def namespace(name: str) -> Json:
    """A Namespace manifest."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def is_default(labels: Mapping[str, str]) -> bool:
    """Whether an object's labels mark it as one of these."""
    return _LABELS.items() <= labels.items()
