"""iamrbac.yaml as typed values: the instance, its clusters, namespace owners, and what refuses a change or an apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictStr

from iamrbac.model.accounts import AnyAssumeRole, AssumeRole, assumed
from iamrbac.model.backups import Backups, BackupsChoice
from iamrbac.model.base import Document, Metadata, NotNull
from iamrbac.model.fleet import Fleet
from iamrbac.model.gates import Gate, Lint
from iamrbac.model.gitops import GitOps
from iamrbac.model.values import (
    Account,
    ClusterName,
    Count,
    DnsLabel,
    DnsSubdomain,
    Fraction,
    IndexPlaceText,
    LabelKey,
    ProxyUrl,
    Region,
    RoleNameTemplate,
    RulePattern,
    TeamName,
    Text,
)


class IdentityConfig(Document):
    """Where the people are, and how an iamGroup becomes principals where the member does not say."""

    account: Account = Field(description="The AWS account of users and groups.")
    groups: Annotated[Literal["users", "role"] | None, NotNull()] = Field(
        default=None, description="users: a group's users; role: one role that the group may assume. No hidden default."
    )
    role_name: RoleNameTemplate = Field(
        default="{instance}.{team}.{set}",
        alias="roleName",
        description="What the IAM role of a set is called that its groups may assume (via: role).",
    )
    assume_role: Annotated[AnyAssumeRole | None, NotNull()] = Field(
        default=None,
        alias="assumeRole",
        description="The role of that account by which IAM is asked: its ARN, or {roleArn, externalId, sessionName}. "
        "Without it, whoever runs iamrbac asks.",
    )

    @property
    def role(self) -> AssumeRole | None:
        """The role that is assumed to ask IAM; None: whoever runs iamrbac."""
        return assumed(self.assume_role)


class Home(Document):
    """Where iamrbac keeps its own objects in a cluster."""

    namespace: DnsLabel = Field(default="iamrbac-system", description="The namespace; no pattern ever matches it.")


class Cluster(Document):
    """One EKS cluster."""

    name: ClusterName = Field(description="What policies call it.")
    eks_name: Annotated[ClusterName | None, NotNull()] = Field(
        default=None, alias="eksName", description="Its name at EKS, where that differs."
    )
    account: Account = Field(description="The AWS account it is in.")
    region: Region = Field(description="The AWS region it is in.")
    assume_role: Annotated[AnyAssumeRole | None, NotNull()] = Field(
        default=None,
        alias="assumeRole",
        description="The role of that account by which plan and apply reach the cluster: its ARN, or {roleArn, "
        "externalId, sessionName}. Without it, whoever runs iamrbac does.",
    )
    labels: Mapping[LabelKey, StrictStr] = Field(default_factory=dict, description="Labels that policies select by.")
    mapping: Literal["access-entries", "aws-auth", "auto", "external"] = Field(
        default="auto",
        description="How principals are mapped; auto: access entries where the cluster has them, else aws-auth; "
        "external: somebody else maps, RBAC only.",
    )
    delivery: Literal["direct", "gitops"] = Field(
        default="direct",
        description="Who writes to the cluster: iamrbac itself, or Argo CD or Flux from a repository (see gitops).",
    )
    gitops: Annotated[GitOps | None, NotNull()] = Field(
        default=None, description="This cluster's own keys of the config's gitops."
    )
    manage_namespaces: StrictBool = Field(
        default=False, alias="manageNamespaces", description="Create namespaces that are missing; none is ever deleted."
    )
    namespaces: Annotated[tuple[DnsLabel, ...] | None, NotNull()] = Field(
        default=None, description="The catalogue for offline work; without it, names are read from the cluster."
    )

    proxy_url: Annotated[ProxyUrl | None, NotNull()] = Field(
        default=None,
        alias="proxyUrl",
        description="The proxy in front of a private endpoint, for iamrbac and for kubeconfigs; no user, no password.",
    )
    tls_server_name: Annotated[DnsSubdomain | None, NotNull()] = Field(
        default=None,
        alias="tlsServerName",
        description="The name in the endpoint's certificate, where it is reached by another one.",
    )

    @property
    def eks(self) -> str:
        """The cluster's name at EKS."""
        return self.eks_name or self.name

    @property
    def role(self) -> AssumeRole | None:
        """The role by which plan and apply reach it; None: whoever runs iamrbac."""
        return assumed(self.assume_role)


class NamespaceRule(Document):
    """Who owns the namespaces that match `name`, and which other teams may grant on them; the first match decides."""

    name: RulePattern = Field(description="A namespace's name, or a pattern with * and ?.")
    owner: TeamName = Field(description="The team that decides.")
    accepts: tuple[TeamName, ...] = Field(default=(), description="Other teams whose policies may grant there.")


class RemovalLimit(Document):
    """How many losses (principal × cluster) pass without being asked about; fraction counts from ten on."""

    count: Count = Field(default=5, description="Losses at most.")
    fraction: Fraction = Field(default=0.25, description="Part of all that there are, from ten on.")


class MaxRemovals(RemovalLimit):
    """How many losses (principal × cluster) an apply may make without being asked; fraction counts from ten on."""

    per_cluster: Annotated[RemovalLimit | None, NotNull()] = Field(
        default=None, alias="perCluster", description="How many on any one cluster, beside the limit for all of them."
    )
    per_team: Annotated[RemovalLimit | None, NotNull()] = Field(
        default=None,
        alias="perTeam",
        description="How many of any one team, on all clusters, beside the limit for all teams.",
    )
    per_kind: Annotated[RemovalLimit | None, NotNull()] = Field(
        default=None,
        alias="perKind",
        description="How many of our objects of any one kind (AccessEntry, AwsAuthRow, RoleBinding, …) may go, on all "
        "clusters, with nothing in their place; counts also where nobody is seen to lose (mapping: external).",
    )


class Guards(Document):
    """Limits that refuse an apply (never hide a plan)."""

    max_removals: MaxRemovals = Field(
        default_factory=MaxRemovals, alias="maxRemovals", description="How many may lose access in one apply."
    )
    min_admins: Count = Field(
        default=0, alias="minAdmins", description="How many administrators must be left on each cluster."
    )
    protected_principals: tuple[Text, ...] = Field(
        default=(), alias="protectedPrincipals", description="ARNs of users and roles that must never lose access."
    )
    admin_templates: tuple[DnsLabel, ...] = Field(
        default=(),
        alias="adminTemplates",
        description="Role templates that may give what cluster-admin gives; any other that does is refused.",
    )


class Config(Document):
    """iamrbac.yaml: the instance, its clusters, namespace owners, suspended principals and guards."""

    api_version: Literal["iamrbac.dev/v1alpha1"] = Field(alias="apiVersion", description="The language's version.")
    kind: Literal["Config"] = Field(description="The document's kind.")
    metadata: Metadata = Field(description="The instance: part of every group, label and tag.")
    identity: Annotated[IdentityConfig | None, NotNull()] = Field(default=None, description="Where the people are.")
    home: Home = Field(default_factory=Home, description="Where our own objects live in a cluster.")
    gitops: Annotated[GitOps | None, NotNull()] = Field(
        default=None, description="Where clusters with delivery: gitops are delivered, and how."
    )
    clusters: Annotated[tuple[Cluster, ...], Field(min_length=1)] = Field(description="The clusters, each once.")
    namespaces: tuple[NamespaceRule, ...] = Field(
        default=(), description="Who owns which namespace; the first rule that matches decides."
    )
    suspended: tuple[Text, ...] = Field(
        default=(), description="ARNs of users and roles that get nothing anywhere, whatever the policies say."
    )
    guards: Guards = Field(default_factory=Guards, description="Limits that refuse an apply.")
    backups: Annotated[BackupsChoice | None, NotNull()] = Field(
        default=None, description="Where else what an apply changes is kept, and how long: a place in S3, or a mapping."
    )
    fleet: Fleet = Field(
        default_factory=Fleet, description="How `iamrbac fleet` and `iamrbac sync` go over the clusters."
    )
    index: Annotated[IndexPlaceText | None, NotNull()] = Field(
        default=None,
        description="Where `iamrbac index` keeps the access index, which spares developers every right on EKS: a .json "
        "file of this repository, s3://BUCKET/KEY#ACCOUNT (default: identity.account), an SSM parameter's ARN, or "
        "https://HOST/PATH#ARN-OF-A-KMS-KEY.",
    )
    gates: tuple[Gate, ...] = Field(
        default=(), description="What refuses a change of the policies before it is merged."
    )
    lint: Lint = Field(default_factory=Lint, description="How strict iamrbac lint is.")

    @property
    def people(self) -> str | None:
        """The account of users and groups, where the config says one."""
        return self.identity.account if self.identity is not None else None

    @property
    def keeping(self) -> Backups:
        """What `backups` means, written out: with the account that a bucket must be of, where the config says one."""
        said = Backups(s3=self.backups) if isinstance(self.backups, str) else self.backups or Backups()
        people = {"account": self.identity.account} if self.identity is not None and said.account is None else {}
        return said.model_copy(update=people)
