"""`backups:` of the config: where what an apply changes is kept, beside the clusters and this machine, and how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, StrictInt, Tag

from iamrbac.model.base import TAG, Document, NotNull
from iamrbac.model.values import Account, BucketPlace, whole


class Backups(Document):
    """Where backups are kept beside the clusters' home namespaces and the machine that applies, and how many."""

    s3: Annotated[BucketPlace | None, NotNull()] = Field(
        default=None, description="s3://BUCKET/PREFIX, where they are kept too, encrypted; without it, nowhere else."
    )
    account: Annotated[Account | None, NotNull()] = Field(
        default=None,
        description="The account that the bucket must be of; default: identity.account, else the caller's.",
    )
    keep: Annotated[StrictInt, Field(ge=1, le=1000), BeforeValidator(whole)] = Field(
        default=20, description="How many runs are kept of each cluster, in each place."
    )


def _backups_branch(value: Any) -> str | None:
    if isinstance(value, Mapping | Backups):
        return TAG + "mapping"
    return TAG + "place" if isinstance(value, str) else None


BackupsChoice: TypeAlias = Annotated[
    Annotated[BucketPlace, Tag(TAG + "place")] | Annotated[Backups, Tag(TAG + "mapping")],
    Discriminator(_backups_branch),
]
"""The mapping, or the place in S3 alone."""
