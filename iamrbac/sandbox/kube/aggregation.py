"""Aggregated ClusterRoles: what the clusterrole-aggregation-controller does, at once after each write."""

from __future__ import annotations

from typing import Final

from iamrbac.rbac.aggregate import aggregate, selects
from iamrbac.rbac.objects import Role
from iamrbac.rbac.wire import rule_to_json
from iamrbac.sandbox.kube.apply.fieldmanager import FieldManager
from iamrbac.sandbox.kube.canonical import complete
from iamrbac.sandbox.kube.kinds import BY_KIND
from iamrbac.sandbox.kube.options import Cluster
from iamrbac.sandbox.kube.store import Stored

CONTROLLER: Final = "clusterrole-aggregation-controller"
_CLUSTER_ROLE: Final = BY_KIND["ClusterRole"]


def settle(cluster: Cluster, *written: Stored | None) -> None:
    """Fill aggregated roles after ClusterRoles were written or deleted; `written` are their old and new forms.

    Without arguments: fill all, as at the start.
    """
    stored = {one.name: one for one in cluster.store.objects(_CLUSTER_ROLE, "")}
    gatherers = [one.role for one in stored.values() if one.role.aggregation]
    touched = [one.role for one in written if one is not None]
    if written and not any(_matters(role, gatherers) for role in touched):
        return
    for role in aggregate(one.role for one in stored.values()):
        if role.aggregation and role.rules != stored[role.name].role.rules:
            _write(cluster, stored[role.name], role)


def _matters(role: Role, gatherers: list[Role]) -> bool:
    if role.aggregation:
        return True
    return any(selects(selector, role.labels) for gatherer in gatherers for selector in gatherer.aggregation)


def _write(cluster: Cluster, stored: Stored, role: Role) -> None:
    config = {"rules": [rule_to_json(rule) for rule in role.rules]}
    manager = FieldManager(_CLUSTER_ROLE, cluster.now())
    merged, managed = manager.applied(stored.object, config, CONTROLLER, force=True)
    if not role.rules:
        merged["rules"] = None
    merged["metadata"]["managedFields"] = managed
    obj = complete(merged, _CLUSTER_ROLE.type)
    cluster.store.put(_CLUSTER_ROLE, obj)
