"""Where the kinds that iamrbac reads and writes live in the Kubernetes API."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
# Kind → (API root, plural, lives in a namespace).
_KINDS: Final[dict[str, tuple[str, str, bool]]] = {
    "Namespace": ("/api/v1", "namespaces", False),
    "Role": (_RBAC, "roles", True),
    "RoleBinding": (_RBAC, "rolebindings", True),
    "ClusterRole": (_RBAC, "clusterroles", False),
    "ClusterRoleBinding": (_RBAC, "clusterrolebindings", False),
}
AWS_AUTH: Final = "/api/v1/namespaces/kube-system/configmaps/aws-auth"


def everywhere(kind: str) -> str:
    """Return the path that lists a kind in the whole cluster."""
    root, plural, _ = _KINDS[kind]
    return f"{root}/{plural}"


def collection(kind: str, namespace: str) -> str:
    """Return the path that an object of a kind is POSTed to; `namespace` is "" where it has none."""
    root, plural, namespaced = _KINDS[kind]
    return f"{root}/namespaces/{quote(namespace, safe='')}/{plural}" if namespaced else f"{root}/{plural}"


def item(kind: str, namespace: str, name: str) -> str:
    """Return the path of one object."""
    # RBAC names may hold colons and blanks (system:node).
    return f"{collection(kind, namespace)}/{quote(name, safe='')}"
