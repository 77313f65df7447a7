"""The documents of an access repository (apiVersion iamrbac.dev/v1alpha1), as typed values.

What one of these models refuses the published JSON Schema refuses too, and the other way round (a property test holds
them together). What needs more than one document to judge is in `compile/check.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from iamrbac.model.base import API_VERSION, TAG, Document, Metadata, NotNull
from iamrbac.model.config import Cluster, Config, Guards, Home, IdentityConfig, MaxRemovals, NamespaceRule, RemovalLimit
from iamrbac.model.selector import ClusterSelector
from iamrbac.model.values import (
    Account,
    ClusterRoleName,
    DnsLabel,
    EksPolicyName,
    NamespacePattern,
    PermissionSetName,
    PrincipalName,
    SetName,
    TeamName,
    Text,
    Time,
)

__all__ = [
    "API_VERSION",
    "Access",
    "AccessPolicy",
    "Cluster",
    "ClusterRoleRef",
    "Config",
    "Document",
    "EksAccessPolicy",
    "Guards",
    "Home",
    "IamGroup",
    "IamRole",
    "IamUser",
    "IdentityConfig",
    "MaxRemovals",
    "Member",
    "Metadata",
    "NamespaceRule",
    "PermissionSet",
    "PolicySpec",
    "RemovalLimit",
    "RoleChoice",
    "TemplateRole",
    "TemporaryGrant",
    "TemporarySpec",
]


class IamGroup(Document):
    """An IAM group: its users (`via: users`), or one role that it may assume (`via: role`)."""

    iam_group: PrincipalName = Field(alias="iamGroup", description="The group's name or ARN.")
    via: Annotated[Literal["users", "role"] | None, NotNull()] = Field(
        default=None,
        description="How the group becomes principals; without it, what the config's identity.groups says.",
    )
    account: Annotated[Account | None, NotNull()] = Field(
        default=None, description="The group's account where it is not identity.account."
    )


class IamUser(Document):
    """An IAM user by name (with its path, if any) or ARN."""

    iam_user: PrincipalName = Field(alias="iamUser", description="The user's name, with its path if any, or ARN.")
    account: Annotated[Account | None, NotNull()] = Field(
        default=None, description="The user's account where it is not identity.account."
    )


class IamRole(Document):
    """An IAM role by name with its path, or ARN."""

    iam_role: PrincipalName = Field(alias="iamRole", description="The role's name, with its path if any, or ARN.")
    account: Annotated[Account | None, NotNull()] = Field(
        default=None, description="The role's account where it is not the cluster's."
    )


class PermissionSet(Document):
    """An Identity Center permission set by name."""

    permission_set: PermissionSetName = Field(alias="permissionSet", description="The permission set's name.")
    account: Annotated[Account | None, NotNull()] = Field(
        default=None, description="The account it is assigned in where that is not the cluster's."
    )


Member: TypeAlias = IamGroup | IamUser | IamRole | PermissionSet


class TemplateRole(Document):
    """A role template with parameters."""

    template: DnsLabel = Field(description="developer stands for templates/roles/developer.yaml.j2.")
    parameters: Mapping[str, Any] = Field(default_factory=dict, description="What the template is given.")


class ClusterRoleRef(Document):
    """A built-in or existing ClusterRole."""

    cluster_role: ClusterRoleName = Field(alias="clusterRole", description="The ClusterRole's name, e.g. view.")


class EksAccessPolicy(Document):
    """An access policy that AWS manages, by name (AmazonEKSViewPolicy)."""

    eks_access_policy: EksPolicyName = Field(alias="eksAccessPolicy", description="Its name, e.g. AmazonEKSViewPolicy.")


RoleChoice: TypeAlias = DnsLabel | TemplateRole | ClusterRoleRef | EksAccessPolicy

MEMBER_KEYS: Final[Mapping[str, type[Document]]] = {
    "iamGroup": IamGroup,
    "iamUser": IamUser,
    "iamRole": IamRole,
    "permissionSet": PermissionSet,
}
ROLE_KEYS: Final[Mapping[str, type[Document]]] = {
    "template": TemplateRole,
    "clusterRole": ClusterRoleRef,
    "eksAccessPolicy": EksAccessPolicy,
}


def _branch(value: Any, keys: Mapping[str, type[Document]]) -> str | None:
    """Return the tag of the form that was meant: by its key, which must be the only one of its kind."""
    if isinstance(value, dict):
        meant = [key for key in keys if key in value]
        return TAG + meant[0] if len(meant) == 1 else None
    return next((TAG + key for key, model in keys.items() if isinstance(value, model)), None)


def _member_branch(value: Any) -> str | None:
    return _branch(value, MEMBER_KEYS)


def _role_branch(value: Any) -> str | None:
    return TAG + "name" if isinstance(value, str) else _branch(value, ROLE_KEYS)


_Member: TypeAlias = Annotated[
    Annotated[IamGroup, Tag(TAG + "iamGroup")]
    | Annotated[IamUser, Tag(TAG + "iamUser")]
    | Annotated[IamRole, Tag(TAG + "iamRole")]
    | Annotated[PermissionSet, Tag(TAG + "permissionSet")],
    Discriminator(_member_branch),
]
_Role: TypeAlias = Annotated[
    Annotated[DnsLabel, Tag(TAG + "name")]
    | Annotated[TemplateRole, Tag(TAG + "template")]
    | Annotated[ClusterRoleRef, Tag(TAG + "clusterRole")]
    | Annotated[EksAccessPolicy, Tag(TAG + "eksAccessPolicy")],
    Discriminator(_role_branch),
]


class Access(Document):
    """One line of access: which sets, on which clusters, in which namespaces (or scope: cluster), with which role."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["namespaces"]}, {"required": ["scope"]}]},
    )

    to: Annotated[tuple[SetName, ...] | None, NotNull(), Field(min_length=1)] = Field(
        default=None, description="Names of sets; without it, every set of the policy."
    )
    clusters: ClusterSelector = Field(description="Names and patterns of clusters, or labels that must all match.")
    namespaces: Annotated[tuple[NamespacePattern, ...] | None, NotNull(), Field(min_length=1)] = Field(
        default=None,
        description="Names and patterns; a pattern never matches kube-* or the home namespace. Either this or scope.",
    )
    scope: Annotated[Literal["cluster"] | None, NotNull()] = Field(
        default=None, description="The whole cluster, all namespaces and what has none. Either this or namespaces."
    )
    role: _Role = Field(
        description="A template's name, {template, parameters}, {clusterRole: NAME} or {eksAccessPolicy: NAME}."
    )
    reason: Annotated[Text | None, NotNull()] = Field(
        default=None, description="Why; for reviewers, and for gates that ask for a reason."
    )

    @model_validator(mode="after")
    def _one_reach(self) -> Access:
        if self.namespaces is None and self.scope is None:
            raise PydanticCustomError("reach_missing", "neither namespaces nor scope")
        if self.namespaces is not None and self.scope is not None:
            raise PydanticCustomError("reach_twice", "both namespaces and scope")
        return self


class PolicySpec(Document):
    """Who is in the team's sets and what each may do."""

    owners: tuple[Text, ...] = Field(default=(), description="Who answers for the policy; for people to read.")
    members: Annotated[Mapping[SetName, tuple[_Member, ...]], Field(min_length=1)] = Field(
        description="Named sets of principals; each becomes one Kubernetes group."
    )
    access: tuple[Access, ...] = Field(description="What the sets may do, line by line.")


class AccessPolicy(Document):
    """A team's policy."""

    api_version: Literal["iamrbac.dev/v1alpha1"] = Field(alias="apiVersion", description="The language's version.")
    kind: Literal["AccessPolicy"] = Field(description="The document's kind.")
    metadata: Metadata = Field(description="The team.")
    spec: PolicySpec = Field(description="Who, and what they may do.")


def _own_set(line: Access) -> Access:
    if line.to is not None:
        raise PydanticCustomError("to_forbidden", "to in a temporary grant")
    return line


_GrantAccess: TypeAlias = Annotated[
    Access, AfterValidator(_own_set), Field(json_schema_extra={"not": {"required": ["to"]}})
]


class TemporarySpec(Document):
    """Who gets what until when, and why."""

    team: TeamName = Field(description="The team in whose name it is given.")
    members: Annotated[tuple[_Member, ...], Field(min_length=1)] = Field(description="Who gets it.")
    access: Annotated[tuple[_GrantAccess, ...], Field(min_length=1)] = Field(
        description="What they may do. `to` is not allowed here: a temporary grant is a set of its own."
    )
    not_after: Time = Field(alias="notAfter", description="When it ends: RFC 3339 with an offset.")
    reason: Text = Field(description="Why; for people to read.")


class TemporaryGrant(Document):
    """Access that ends by itself; a set of its own in its team."""

    api_version: Literal["iamrbac.dev/v1alpha1"] = Field(alias="apiVersion", description="The language's version.")
    kind: Literal["TemporaryGrant"] = Field(description="The document's kind.")
    metadata: Metadata = Field(description="The grant's name.")
    spec: TemporarySpec = Field(description="The grant itself.")
