"""How another account is entered: a role that is assumed first, as its ARN alone or with what its trust asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import Discriminator, Field, Tag

from iamrbac.model.base import TAG, Document, NotNull
from iamrbac.model.values import ExternalId, RoleArn, SessionName


class AssumeRole(Document):
    """A role to assume, and what its trust policy asks of whoever assumes it (sts:AssumeRole)."""

    role_arn: RoleArn = Field(alias="roleArn", description="The role's ARN, with its path if it has one.")
    external_id: Annotated[ExternalId | None, NotNull()] = Field(
        default=None, alias="externalId", description="The external ID that its trust policy asks for; no secret."
    )
    session_name: Annotated[SessionName | None, NotNull()] = Field(
        default=None,
        alias="sessionName",
        description="The session's name in audit logs. Without it, the name of whoever runs iamrbac.",
    )

    @property
    def account(self) -> str:
        """The account that the role is in, and so the one that it opens."""
        return self.role_arn.split(":")[4]

    @property
    def partition(self) -> str:
        """The partition that the role is in."""
        return self.role_arn.split(":")[1]


def _assume_branch(value: Any) -> str | None:
    # None is never read (NotNull), but written where the key was left out.
    if value is None or isinstance(value, str):
        return TAG + "arn"
    return TAG + "role" if isinstance(value, Mapping | AssumeRole) else None


AnyAssumeRole: TypeAlias = Annotated[
    Annotated[RoleArn, Tag(TAG + "arn")] | Annotated[AssumeRole, Tag(TAG + "role")], Discriminator(_assume_branch)
]
"""An ARN, or a mapping with it."""


def assumed(said: str | AssumeRole | None) -> AssumeRole | None:
    """Return what was written in either form as one; None where no role is assumed."""
    return AssumeRole(role_arn=said) if isinstance(said, str) else said
