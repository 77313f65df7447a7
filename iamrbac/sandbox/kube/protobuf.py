"""Protobuf in: kubectl's typed clients send it for `create`, `auth reconcile` and `auth can-i`. Answers are JSON.

Field numbers come with the schema; the wire format is small enough to read by hand.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, TypeAlias

from iamrbac.sandbox.kube.kinds import type_of
from iamrbac.sandbox.kube.schema import Anything, Field, List, Map, Named, Scalar, Struct, Type, struct

MEDIA_TYPE: Final = "application/vnd.kubernetes.protobuf"
_MAGIC: Final = b"k8s\x00"

_Raw: TypeAlias = bytes | int
_Index: TypeAlias = "dict[int, tuple[str, Field] | _Index]"


def decode(body: bytes) -> dict[str, Any]:
    """The object in an envelope, as its JSON. Raises ValueError for a malformed or unknown one."""
    if not body.startswith(_MAGIC):
        raise ValueError("the body is not a Kubernetes protobuf envelope")
    envelope = dict(_fields(body[len(_MAGIC) :]))
    meta = dict(_fields(_bytes(envelope.get(1, b""))))
    version, kind = _text(meta.get(1, b"")), _text(meta.get(2, b""))
    name = type_of(version, kind)
    if name is None:
        raise ValueError(f'no kind "{kind}" is registered for version "{version}"')
    return {"apiVersion": version, "kind": kind, **_message(_bytes(envelope.get(2, b"")), _index(struct(name)))}


@cache
def _index(of: Struct) -> _Index:
    index: _Index = {}
    for name, field in of.fields.items():
        here = index
        # An embedded Go struct is a message of its own on the wire, and not there in JSON.
        for number in field.numbers[:-1]:
            inner = here.setdefault(number, {})
            if not isinstance(inner, dict):
                raise TypeError(f"{of.name}.{name}: a field number stands twice")
            here = inner
        for number in field.numbers[-1:]:
            here[number] = (name, field)
    return index


def _message(raw: bytes, index: _Index) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for number, value in _fields(raw):
        match index.get(number):
            case dict() as inner:
                out |= _message(_bytes(value), inner)
            case (name, field):
                _add(out, name, field, value)
    return out


def _add(out: dict[str, Any], name: str, field: Field, value: _Raw) -> None:
    match field.type:
        case List():
            out.setdefault(name, []).append(_value(value, field.type.element, field.form))
        case Map():
            entry = dict(_fields(_bytes(value)))
            item = _value(entry.get(2, b""), field.type.element, field.form)
            out.setdefault(name, {})[_text(entry.get(1, b""))] = item
        case _:
            out[name] = _value(value, field.type, field.form)


def _value(value: _Raw, of: Type, form: str) -> Any:
    match of:
        case Named():
            return _message(_bytes(value), _index(of.struct))
        case Scalar():
            return _scalar(value, of, form)
        case Anything():
            # FieldsV1 is JSON inside its only field.
            return json.loads(_bytes(dict(_fields(_bytes(value))).get(1, b"{}")))
        case List():
            return [_text(item) for number, item in _fields(_bytes(value)) if number == 1]
        case Map():
            raise ValueError("a map of maps is in no type that is served")


def _scalar(value: _Raw, of: Scalar, form: str) -> Any:
    if form:
        return _formed(value, form)
    match of.name:
        case "numeric":
            return _signed(value)
        case "boolean":
            return bool(value)
        case _:
            return _text(value)


def _formed(value: _Raw, form: str) -> Any:
    if form == "bytes":
        return base64.b64encode(_bytes(value)).decode()
    inner = dict(_fields(_bytes(value)))
    match form:
        case "quantity":
            return _text(inner.get(1, b""))
        case "intorstring":
            return _text(inner.get(3, b"")) if inner.get(1) else _signed(inner.get(2, 0))
        case "time" | "microtime":
            return _time(inner, "%Y-%m-%dT%H:%M:%SZ" if form == "time" else "%Y-%m-%dT%H:%M:%S.%fZ")
    raise ValueError(f"unknown form {form}")


def _time(inner: Mapping[int, _Raw], layout: str) -> str | None:
    if not inner:
        return None
    try:
        moment = datetime.fromtimestamp(_signed(inner.get(1, 0)), UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"time out of range: {error}") from None
    return moment.replace(microsecond=_signed(inner.get(2, 0)) // 1000).strftime(layout)


def _fields(raw: bytes) -> Iterator[tuple[int, _Raw]]:
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        match tag & 7:
            case 0:
                number, at = _varint(raw, at)
                yield tag >> 3, number
                continue
            case 2:
                length, at = _varint(raw, at)
            case 1 | 5 as wire:
                length = 8 if wire == 1 else 4
            case wire:
                raise ValueError(f"unknown protobuf wire type {wire}")
        if at + length > len(raw):
            raise ValueError("protobuf message is cut off")
        yield tag >> 3, raw[at : at + length]
        at += length


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64:
        if at >= len(raw):
            raise ValueError("protobuf message is cut off")
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("protobuf number is too long")


def _signed(value: _Raw) -> int:
    if not isinstance(value, int):
        raise ValueError("a protobuf field has the wrong wire type")
    return value - (1 << 64) if value >= 1 << 63 else value


def _bytes(value: _Raw) -> bytes:
    if isinstance(value, int):
        raise ValueError("a protobuf field has the wrong wire type")
    return value


def _text(value: _Raw) -> str:
    return _bytes(value).decode("utf-8")
