"""The types of the kinds that are served: fields, list keys, patch strategies and empty-value rules, from data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias

ScalarName: TypeAlias = Literal["string", "numeric", "boolean", "untyped"]
_SCALARS: tuple[ScalarName, ...] = ("string", "numeric", "boolean", "untyped")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A leaf; `untyped` stands for a quantity, a time, an int-or-string."""

    name: ScalarName


@dataclass(frozen=True, slots=True)
class Anything:
    """A value whose inside is not looked at (FieldsV1)."""


@dataclass(frozen=True, slots=True)
class List:
    """A list: `keys` None is atomic, () a set of scalars, else associative by these fields."""

    element: Type
    keys: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Map:
    """A map with free keys."""

    element: Type
    atomic: bool


@dataclass(frozen=True, slots=True)
class Named:
    """A struct by name, looked up when needed since types are recursive."""

    name: str

    @property
    def struct(self) -> Struct:
        """The struct itself."""
        return struct(self.name)


Type: TypeAlias = Scalar | Anything | List | Map | Named


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a struct."""

    type: Type
    strategies: tuple[str, ...]
    """Strategic merge patch: merge, replace, retainKeys."""
    merge_key: str
    default: object
    """What an absent key of an associative list counts as."""
    omit_empty: bool
    """An empty value is not kept."""
    always: bool
    """An absent value shows as `zero`."""
    zero: object
    numbers: tuple[int, ...]
    """Its protobuf field number, after those of the messages that JSON does not show; () where it has none."""
    form: str
    """How protobuf writes its scalars where JSON differs: bytes, quantity, intorstring, time, microtime, items."""


@dataclass(frozen=True, slots=True, eq=False)
class Struct:
    """A type with declared fields."""

    name: str
    fields: Mapping[str, Field]
    always: tuple[tuple[str, Field], ...]
    """The fields that show even when they are absent."""
    atomic: bool


def _type(raw: Any) -> Type:
    if isinstance(raw, dict):
        if "list" in raw:
            keys = raw.get("keys")
            return List(_type(raw["list"]), None if keys is None else tuple(keys))
        return Map(_type(raw["map"]), bool(raw.get("atomic")))
    if raw in _SCALARS:
        return Scalar(raw)
    if raw == "any" or _raw()[raw].get("any"):
        return Anything()
    return Named(raw)


@cache
def _raw() -> dict[str, dict[str, Any]]:
    text = files("iamrbac.sandbox.kube").joinpath("data/schema.json").read_text(encoding="utf-8")
    types: dict[str, dict[str, Any]] = json.loads(text)["types"]
    return types


def _field(raw: dict[str, Any]) -> Field:
    return Field(
        type=_type(raw["type"]),
        strategies=tuple(filter(None, raw.get("patch", "").split(","))),
        merge_key=raw.get("mergeKey", ""),
        default=raw.get("default"),
        omit_empty=bool(raw.get("omitEmpty")),
        always="zero" in raw,
        zero=raw.get("zero"),
        numbers=tuple(raw.get("pb", ())),
        form=raw.get("form", ""),
    )


@cache
def struct(name: str) -> Struct:
    """The struct of that name, e.g. `rbac.v1.Role`. Raises KeyError when it is not served."""
    raw = _raw()[name]
    fields = {field: _field(value) for field, value in raw["fields"].items()}
    always = tuple((field, value) for field, value in fields.items() if value.always)
    return Struct(name, fields, always, bool(raw.get("atomic")))
