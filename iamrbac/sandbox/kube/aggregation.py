"""Aggregated ClusterRoles: what the clusterrole-aggregation-controller does, at once after each write."""

from __future__ import annotations

from typing import Final

from iamrbac.rbac.aggregate import gathered, selects
from iamrbac.rbac.objects import Role, Rule
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
    # What one role loses, those that gather it lose in the next round.
    for _ in gatherers:
        stored = {one.name: one for one in cluster.store.objects(_CLUSTER_ROLE, "")}
        found = gathered(one.role for one in stored.values())
        wrong = [name for name, rules in found.items() if rules != stored[name].role.rules]
        if not [name for name in wrong if _write(cluster, stored[name], found[name])]:
            return


def _matters(role: Role, gatherers: list[Role]) -> bool:
    if role.aggregation:
        return True
    return any(selects(selector, role.labels) for gatherer in gatherers for selector in gatherer.aggregation)


def _write(cluster: Cluster, stored: Stored, rules: tuple[Rule, ...]) -> bool:
    """Apply the rules as the controller does, and return whether that changed the role.

    No rules are no field: those that the controller wrote before go, somebody else's stay.
    """
    config = {"rules": [rule_to_json(rule) for rule in rules]} if rules else {}
    manager = FieldManager(_CLUSTER_ROLE, cluster.now())
    merged, managed = manager.applied(stored.object, config, CONTROLLER, force=True)
    merged["metadata"]["managedFields"] = managed
    obj = complete(merged, _CLUSTER_ROLE.type)
    changed: bool = obj.get("rules") != stored.object.get("rules")
    if changed:
        cluster.store.put(_CLUSTER_ROLE, obj)
    return changed
