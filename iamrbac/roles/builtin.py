"""What every cluster has before anybody writes to it: Kubernetes' own ClusterRoles, bindings and resources.

The data are those of the API server that the tests run against, which compare it with them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from iamrbac.rbac.aggregate import aggregate
from iamrbac.rbac.catalogue import Catalogue, Resource
from iamrbac.rbac.objects import RbacState
from iamrbac.rbac.wire import binding_from_json, role_from_json


@dataclass(frozen=True, slots=True)
class Builtin:
    """The built-in part of a cluster."""

    version: str
    """1.36.3"""
    rbac: RbacState
    """ClusterRoles, aggregated, and ClusterRoleBindings; without those of Kubernetes' own controllers."""
    catalogue: Catalogue


@cache
def builtin() -> Builtin:
    """Return them; read once."""
    data = raw()
    roles = aggregate(role_from_json(one) for one in data["clusterRoles"])
    bindings = tuple(binding_from_json(one) for one in data["clusterRoleBindings"])
    resources = [
        Resource(
            one["group"],
            one["plural"],
            one["kind"],
            one["singular"],
            tuple(one.get("short", ())),
            one["namespaced"],
            tuple(one["verbs"]),
            tuple(one.get("subresources", ())),
        )
        for one in data["resources"]
    ]
    return Builtin(data["version"], RbacState(roles, bindings), Catalogue(resources))


@cache
def raw() -> dict[str, Any]:
    """Return the data as JSON: version, clusterRoles and clusterRoleBindings as manifests, resources."""
    text = files("iamrbac.roles").joinpath("data/kubernetes.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data
