"""The documents of an access repository (apiVersion iamrbac.dev/v1alpha1), as typed values.

What one of these models refuses the published JSON Schema refuses too, and the other way round (a property test holds
them together). What needs more than one document to judge is in `compile/check.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

API_VERSION = "iamrbac.dev/v1alpha1"

# A DNS label as RFC 1123 says it; a team's and an instance's name are parts of labels, groups and object names.
LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
TeamName: TypeAlias = Annotated[StrictStr, Field(pattern=LABEL, max_length=40)]
SetName: TypeAlias = Annotated[StrictStr, Field(pattern=LABEL, max_length=40)]
DnsLabel: TypeAlias = Annotated[StrictStr, Field(pattern=LABEL, max_length=63)]
ClusterName: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[0-9A-Za-z][A-Za-z0-9_-]*$", max_length=100)]
Account: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[0-9]{12}$")]
Pattern: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9*?._-]+$", max_length=100)]
"""A name, or a shell pattern with * and ?."""
Text: TypeAlias = Annotated[StrictStr, Field(min_length=1)]


class Document(BaseModel):
    """Base of all parts: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class IamGroup(Document):
    """An IAM group: its users (`via: users`), or one role that it may assume (`via: role`)."""

    iam_group: Text = Field(alias="iamGroup")
    via: Literal["users", "role"] | None = None
    account: Account | None = None


class IamUser(Document):
    """An IAM user by name (with its path, if any) or ARN."""

    iam_user: Text = Field(alias="iamUser")
    account: Account | None = None


class IamRole(Document):
    """An IAM role by name with its path, or ARN."""

    iam_role: Text = Field(alias="iamRole")
    account: Account | None = None


class PermissionSet(Document):
    """An Identity Center permission set by name."""

    permission_set: Text = Field(alias="permissionSet")
    account: Account | None = None


Member: TypeAlias = IamGroup | IamUser | IamRole | PermissionSet


class TemplateRole(Document):
    """A role template with parameters."""

    template: DnsLabel
    parameters: Mapping[str, Any] = Field(default_factory=dict)


class ClusterRoleRef(Document):
    """A built-in or existing ClusterRole."""

    cluster_role: Text = Field(alias="clusterRole")


class EksAccessPolicy(Document):
    """An access policy that AWS manages, by name (AmazonEKSViewPolicy)."""

    eks_access_policy: Text = Field(alias="eksAccessPolicy")


RoleChoice: TypeAlias = DnsLabel | TemplateRole | ClusterRoleRef | EksAccessPolicy


class Access(Document):
    """One line of access: which sets, on which clusters, in which namespaces (or scope: cluster), with which role."""

    to: tuple[SetName, ...] | None = None
    """Set names; None means every set of the policy."""
    clusters: tuple[Pattern, ...] | Mapping[str, StrictStr]
    """Names and patterns, or labels that must all match."""
    namespaces: tuple[Pattern, ...] | None = None
    scope: Literal["cluster"] | None = None
    """Exactly one of namespaces and scope."""
    role: RoleChoice


class Metadata(Document):
    """The name of a policy (the team) or of a config (the instance)."""

    name: TeamName


class PolicySpec(Document):
    """Who is in the team's sets and what each may do."""

    owners: tuple[Text, ...] = ()
    members: Mapping[SetName, tuple[Member, ...]]
    access: tuple[Access, ...]


class AccessPolicy(Document):
    """A team's policy."""

    api_version: Literal["iamrbac.dev/v1alpha1"] = Field(alias="apiVersion")
    kind: Literal["AccessPolicy"]
    metadata: Metadata
    spec: PolicySpec


class TemporarySpec(Document):
    """Who gets what until when, and why."""

    team: TeamName
    members: tuple[Member, ...]
    access: tuple[Access, ...]
    """`to` is not allowed here: a temporary grant is a set of its own."""
    not_after: StrictStr = Field(alias="notAfter")
    """RFC 3339 with an offset."""
    reason: Text


class TemporaryGrant(Document):
    """Access that ends by itself; a set of its own in its team."""

    api_version: Literal["iamrbac.dev/v1alpha1"] = Field(alias="apiVersion")
    kind: Literal["TemporaryGrant"]
    metadata: Metadata
    spec: TemporarySpec


class IdentityConfig(Document):
    """Where the people are, and how an iamGroup becomes principals where the member does not say."""

    account: Account
    groups: Literal["users", "role"] | None = None


class Home(Document):
    """Where iamrbac keeps its own objects in a cluster."""

    namespace: DnsLabel = "iamrbac-system"


class Cluster(Document):
    """One EKS cluster."""

    name: ClusterName
    eks_name: ClusterName | None = Field(default=None, alias="eksName")
    account: Account
    region: Annotated[StrictStr, Field(pattern=r"^[a-z]{2,}(-[a-z]+)+-[0-9]+$")]
    labels: Mapping[str, StrictStr] = Field(default_factory=dict)
    mapping: Literal["access-entries", "aws-auth", "auto", "external"] = "auto"
    delivery: Literal["direct", "gitops"] = "direct"
    manage_namespaces: StrictBool = Field(default=False, alias="manageNamespaces")
    namespaces: tuple[DnsLabel, ...] | None = None
    """The catalogue for offline work; None means: read from the cluster."""

    @property
    def eks(self) -> str:
        """The cluster's name at EKS."""
        return self.eks_name or self.name


class NamespaceRule(Document):
    """Who owns the namespaces that match `name`, and which other teams may grant on them."""

    name: Pattern
    owner: TeamName
    accepts: tuple[TeamName, ...] = ()


class MaxRemovals(Document):
    """How many losses (principal × cluster) an apply may make without being asked; fraction counts from ten on."""

    count: Annotated[StrictInt, Field(ge=0)] = 5
    fraction: Annotated[StrictFloat | StrictInt, Field(ge=0, le=1)] = 0.25


class Guards(Document):
    """Limits that refuse an apply (never hide a plan)."""

    max_removals: MaxRemovals = Field(default_factory=MaxRemovals, alias="maxRemovals")
    min_admins: Annotated[StrictInt, Field(ge=0)] = Field(default=0, alias="minAdmins")
    protected_principals: tuple[Text, ...] = Field(default=(), alias="protectedPrincipals")


class Config(Document):
    """iamrbac.yaml: the instance, its clusters, namespace owners, suspended principals and guards."""

    api_version: Literal["iamrbac.dev/v1alpha1"] = Field(alias="apiVersion")
    kind: Literal["Config"]
    metadata: Metadata
    identity: IdentityConfig | None = None
    home: Home = Field(default_factory=Home)
    clusters: tuple[Cluster, ...]
    namespaces: tuple[NamespaceRule, ...] = ()
    suspended: tuple[Text, ...] = ()
    guards: Guards = Field(default_factory=Guards)
