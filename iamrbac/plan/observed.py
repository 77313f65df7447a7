"""What a cluster has: the same specs as desired, with what is needed to judge ownership and to write safely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from iamrbac.compile.desired import Key, Spec
from iamrbac.model.accounts import AssumeRole
from iamrbac.rbac.objects import NO_LABELS


@dataclass(frozen=True, slots=True)
class Meta:
    """What an observed object says of itself besides its spec."""

    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)
    """Kubernetes labels, or the tags of an access entry."""
    annotations: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)
    owners: tuple[str, ...] = ()
    """ownerReferences as KIND/NAME."""
    version: str | None = None
    """resourceVersion; None for AWS objects, which have none."""
    modified: str = field(default="", compare=False)
    """When it changed last, where reading it says so anyway (access entries): 2026-11-26T12:21:46Z."""
    created: datetime | None = field(default=None, compare=False)
    """When it was made; of access entries alone."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One object as it is."""

    key: Key
    spec: Spec
    meta: Meta = Meta()


@dataclass(frozen=True, slots=True)
class AwsAuth:
    """The aws-auth ConfigMap as it is: texts byte for byte."""

    data: Mapping[str, str]
    annotations: Mapping[str, str]
    version: str
    """resourceVersion, sent back with a write."""


AuthenticationMode = Literal["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"]


@dataclass(frozen=True, slots=True)
class Target:
    """A cluster as EKS describes it."""

    name: str
    """The config's name."""
    eks_name: str
    arn: str
    region: str
    endpoint: str
    certificate_authority: str
    """PEM, decoded."""
    authentication_mode: AuthenticationMode
    role: AssumeRole | None = None
    """The role by which it is reached; None: whoever runs this."""
    proxy_url: str | None = None
    """The proxy in front of a private endpoint (the config's `proxyUrl`)."""
    tls_server_name: str | None = None
    """The name in the endpoint's certificate where it is not the endpoint's own (the config's `tlsServerName`)."""

    @property
    def partition(self) -> str:
        """The partition of the cluster's ARN: aws, aws-cn, …"""
        return self.arn.split(":", 2)[1]

    @property
    def account(self) -> str:
        """The account of the cluster's ARN."""
        return self.arn.split(":", 5)[4]


@dataclass(frozen=True, slots=True)
class ClusterState:
    """Everything read from one cluster in one go. There is no half-read state: a failed read raises instead."""

    target: Target
    namespaces: frozenset[str]
    """Namespaces that are there and not terminating."""
    objects: tuple[Observed, ...]
    """RBAC objects (all of them, also foreign ones), access entries and policy associations. Not aws-auth rows."""
    aws_auth: AwsAuth | None
    """None when the ConfigMap is absent (which is known, not assumed), or where rows play no part."""
    partial: bool = False
    """RBAC objects of others were not read: what is not here may still be there."""
