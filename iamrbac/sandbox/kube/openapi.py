"""OpenAPI v3, as much as kubectl reads before a write: that PATCH takes fieldValidation, and each kind's schema."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any, Final

from iamrbac.sandbox.kube.discovery import GROUPS
from iamrbac.sandbox.kube.kinds import KINDS, Kind
from iamrbac.sandbox.kube.schema import Anything, List, Map, Named, Scalar, Type, struct
from iamrbac.sandbox.kube.values import Json

_PARAMETERS: Final = ("dryRun", "fieldManager", "fieldValidation", "force")


def index() -> Json:
    """/openapi/v3: where each group version's document is."""
    paths = {f"{_prefix(group)}/v1": _prefix(group) for group in GROUPS}
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={_hash(path)}"} for path in paths}}


@cache
def document(group: str) -> Json | None:
    """/openapi/v3/apis/GROUP/v1 (group "" for /openapi/v3/api/v1)."""
    if group not in GROUPS:
        return None
    kinds = [kind for kind in KINDS if kind.group == group]
    schemas: dict[str, Json] = {}
    for kind in kinds:
        _collect(kind.type, schemas)
        schemas[kind.type]["x-kubernetes-group-version-kind"] = [_gvk(kind)]
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.3"},
        "paths": {_path(kind): _operations(kind) for kind in kinds},
        "components": {"schemas": schemas},
    }


def _prefix(group: str) -> str:
    return f"apis/{group}" if group else "api"


def _hash(path: str) -> str:
    return hashlib.sha256(path.encode()).hexdigest()[:32].upper()


def _path(kind: Kind) -> str:
    scope = "namespaces/{namespace}/" if kind.namespaced else ""
    return f"/{_prefix(kind.group)}/{kind.version}/{scope}{kind.plural}/{{name}}"


def _gvk(kind: Kind) -> Json:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _operations(kind: Kind) -> Json:
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _PARAMETERS]
    common = {"x-kubernetes-group-version-kind": _gvk(kind), "responses": {"200": {"description": "OK"}}}
    return {
        "get": {"x-kubernetes-action": "get", **common},
        "put": {"x-kubernetes-action": "put", "parameters": parameters, **common},
        "patch": {"x-kubernetes-action": "patch", "parameters": parameters, **common},
    }


def _collect(name: str, schemas: dict[str, Json]) -> None:
    if name in schemas:
        return
    schemas[name] = {"type": "object"}
    properties = {field: _property(value.type, schemas) for field, value in struct(name).fields.items()}
    schemas[name]["properties"] = properties


def _property(of: Type, schemas: dict[str, Json]) -> Any:
    match of:
        case Scalar():
            return {"string": {"type": "string"}, "numeric": {"type": "integer"}, "boolean": {"type": "boolean"}}.get(
                of.name, {}
            )
        case Named():
            _collect(of.name, schemas)
            return {"allOf": [{"$ref": f"#/components/schemas/{of.name}"}]}
        case List():
            return {"type": "array", "items": _property(of.element, schemas)}
        case Map():
            return {"type": "object", "additionalProperties": _property(of.element, schemas)}
        case Anything():
            return {"type": "object"}
