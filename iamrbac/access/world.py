"""One cluster as the authorizer sees it: who is mapped to whom, and what RBAC and EKS policies give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from iamrbac.compile.desired import PolicyGrant
from iamrbac.mapping.aws_auth import Reading
from iamrbac.mapping.node import is_system
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.mapping.resolve import Mapped, mapped
from iamrbac.model.arn import comparable
from iamrbac.model.origin import Origin
from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.objects import Binding, RbacState, Request, Role, Rule, User
from iamrbac.rbac.subjects import with_authenticated

CLUSTER_ADMIN_POLICY = "AmazonEKSClusterAdminPolicy"
ObjectId: TypeAlias = tuple[str, str | None, str]
"""Kind, namespace and name."""
EVERYTHING = (
    Request(verb="*", resource="*", api_group="*"),
    Request(verb="*", resource="*", api_group="*", subresource="*"),
)


@dataclass(frozen=True, slots=True)
class World:
    """The mapping half and the RBAC half of one cluster, before or after a change."""

    entries: tuple[AccessEntry, ...] = ()
    associations: tuple[PolicyAssociation, ...] = ()
    reading: Reading | None = None
    rbac: RbacState = field(default_factory=RbacState)
    display: Mapping[ObjectId, str] = field(default_factory=dict)
    """A role of ours → the role as its policy calls it."""
    origins: Mapping[ObjectId, tuple[Origin, ...]] = field(default_factory=dict)
    """A binding of ours → the policy lines that it comes from."""
    members: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)
    """A principal as its entry or row has it → the policy lines that make it a member."""
    policies: Mapping[str, tuple[PolicyGrant, ...]] = field(default_factory=dict)
    """A set's Kubernetes group → the EKS access policies that the set's lines give."""
    ends: Mapping[str, datetime] = field(default_factory=dict)
    """A temporary grant's Kubernetes group → when it ends."""
    same: Mapping[str, str] = field(default_factory=dict)
    """A principal as the policies name it → what it is, which another revision may name otherwise."""


@dataclass(frozen=True, slots=True, order=True)
class Holding:
    """A role that a principal holds. `namespace` "" is the whole cluster."""

    principal: str
    """Canonical ARN: a role's without path, so that both mappings name it alike."""
    namespace: str
    role: str


def people(world: World) -> tuple[Mapped, ...]:
    """Everybody who is mapped, without nodes and other system principals."""
    systems = {comparable(entry.principal) for entry in world.entries if is_system(entry)}
    rows = world.reading.rows if world.reading is not None else ()
    systems |= {row.canonical for row in rows if is_system(row)}
    return tuple(one for one in mapped(world.entries, world.reading) if comparable(one.principal) not in systems)


def holdings(world: World) -> dict[Holding, frozenset[Rule]]:
    """Every role that every mapped person holds, with the rules behind it (an EKS policy has none here)."""
    authorizer = Authorizer(world.rbac)
    held: dict[Holding, frozenset[Rule]] = {}
    everybody = people(world)
    for person in everybody:
        principal = comparable(person.principal)
        if "system:masters" in person.groups:
            held[Holding(principal, "", "system:masters")] = frozenset()
        for binding, role in _bindings(authorizer, person):
            key = Holding(principal, binding.namespace or "", shown_role(world, binding))
            rules = frozenset(role.rules) if role is not None else frozenset()
            held[key] = held.get(key, frozenset()) | rules
    mapped_by_entry = {one.principal for one in everybody if one.source == "entry"}
    for association in world.associations:
        if association.principal in mapped_by_entry:
            for namespace in association.namespaces or ("",):
                held[Holding(comparable(association.principal), namespace, policy_name(association.policy))] = (
                    frozenset()
                )
    return held


def administrators(world: World) -> frozenset[str]:
    """Canonical ARNs of the people who may do everything: by system:masters, RBAC, or EKS's cluster admin policy."""
    authorizer = Authorizer(world.rbac)
    by_policy = {
        association.principal
        for association in world.associations
        if association.scope == "cluster" and policy_name(association.policy) == CLUSTER_ADMIN_POLICY
    }
    found = set()
    for person in people(world):
        user = with_authenticated(User(person.username, person.groups))
        by_entry = person.source == "entry" and person.principal in by_policy
        if by_entry or all(authorizer.allowed_by(user, request) for request in EVERYTHING):
            found.add(comparable(person.principal))
    return frozenset(found)


def is_default(binding: Binding) -> bool:
    """Return whether a binding is Kubernetes' own, or EKS's, which every cluster has."""
    return "kubernetes.io/bootstrapping" in binding.labels or binding.name.startswith(("system:", "eks:"))


def policy_name(arn: str) -> str:
    """Return the name at the end of an EKS access policy's ARN."""
    return arn.rsplit("/", 1)[-1]


def _bindings(authorizer: Authorizer, person: Mapped) -> Iterator[tuple[Binding, Role | None]]:
    # What everybody who logs in may do (discovery, self reviews) is nobody's access in particular.
    user = User(person.username, person.groups)
    yield from authorizer.bindings_of(user)


def shown_role(world: World, binding: Binding) -> str:
    """Return what a binding gives, as its policy calls it, else as RBAC does."""
    namespace = binding.namespace if binding.role_ref.kind == "Role" else None
    key = (binding.role_ref.kind, namespace, binding.role_ref.name)
    own = world.display.get(key)
    if own is not None:
        return own
    # As a policy writes it, so that nobody takes a ClusterRole for a template of the same name.
    return f"clusterRole {binding.role_ref.name}" if binding.role_ref.kind == "ClusterRole" else binding.role_ref.name
