"""What a new cluster has: default namespaces, and the built-in roles and bindings of Kubernetes 1.34."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from iamrbac.sandbox.kube.kinds import RBAC_GROUP
from iamrbac.sandbox.kube.values import Json

NAMESPACES: Final = ("default", "kube-system", "kube-public", "kube-node-lease")
_API_VERSION: Final = f"{RBAC_GROUP}/v1"
_LABELS: Final = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_ANNOTATIONS: Final = {"rbac.authorization.kubernetes.io/autoupdate": "true"}


def manifests() -> Iterator[Json]:
    """Everything, in the order of creation. Aggregated roles come without rules."""
    for name in NAMESPACES:
        yield namespace(name)
    data = _data()
    for role in data["clusterRoles"]:
        body = {key: role[key] for key in ("rules", "aggregationRule") if key in role}
        yield _manifest("ClusterRole", role["name"], role.get("labels", {})) | body
    for binding in data["clusterRoleBindings"]:
        yield _manifest("ClusterRoleBinding", binding["name"], {}) | {
            "roleRef": {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": binding["role"]},
            "subjects": [{"apiGroup": RBAC_GROUP, "kind": "Group", "name": group} for group in binding["groups"]],
        }


def namespace(name: str) -> Json:
    """A Namespace manifest."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def is_default(labels: Mapping[str, str]) -> bool:
    """Whether an object's labels mark it as one of these."""
    return _LABELS.items() <= labels.items()


def _manifest(kind: str, name: str, labels: dict[str, str]) -> Json:
    metadata = {"name": name, "labels": {**_LABELS, **labels}, "annotations": dict(_ANNOTATIONS)}
    return {"apiVersion": _API_VERSION, "kind": kind, "metadata": metadata}


@cache
def _data() -> dict[str, Any]:
    text = files("iamrbac.sandbox.kube").joinpath("data/bootstrap.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data
