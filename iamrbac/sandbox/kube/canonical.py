"""The form in which objects are kept: only declared fields, no nulls, empty values as the real server shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iamrbac.sandbox.kube.body import Repeated, json_type
from iamrbac.sandbox.kube.schema import Anything, Field, List, Map, Named, Scalar, Struct, Type, struct


class TypeMismatchError(Exception):
    """A value is of another type than its field; the message is that of the real server's decoder."""


_EMPTY: tuple[object, ...] = ("", 0, False, [], {})
_Path = tuple[str, ...]


def canonical(value: Mapping[str, Any], type_name: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The canonical form and what strict validation complains of (`unknown field "x"`).

    Raises TypeMismatchError.
    """
    walk = _Walk()
    return walk.struct(value, struct(type_name), (), ""), tuple(walk.complaints)


def complete(value: dict[str, Any], type_name: str) -> dict[str, Any]:
    """The canonical form of what we computed ourselves, where nothing can be unknown."""
    return canonical(value, type_name)[0]


class _Walk:
    def __init__(self) -> None:
        self.complaints: list[str] = []

    def struct(self, value: Mapping[str, Any], of: Struct, path: _Path, shown: str) -> dict[str, Any]:
        if isinstance(value, Repeated):
            self.complaints += [f'duplicate field "{shown}{name}"' for name in value.names]
        out: dict[str, Any] = {}
        for name, raw in value.items():
            field = of.fields.get(name)
            if field is None:
                self.complaints.append(f'unknown field "{shown}{name}"')
            elif raw is not None:
                self._field(out, name, field, raw, of, path, shown)
        for name, field in of.always:
            if name not in out:
                out[name] = _zero(field)
        return out

    def _field(
        self, out: dict[str, Any], name: str, field: Field, raw: Any, of: Struct, path: _Path, shown: str
    ) -> None:
        kept = self._value(raw, field.type, of, (*path, name), shown + name)
        if field.omit_empty and kept in _EMPTY:
            return
        # Nil and empty lists are one thing in storage; the real server shows both as null where the field stays.
        out[name] = None if kept == [] and field.always else kept

    def _value(self, raw: Any, of: Type, parent: Struct, path: _Path, shown: str) -> Any:
        if raw is None:
            return _nothing(of)
        match of:
            case Scalar():
                return raw if _fits(raw, of) else _mismatch(raw, of, parent, path)
            case Named():
                if not isinstance(raw, dict):
                    _mismatch(raw, of, parent, path)
                return self.struct(raw, of.struct, path, f"{shown}.")
            case List():
                if not isinstance(raw, list):
                    _mismatch(raw, of, parent, path)
                return [self._value(item, of.element, parent, path, f"{shown}[{i}]") for i, item in enumerate(raw)]
            case Map():
                if not isinstance(raw, dict):
                    _mismatch(raw, of, parent, path)
                return {key: self._value(item, of.element, parent, path, f"{shown}.{key}") for key, item in raw.items()}
            case Anything():
                return raw


def _nothing(of: Type) -> Any:
    """What null inside a list or a map becomes in Go."""
    match of:
        case Scalar():
            return {"string": "", "numeric": 0, "boolean": False, "untyped": ""}[of.name]
        case Named():
            return {name: _zero(field) for name, field in of.struct.always}
        case _:
            return None


def _fits(raw: Any, of: Scalar) -> bool:
    match of.name:
        case "string":
            return isinstance(raw, str)
        case "boolean":
            return isinstance(raw, bool)
        case "numeric":
            return isinstance(raw, int) and not isinstance(raw, bool)
        case "untyped":
            return isinstance(raw, str | int | float) and not isinstance(raw, bool)


def _mismatch(raw: Any, of: Type, parent: Struct, path: _Path) -> None:
    where = f"{parent.name.rpartition('.')[2]}.{'.'.join(path)}"
    shown = f"number {raw}" if isinstance(raw, float) else json_type(raw)
    raise TypeMismatchError(f"json: cannot unmarshal {shown} into Go struct field {where} of type {_go_name(of)}")


def _go_name(of: Type) -> str:
    match of:
        case Scalar():
            return {"string": "string", "boolean": "bool", "numeric": "int32", "untyped": "string"}[of.name]
        case Named():
            return f"v1.{of.name.rpartition('.')[2]}"
        case List():
            return f"[]{_go_name(of.element)}"
        case Map():
            return f"map[string]{_go_name(of.element)}"
        case Anything():
            return "v1.FieldsV1"


def _zero(field: Field) -> Any:
    if isinstance(field.type, Named):
        return {name: _zero(inner) for name, inner in field.type.struct.always}
    return field.zero
