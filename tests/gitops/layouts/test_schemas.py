"""What we write for Argo CD and Flux against their published schemas, unknown fields refused."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tests.gitops.layouts import crds


def closed(schema: Any) -> Any:
    """Return a schema that knows no other keys than it names, as `fieldValidation=Strict` has it."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        inner["properties"] = {key: closed(value) for key, value in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields") and schema["properties"]:
            inner["additionalProperties"] = False
    return inner


def test_all_of_them_are_what_the_schemas_say() -> None:
    schemas: dict[str, Any] = {}
    for definition in crds.definitions():
        schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        schema = closed({**schema, "properties": {**schema["properties"], "metadata": {"type": "object"}}})
        kind = definition["spec"]["names"]["kind"]
        schemas[f"{definition['spec']['group']} {kind}"] = jsonschema.Draft7Validator(schema)
    seen = set()
    for path, value in crds.written():
        name = f"{value['apiVersion'].rpartition('/')[0]} {value['kind']}"
        if name in schemas:
            seen.add(name)
            schemas[name].validate(value)
            assert path.rpartition("/")[2] == f"{value['kind']}-{value['metadata']['name']}.yaml"
    assert seen == set(schemas)


def test_a_field_that_is_not_there_is_found() -> None:
    [application] = [one for one in crds.definitions() if one["spec"]["names"]["kind"] == "Application"]
    schema = closed(application["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    wrong = {"metadata": {}, "spec": {"project": "a", "destination": {}, "syncPolicy": {"automated": {"heal": True}}}}
    with pytest.raises(jsonschema.ValidationError, match="heal"):
        jsonschema.Draft7Validator(schema).validate(wrong)
