"""RBAC manifests: what a command does on a cluster, as narrow as Kubernetes can say it.

A create cannot be limited to names (Kubernetes, Using RBAC Authorization, "Referring to resources"), so what is ours by
name has its own namespace.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from iamrbac.compile import names
from iamrbac.permissions.command import DOES, Command, Does

GROUP: Final = "rbac.authorization.k8s.io"
KINDS: Final = ("clusterrolebindings", "clusterroles", "rolebindings", "roles")
HOME: Final = (
    ("coordination.k8s.io", "leases", ("create", "get", "update")),
    ("", "configmaps", ("create", "delete", "get", "list", "update")),
    ("", "events", ("create",)),
)
"""(group, resource, verbs) in the home namespace: one apply at a time; backups, records, the ApplySet's parent."""


def rbac_objects(
    command: Command, home: str, *, manage_namespaces: bool = False, instance: str = ""
) -> list[dict[str, Any]]:
    """Return the ClusterRole and Roles of whoever runs a command, without bindings; [] where no right is needed.

    `instance` is the config's name, `home` the home namespace, which comes with them. What every
    authenticated user may do (system:basic-user) is left out. `manage_namespaces`: a cluster's missing namespaces are
    created.
    """
    does = DOES[command]
    name = f"iamrbac-{command.value}"
    objects: list[dict[str, Any]] = []
    if does.rbac:
        objects.append(
            _object("ClusterRole", name, "", _everywhere(does, instance, manage_namespaces=manage_namespaces))
        )
    if does.mappings:
        aws_auth = _rule("", ["configmaps"], ["get", *(["update"] if does.maps or does.migrates else [])])
        objects.append(_object("Role", name, "kube-system", [{**aws_auth, "resourceNames": ["aws-auth"]}]))
    if does.maps or does.migrates:
        # Then nobody who applies has to be able to create namespaces.
        labels = {names.MANAGED_BY_LABEL: names.MANAGED_BY}
        objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home, "labels": labels}})
    at_home = HOME if does.maps or does.migrates else ()
    ours = [_rule(group, [resource], verbs) for group, resource, verbs in at_home]
    ours += [_rule("", ["configmaps"], ["get"])] if does.record else []
    ours += [_rule("", ["configmaps"], ["list"])] if does.kept and not does.maps else []
    if ours:
        objects.append(_object("Role", name, home, ours))
    return objects


def _everywhere(does: Does, instance: str, *, manage_namespaces: bool) -> list[dict[str, Any]]:
    single = does.grants or does.witness or does.record
    verbs = [*(["get"] if single else []), *(["create", "delete", "update"] if does.grants else [])]
    rules = [
        _rule("", ["namespaces"], ["list", *(["create"] if does.grants and manage_namespaces else [])]),
        _rule(GROUP, KINDS, ["list", *verbs]),
    ]
    if does.grants:
        # Without these the API lets nobody write a role with rights that they do not hold themselves.
        rules.append(_rule(GROUP, ["clusterroles", "roles"], ["bind", "escalate"]))
    if does.migrates:
        # Between an entry and its policy administrators are so by a binding (migrate.bridge).
        bridge = {**_rule(GROUP, ["clusterrolebindings"], ["delete"]), "resourceNames": [f"iamrbac-migrate-{instance}"]}
        admin = {**_rule(GROUP, ["clusterroles"], ["bind"]), "resourceNames": ["cluster-admin"]}
        rules += [_rule(GROUP, ["clusterrolebindings"], ["create"]), bridge, admin]
    if does.witness:
        rules.append(_rule("argoproj.io", ["applications"], ["get"]))
        rules.append(_rule("kustomize.toolkit.fluxcd.io", ["kustomizations"], ["get"]))
    return rules


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": sorted(resources), "verbs": sorted(verbs)}


def _object(kind: str, name: str, namespace: str, rules: Sequence[dict[str, Any]]) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "rules": list(rules)}
