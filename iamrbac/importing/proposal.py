"""What import works on and what it gives: clusters as read, lines of access, a proposal, and what could not be said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from iamrbac.compile.desired import Form
from iamrbac.mapping.objects import PolicyAssociation
from iamrbac.model.documents import AccessPolicy, Cluster
from iamrbac.plan.observed import ClusterState
from iamrbac.rbac.objects import Rule, User
from iamrbac.rbac.subjects import AUTHENTICATED, SubjectKey, keys_of


@dataclass(frozen=True, slots=True)
class Source:
    """One cluster as it was read, and how iamrbac would map people there."""

    cluster: Cluster
    state: ClusterState
    form: Form


@dataclass(frozen=True, slots=True, order=True)
class Unsaid:
    """Something that the policies do not say, and why."""

    cluster: str
    what: str
    why: str
    access: bool = True
    """Whether it gives somebody something today: nodes and dead mappings do not count."""


@dataclass(frozen=True, slots=True, order=True)
class RoleSaid:
    """A role as a policy names it."""

    kind: Literal["clusterRole", "eksAccessPolicy", "template"]
    name: str


Place: TypeAlias = str
"""A namespace, a pattern of an EKS access policy, or "" for the whole cluster."""


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """A role in a place of one cluster."""

    cluster: str
    role: RoleSaid
    place: Place


@dataclass(frozen=True, slots=True)
class Person:
    """A user or role that a cluster maps, and that a policy can name."""

    arn: str
    """Full, path included as far as it is known."""
    username: str
    groups: tuple[str, ...]
    associations: tuple[PolicyAssociation, ...] = ()

    @property
    def keys(self) -> tuple[SubjectKey, ...]:
        """By what bindings can name them; not what everybody is who logs in, which they stay."""
        found = keys_of(User(self.username, self.groups))
        return tuple(key for key in found if key != SubjectKey("Group", AUTHENTICATED))


@dataclass(frozen=True, slots=True)
class Taken:
    """Names that the repository has already."""

    teams: frozenset[str] = frozenset()
    templates: frozenset[str] = frozenset()
    """Also those that are shipped: a file of the same name would change what other policies mean."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Policies and templates for some clusters."""

    policies: tuple[AccessPolicy, ...] = ()
    """By team; the file of each is policies/TEAM.yaml."""
    templates: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    """Name → rules; the file of each is templates/roles/NAME.yaml.j2."""
    people: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
    """Cluster → whom the policies name there."""
    unsaid: tuple[Unsaid, ...] = ()
    notes: tuple[str, ...] = ()
    """What is said otherwise than it was, and what a person may want to look at."""
