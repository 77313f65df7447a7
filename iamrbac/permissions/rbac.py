"""RBAC manifests: what a command does on a cluster, as narrow as Kubernetes can say it.

A create cannot be limited to names (Kubernetes, Using RBAC Authorization, "Referring to resources"), so what is ours by
name has its own namespace.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from iamrbac.compile import names
from iamrbac.permissions.command import DOES, Command

GROUP: Final = "rbac.authorization.k8s.io"
KINDS: Final = ("clusterrolebindings", "clusterroles", "rolebindings", "roles")
HOME: Final = (
    ("coordination.k8s.io", "leases", ("create", "get", "update")),
    ("", "configmaps", ("create", "delete", "get", "list", "update")),
    ("", "events", ("create",)),
)
"""(group, resource, verbs) in the home namespace: one apply at a time; backups, records, the ApplySet's parent."""


def rbac_objects(command: Command, home: str, *, manage_namespaces: bool = False) -> list[dict[str, Any]]:
    """Return the ClusterRole and Roles of whoever runs a command, without bindings; [] where no right is needed.

    `home` is the home namespace, which comes with them. What every authenticated user may do (system:basic-user) is
    left out. `manage_namespaces`: a cluster's missing namespaces are created.
    """
    does = DOES[command]
    if not does.rbac:
        return []
    verbs = ["list", *(["get"] if does.writes or does.witness or does.record else [])]
    rules = [
        _rule("", ["namespaces"], ["list", *(["create"] if does.writes and manage_namespaces else [])]),
        _rule(GROUP, KINDS, [*verbs, *(["create", "delete", "update"] if does.writes else [])]),
    ]
    if does.writes:
        # Without these the API lets nobody write a role with rights that they do not hold themselves.
        rules.append(_rule(GROUP, ["clusterroles", "roles"], ["bind", "escalate"]))
    if does.witness:
        rules.append(_rule("argoproj.io", ["applications"], ["get"]))
        rules.append(_rule("kustomize.toolkit.fluxcd.io", ["kustomizations"], ["get"]))
    name = f"iamrbac-{command.value}"
    objects = [_object("ClusterRole", name, "", rules)]
    if does.mappings:
        verbs = ["get", *(["update"] if does.writes else [])]
        aws_auth = {**_rule("", ["configmaps"], verbs), "resourceNames": ["aws-auth"]}
        objects.append(_object("Role", name, "kube-system", [aws_auth]))
    if does.record:
        objects.append(_object("Role", name, home, [_rule("", ["configmaps"], ["get"])]))
    if does.writes:
        # Then nobody who applies has to be able to create namespaces.
        labels = {names.MANAGED_BY_LABEL: names.MANAGED_BY}
        objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home, "labels": labels}})
        ours = [_rule(group, [resource], verbs) for group, resource, verbs in HOME]
        objects.append(_object("Role", name, home, ours))
    return objects


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": sorted(resources), "verbs": sorted(verbs)}


def _object(kind: str, name: str, namespace: str, rules: Sequence[dict[str, Any]]) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "rules": list(rules)}
