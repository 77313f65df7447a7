"""The JSON Schema (draft 2020-12) of each kind of document, made from the models that read them."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from iamrbac.model.access_tests import AccessTest
from iamrbac.model.base import Document
from iamrbac.model.documents import AccessPolicy, Config, TemporaryGrant
from iamrbac.model.examples import examples
from iamrbac.model.waivers import Waivers

SchemaName: TypeAlias = Literal["policy", "grant", "config", "waivers", "test"]
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_MODELS: Final[dict[SchemaName, tuple[type[Document], str]]] = {
    "policy": (AccessPolicy, "iamrbac: a team's access policy"),
    "grant": (TemporaryGrant, "iamrbac: a temporary grant"),
    "config": (Config, "iamrbac: the config of an access repository (iamrbac.yaml)"),
    "waivers": (Waivers, "iamrbac: what is known and accepted for a while (waivers.yaml)"),
    "test": (AccessTest, "iamrbac: expected access (tests/access/*.yaml)"),
}
# A Python `$` also matches before a last line feed, one of ECMAScript does not: this says the same to both.
_END: Final = "(?!\\n)$"


def json_schema(name: SchemaName) -> dict[str, Any]:
    """Return the JSON Schema of a kind of document."""
    model, title = _MODELS[name]
    schema = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    for part, one in {model.__name__: schema, **schema.get("$defs", {})}.items():
        for key, field in one["properties"].items():
            field["examples"] = examples(part, key, field)
    return {
        "$schema": DIALECT,
        "$id": f"https://iamrbac.dev/schemas/v1alpha1/{name}.json",
        **_tidy(schema),
        "title": title,
    }


class _Generator(GenerateJsonSchema):
    """What the models accept, no more: null is never accepted, and a mapping's keys have their form."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave out a default of null, which stands for a key that is left out and cannot be written."""
        json_schema = super().default_schema(schema)
        if json_schema.get("default", 0) is None:
            del json_schema["default"]
        return json_schema

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Fields have descriptions; a title made of the key would say nothing more."""
        del schema
        return False

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Refuse a key that has not the form of the keys, which `patternProperties` alone would let pass."""
        json_schema = super().dict_schema(schema)
        patterns = json_schema.pop("patternProperties", None)
        if patterns is not None:
            ((pattern, values),) = patterns.items()
            json_schema["additionalProperties"] = values
            json_schema["propertyNames"] = {**json_schema.get("propertyNames", {}), "pattern": pattern}
        return json_schema


def _tidy(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_tidy(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {key: _tidy(value) for key, value in schema.items()}
    pattern = tidied.get("pattern")
    if isinstance(pattern, str) and pattern.endswith("$"):
        tidied["pattern"] = pattern.removesuffix("$") + _END
    return tidied
