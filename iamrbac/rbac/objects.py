"""RBAC objects as values, the same for what is desired, observed and judged (rbac.authorization.k8s.io/v1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

RoleKind: TypeAlias = Literal["Role", "ClusterRole"]
BindingKind: TypeAlias = Literal["RoleBinding", "ClusterRoleBinding"]
SubjectKind: TypeAlias = Literal["User", "Group", "ServiceAccount"]

NO_LABELS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Rule:
    """A PolicyRule: either resources (with groups and names) or nonResourceURLs. Order is kept as written."""

    verbs: tuple[str, ...]
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Requirement:
    """One matchExpressions term of a label selector."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selector:
    """A LabelSelector: all terms must hold; an empty one selects everything."""

    match_labels: tuple[tuple[str, str], ...] = ()
    match_expressions: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """A Role (with namespace) or a ClusterRole (namespace None)."""

    kind: RoleKind
    namespace: str | None
    name: str
    rules: tuple[Rule, ...]
    aggregation: tuple[Selector, ...] = ()
    """aggregationRule.clusterRoleSelectors; ClusterRole only. The controller overwrites `rules` then."""
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS, compare=False)


@dataclass(frozen=True, slots=True)
class RoleRef:
    """What a binding binds: a kind and a name, immutable in the API."""

    kind: RoleKind
    name: str


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a binding names; `namespace` only for a ServiceAccount."""

    kind: str
    name: str
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """A RoleBinding (with namespace) or a ClusterRoleBinding (namespace None)."""

    kind: BindingKind
    namespace: str | None
    name: str
    role_ref: RoleRef
    subjects: tuple[Subject, ...]
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS, compare=False)


@dataclass(frozen=True, slots=True)
class RbacState:
    """All RBAC objects of one cluster, ours and other people's."""

    roles: tuple[Role, ...] = ()
    bindings: tuple[Binding, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """Who asks, as the API server sees it after authentication."""

    name: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, as the authorizer sees it after it read the HTTP request.

    Either `resource` (with api_group, subresource, name, namespace) or `path` for a non-resource URL.
    `namespace` and `name` are "" where the request has none; `api_group` "" is the core group.
    """

    verb: str
    resource: str = ""
    api_group: str = ""
    subresource: str = ""
    name: str = ""
    namespace: str = ""
    path: str = ""
