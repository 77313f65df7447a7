"""How documents choose clusters: a list of names and patterns, or labels that must all match."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import Discriminator, Field, StrictStr, Tag

from iamrbac.model.base import TAG
from iamrbac.model.values import ClusterPattern, LabelKey


def _selector_branch(value: Any) -> str | None:
    if isinstance(value, Mapping):
        return TAG + "labels"
    return TAG + "names" if isinstance(value, list | tuple) else None


ClusterSelector: TypeAlias = Annotated[
    Annotated[tuple[ClusterPattern, ...], Field(min_length=1), Tag(TAG + "names")]
    | Annotated[Mapping[LabelKey, StrictStr], Field(min_length=1), Tag(TAG + "labels")],
    Discriminator(_selector_branch),
]
