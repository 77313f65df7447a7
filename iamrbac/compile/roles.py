"""The role of an access line on one cluster: a template rendered once per request, or a ClusterRole that exists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from iamrbac.compile import names
from iamrbac.compile.desired import RenderRole, RoleFault, RoleRequest
from iamrbac.compile.sets import AccessSet
from iamrbac.model.documents import ClusterRoleRef, TemplateRole
from iamrbac.rbac.objects import Role, RoleKind, RoleRef, Rule

NOT_IN_A_NAMESPACE = RoleFault(
    "TPL012",
    "the template's rules have nonResourceURLs, which a role in a namespace cannot have",
    "take them out of the template, or use scope: cluster",
)


@dataclass(frozen=True, slots=True)
class BoundRole:
    """What a binding refers to, the name of the binding, and the rules where the role is ours."""

    name: str
    shown: str
    """As the policy calls it: `developer`, `clusterRole view`."""
    reference: RoleRef | None
    """The existing ClusterRole; None where the role is ours."""
    rules: tuple[Rule, ...]
    labels: Mapping[str, str]

    def role(self, namespace: str | None) -> Role | None:
        """Return the Role (or ClusterRole, without namespace) to make; None where it exists."""
        if self.reference is not None:
            return None
        kind: RoleKind = "Role" if namespace is not None else "ClusterRole"
        return Role(kind, namespace, self.name, self.rules, (), self.labels)

    def ref(self, namespace: str | None) -> RoleRef:
        """Return the roleRef of the binding."""
        if self.reference is not None:
            return self.reference
        return RoleRef("Role" if namespace is not None else "ClusterRole", self.name)


class RoleBook:
    """Names and renders roles for one run, for all clusters; equal rules and labels are one object."""

    def __init__(self, instance: str, home: str, render: RenderRole) -> None:
        self._instance = instance
        self._home = home
        self._render = render
        self._rules: dict[RoleRequest, tuple[Rule, ...] | RoleFault] = {}
        self._shared: dict[tuple[Rule, ...], tuple[Rule, ...]] = {}
        self._named: dict[tuple[str, str, str], str] = {}
        self._labels: dict[tuple[str, str, str | None], Mapping[str, str]] = {}
        self._canonical: dict[int, tuple[TemplateRole, str]] = {}

    def bound(
        self,
        choice: str | TemplateRole | ClusterRoleRef,
        one: AccessSet,
        cluster: str,
        labels: tuple[tuple[str, str], ...],
    ) -> BoundRole | RoleFault:
        """Return the role of an access line for a set on a cluster, or why the template gives none.

        `labels` are the cluster's, sorted.
        """
        if isinstance(choice, ClusterRoleRef):
            role = choice.cluster_role
            name = self._name(one, role, names.cluster_role_identity(role))
            return BoundRole(name, f"clusterRole {role}", RoleRef("ClusterRole", role), (), self._marks(one, None))
        template, parameters = (choice, "{}") if isinstance(choice, str) else self._parameters(choice)
        rules = self._rendered(RoleRequest(template, parameters, cluster, labels))
        if isinstance(rules, RoleFault):
            return rules
        name = self._name(one, template, names.template_identity(template, parameters))
        return BoundRole(name, template, None, rules, self._marks(one, template))

    def _rendered(self, request: RoleRequest) -> tuple[Rule, ...] | RoleFault:
        if request not in self._rules:
            rules = self._render(request)
            self._rules[request] = rules if isinstance(rules, RoleFault) else self._shared.setdefault(rules, rules)
        return self._rules[request]

    def _parameters(self, choice: TemplateRole) -> tuple[str, str]:
        """Return the template and its parameters as canonical JSON. The choice is kept, so that its id is its own."""
        known = self._canonical.get(id(choice))
        if known is None:
            text = json.dumps(dict(choice.parameters), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            known = self._canonical[id(choice)] = (choice, text)
        return choice.template, known[1]

    def _name(self, one: AccessSet, role: str, identity: str) -> str:
        key = (one.team, one.name, identity)
        if key not in self._named:
            self._named[key] = names.object_name(self._instance, one.team, one.name, role, identity)
        return self._named[key]

    def _marks(self, one: AccessSet, template: str | None) -> Mapping[str, str]:
        key = (one.team, one.name, template)
        if key not in self._labels:
            self._labels[key] = names.labels(self._instance, self._home, one.team, one.name, template)
        return self._labels[key]
