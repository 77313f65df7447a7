"""The two ways in which EKS maps a principal to a Kubernetes user, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Section: TypeAlias = Literal["mapRoles", "mapUsers"]


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """An EKS access entry. `username` is always written out; EKS's own default is computed where none was asked for."""

    principal: str
    """The principal's full ARN, path included (the opposite of aws-auth)."""
    username: str
    groups: tuple[str, ...] = ()
    """Kubernetes groups, sorted, without duplicates."""
    type: str = "STANDARD"


@dataclass(frozen=True, slots=True)
class PolicyAssociation:
    """An EKS access policy associated with an access entry."""

    principal: str
    policy: str
    """The policy's ARN, arn:PARTITION:eks::aws:cluster-access-policy/NAME."""
    scope: Literal["cluster", "namespace"]
    namespaces: tuple[str, ...] = ()
    """Sorted; patterns such as dev-* are EKS's own. Empty with scope cluster."""


@dataclass(frozen=True, slots=True)
class AwsAuthRow:
    """A row of mapRoles or mapUsers as we want it."""

    section: Section
    arn: str
    """As aws-auth wants it: a role's ARN without its path, a user's ARN with it."""
    username: str
    groups: tuple[str, ...] = ()
