"""The role of an access line on one cluster: a template, rendered once per request, or a ClusterRole. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from iamrbac.compile import names
from iamrbac.compile.desired import RenderRole, RoleFault, RoleRequest
from iamrbac.compile.sets import AccessSet
from iamrbac.model.documents import Cluster, ClusterRoleRef, TemplateRole
from iamrbac.rbac.objects import Role, RoleKind, RoleRef, Rule


@dataclass(frozen=True, slots=True)
class BoundRole:
    """What a binding refers to, the name of the binding, and the role's rules where the role is ours."""

    name: str
    shown: str
    """As the policy calls it: `developer`, `view`."""
    rules: tuple[Rule, ...] | None
    """None for a ClusterRole that is not ours."""
    reference: str
    """The ClusterRole's name; for ours the same as `name`."""
    labels: Mapping[str, str]

    def role(self, namespace: str | None) -> Role | None:
        """Return the Role (or ClusterRole, without namespace) to make, None where it exists."""
        if self.rules is None:
            return None
        kind: RoleKind = "Role" if namespace is not None else "ClusterRole"
        return Role(kind, namespace, self.name, self.rules, (), self.labels)

    def ref(self, namespace: str | None) -> RoleRef:
        """Return the roleRef of the binding."""
        own = self.rules is not None and namespace is not None
        return RoleRef("Role" if own else "ClusterRole", self.reference)


class RoleBook:
    """Renders roles for one run; the same request is rendered once."""

    def __init__(self, instance: str, home: str, render: RenderRole) -> None:
        self._instance = instance
        self._home = home
        self._render = render
        self._rules: dict[RoleRequest, tuple[Rule, ...] | RoleFault] = {}
        self._bound: dict[tuple[str, str, str, str, str], BoundRole] = {}

    def bound(
        self, choice: str | TemplateRole | ClusterRoleRef, one: AccessSet, cluster: Cluster
    ) -> BoundRole | RoleFault:
        """Return the role of an access line for a set on a cluster, or why the template gives none."""
        if isinstance(choice, ClusterRoleRef):
            return self._existing(choice.cluster_role, one)
        template, parameters = (choice, "{}") if isinstance(choice, str) else (choice.template, _canonical(choice))
        request = RoleRequest(template, parameters, cluster.name, _labels(cluster))
        if request not in self._rules:
            self._rules[request] = self._render(request)
        rules = self._rules[request]
        if isinstance(rules, RoleFault):
            return rules
        key = (one.team, one.name, template, parameters, cluster.name)
        if key not in self._bound:
            identity = names.template_identity(template, parameters)
            name = names.object_name(self._instance, one.team, one.name, template, identity)
            marks = names.labels(self._instance, self._home, one.team, one.name, template)
            self._bound[key] = BoundRole(name, template, rules, name, marks)
        return self._bound[key]

    def _existing(self, cluster_role: str, one: AccessSet) -> BoundRole:
        key = (one.team, one.name, cluster_role, "", "")
        if key not in self._bound:
            identity = names.cluster_role_identity(cluster_role)
            name = names.object_name(self._instance, one.team, one.name, cluster_role, identity)
            marks = names.labels(self._instance, self._home, one.team, one.name)
            self._bound[key] = BoundRole(name, cluster_role, None, cluster_role, marks)
        return self._bound[key]


def _canonical(choice: TemplateRole) -> str:
    return json.dumps(dict(choice.parameters), sort_keys=True, separators=(",", ":"))


def _labels(cluster: Cluster) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(cluster.labels.items()))
