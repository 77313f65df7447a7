"""What the rules of lint look at: grants in their places, and what a rule says about one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from iamrbac.compile.documents import Documents
from iamrbac.findings.finding import Level
from iamrbac.model.origin import Path
from iamrbac.rbac.catalogue import Catalogue
from iamrbac.rbac.objects import Binding, Role, Rule
from iamrbac.rbac.subjects import SubjectKey

Rules: TypeAlias = tuple[Rule, ...]
KUBE_SYSTEM = "kube-system"
DEFAULT = "default"


class Scope(StrEnum):
    """How far a grant reaches."""

    CLUSTER = "cluster"
    NAMESPACE = "namespace"
    PRIVILEGED = "privileged"
    """A namespace whose workloads may do much on the whole cluster (lint.privilegedNamespaces)."""


class Where(NamedTuple):
    """All that matters of a place to rules about rights; equal ones are judged once."""

    scope: Scope
    namespace: str = ""
    """Only the names that mean something to Kubernetes: kube-system, default."""
    readonly: bool = False
    """The role's name says that it only reads."""


class Spot(NamedTuple):
    """Where a thing was said: in a document of the repository (file and path), or in a manifest (file and line)."""

    file: str
    path: Path = ()
    line: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Grant:
    """A role that some subjects have in one place on one cluster, and what says so."""

    cluster: str
    """"" for manifests by themselves."""
    namespace: str
    """"" is the whole cluster."""
    where: Where
    role: str
    """As a policy calls it: `developer`, `clusterRole edit`, `eksAccessPolicy AmazonEKSViewPolicy`."""
    rules: Rules | None
    """None where they are not known: there is no such role here, or AWS does not document the policy."""
    spots: tuple[Spot, ...]
    """The policy lines that give it; the manifest."""
    holders: tuple[SubjectKey, ...]
    """Who has it: a set's Kubernetes group, or a binding's subjects; () for a role that nothing binds."""
    team: str = ""
    own: bool = False
    """The role's rules are the repository's to change: a template's, or those of a role in the manifests."""
    binding: Binding | None = None
    """None for an EKS access policy, and for a role that nothing binds."""
    policy: str = ""
    """The EKS access policy's name."""
    object: str = ""
    """The manifest that gives it: RoleBinding payments/ci."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule says about a grant. `says` goes on after "developer in payments …"."""

    says: str
    rules: Rules = ()
    """The RBAC rules that are meant."""
    lower: bool = False
    """It holds for some names only, and so weighs one level less."""
    level: Level | None = None
    """Where it is not the rule's own for the place."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a rule says about a place of a document or manifest by itself; whole sentences."""

    says: str
    spot: Spot
    team: str = ""
    object: str = ""
    level: Level | None = None
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Sourced:
    """A role or binding of some manifests, and where it stands."""

    item: Role | Binding
    spot: Spot


@dataclass(frozen=True, slots=True)
class Shelf:
    """The documents of a repository as rules about documents see them."""

    documents: Documents
    at: datetime


@dataclass(frozen=True, slots=True)
class Ground:
    """What rules about grants and objects may ask of the cluster around them."""

    roles: dict[str, Role]
    """ClusterRoles by name, Kubernetes' own too."""
    catalogue: Catalogue
    errs: Callable[[Rules, Where], bool]
    """Whether rights would be an error where they are."""
    covers: Callable[[Rules, Rules], bool]
    """Whether the first give all that the second do."""


Grants: TypeAlias = Sequence[Grant]
