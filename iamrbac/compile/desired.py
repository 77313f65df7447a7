"""What compile gives: for each cluster the objects that should be there, each with the policy lines it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from iamrbac.findings.finding import Finding
from iamrbac.identity.assumable import AssumableRole, GroupPolicy
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.model.arn import partition_of
from iamrbac.model.documents import Cluster
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import NO_LABELS, Binding, Role, Rule

Kind: TypeAlias = Literal[
    "Namespace",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "AccessEntry",
    "AccessPolicyAssociation",
    "AwsAuthRow",
    "IamRole",
    "IamGroupPolicy",
]


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace that a cluster with manageNamespaces should have; never deleted by us."""

    name: str


Spec: TypeAlias = (
    Namespace | Role | Binding | AccessEntry | PolicyAssociation | AwsAuthRow | AssumableRole | GroupPolicy
)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What makes an object the same object: cluster, kind, namespace ("" where it has none) and name.

    Names: an access entry's principal ARN, an association's `PRINCIPAL#POLICY`, an aws-auth row's ARN, an IAM role's
    name, a group policy's `GROUP/POLICY`.
    """

    cluster: str
    """"" for what is in IAM, and so of all clusters."""
    kind: Kind
    namespace: str
    name: str
    account: str = ""
    """The AWS account of what is in IAM; "" for what is on a cluster."""


@dataclass(frozen=True, slots=True)
class Desired:
    """One object as it should be. `labels` are Kubernetes labels, or tags of an access entry or IAM role.

    Of a group policy, which has no tags, they say what it would be tagged with.
    """

    key: Key
    spec: Spec
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)
    origins: tuple[Origin, ...] = ()
    """The policy lines it comes from, sorted."""
    released: bool = False
    """It is ours no longer afterwards: of our labels, tags and records only what `labels` says stays."""


@dataclass(frozen=True, slots=True)
class PolicyGrant:
    """An EKS access policy that a set gets on one cluster, neutral of mapping."""

    policy: str
    """Its name: AmazonEKSViewPolicy."""
    namespaces: tuple[str, ...] | None
    """Sorted; None is the whole cluster."""
    origins: tuple[Origin, ...] = field(default=(), compare=False)
    """The policy lines it comes from, sorted."""


@dataclass(frozen=True, slots=True)
class Principals:
    """A Kubernetes group of ours on one cluster and who carries it, neutral of mapping (`compile` without --form)."""

    group: str
    """iamrbac:INSTANCE:TEAM:SET"""
    members: tuple[str, ...]
    """As declared, e.g. `iamGroup payments-developers`, sorted."""
    policies: tuple[PolicyGrant, ...] = ()
    """EKS access policies, by name; they have no RBAC object."""


@dataclass(frozen=True, slots=True)
class ClusterDesired:
    """Everything that one cluster should have from us."""

    cluster: str
    objects: tuple[Desired, ...]
    """Sorted by key."""
    principals: tuple[Principals, ...]
    roles: Mapping[str, str]
    """RBAC object name → the role as the policy calls it (`developer`, `clusterRole view`), for people to read."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """The result of compile: clusters that could be compiled, and everything there is to say."""

    clusters: Mapping[str, ClusterDesired]
    findings: tuple[Finding, ...]
    """Errors with `cluster` set concern that cluster only; without it, all of them."""
    iam: tuple[Desired, ...] = ()
    """IAM roles and group policies, sorted by key: those of ALL clusters of the config, whichever were compiled."""


Form: TypeAlias = Literal["access-entries", "aws-auth", "external", "neutral"]


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What has to be known of a cluster to compile for it."""

    form: Form
    """`neutral`: RBAC and `principals` only, offline; `external`: RBAC only, somebody else maps."""
    namespaces: frozenset[str] | None
    """Names from the cluster or the catalogue; None where neither is known (a pattern is an error then)."""
    partition: str = "aws"

    @classmethod
    def offline(cls, cluster: Cluster, form: Form) -> ClusterFacts:
        """Return what the config alone says: its catalogue of namespaces stands for what the cluster has."""
        known = frozenset(cluster.namespaces) if cluster.namespaces is not None else None
        return cls("external" if cluster.mapping == "external" else form, known, partition_of(cluster.region))


@dataclass(frozen=True, slots=True)
class RoleRequest:
    """A role template to render: the same request always gives the same rules."""

    template: str
    """developer stands for templates/roles/developer.yaml.j2."""
    parameters: str
    """Canonical JSON of the parameters, so that a request can be a key."""
    cluster: str
    labels: tuple[tuple[str, str], ...]
    """The cluster's labels, sorted."""


@dataclass(frozen=True, slots=True)
class RoleFault:
    """Why a template gives no rules; the compiler makes it a finding at the policy that asked."""

    id: str
    """TPL001…"""
    message: str
    hint: str
    template_line: int | None = None


RenderRole: TypeAlias = Callable[[RoleRequest], tuple[Rule, ...] | RoleFault]
