"""What all documents have in common."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, SerializerFunctionWrapHandler
from pydantic_core import CoreSchema, core_schema

from iamrbac.model.values import TeamName

API_VERSION: Final = "iamrbac.dev/v1alpha1"
TAG: Final = "\0"
"""Begins the tag of a union's branch, so that no key of a document can be taken for one."""


class Document(BaseModel):
    """Base of all parts: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Metadata(Document):
    """The name of a policy (the team), of a config (the instance) or of a temporary grant."""

    name: TeamName = Field(
        description="The team of a policy, the instance of a config, or a temporary grant's own name."
    )


class NotNull:
    """Marks an optional field whose key may be left out, but never be null.

    `to:` with nothing behind it would else mean every set, by accident.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate what is inside the Optional."""
        schema = handler(source)
        if schema["type"] != "nullable":
            return schema
        inner: CoreSchema = schema["schema"]
        if inner["type"] != "tagged-union":
            return inner
        # The key that was left out is written as None; a union that looks for its branch would warn of that.
        ser = core_schema.wrap_serializer_function_ser_schema(_none_or, schema=inner)
        return core_schema.tagged_union_schema(inner["choices"], inner["discriminator"], serialization=ser)


def _none_or(value: Any, handler: SerializerFunctionWrapHandler) -> Any:
    return None if value is None else handler(value)
