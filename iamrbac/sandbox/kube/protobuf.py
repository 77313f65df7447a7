"""Protobuf in: the envelope and the review types that `kubectl auth` sends, decoded by hand.

Field numbers: the generated.proto files of k8s.io/api and k8s.io/apimachinery, v1.34.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

MEDIA_TYPE: Final = "application/vnd.kubernetes.protobuf"
_MAGIC: Final = b"k8s\x00"

Field: TypeAlias = tuple[str, "Message | str | list[str]"]
Message: TypeAlias = Mapping[int, Field]
"""Field number → JSON name and what it is: "text", ["text"] for a repeated one, "extra", or a message."""

_METADATA: Final[Message] = {1: ("name", "text"), 2: ("generateName", "text"), 3: ("namespace", "text")}
_RESOURCE: Final[Message] = {
    1: ("namespace", "text"),
    2: ("verb", "text"),
    3: ("group", "text"),
    4: ("version", "text"),
    5: ("resource", "text"),
    6: ("subresource", "text"),
    7: ("name", "text"),
}
_URL: Final[Message] = {1: ("path", "text"), 2: ("verb", "text")}
_SELF_ACCESS: Final[Message] = {1: ("resourceAttributes", _RESOURCE), 2: ("nonResourceAttributes", _URL)}
_ACCESS: Final[Message] = {
    **_SELF_ACCESS,
    3: ("user", "text"),
    4: ("groups", ["text"]),
    5: ("extra", "extra"),
    6: ("uid", "text"),
}
_RULES: Final[Message] = {1: ("namespace", "text")}


def _review(spec: Message) -> Message:
    return {1: ("metadata", _METADATA), 2: ("spec", spec)}


TYPES: Final[Mapping[str, Message]] = {
    "SelfSubjectAccessReview": _review(_SELF_ACCESS),
    "SubjectAccessReview": _review(_ACCESS),
    "LocalSubjectAccessReview": _review(_ACCESS),
    "SelfSubjectRulesReview": _review(_RULES),
    "SelfSubjectReview": {1: ("metadata", _METADATA)},
}


def decode(body: bytes) -> dict[str, Any]:
    """The review in an envelope, as its JSON. Raises ValueError when it is malformed or another type."""
    if not body.startswith(_MAGIC):
        raise ValueError("the body is not a Kubernetes protobuf envelope")
    kind, version, raw = "", "", b""
    for number, value in _fields(body[len(_MAGIC) :]):
        match number, value:
            case 1, bytes():
                meta = dict(_fields(value))
                version, kind = _text(meta.get(1, b"")), _text(meta.get(2, b""))
            case 2, bytes():
                raw = value
    if kind not in TYPES:
        raise ValueError(f"protobuf of kind {kind!r} is not understood")
    return {"apiVersion": version, "kind": kind, **_message(raw, TYPES[kind])}


def _message(raw: bytes, of: Message) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for number, value in _fields(raw):
        if number not in of or isinstance(value, int):
            continue
        name, kind = of[number]
        if kind == "text":
            out[name] = _text(value)
        elif kind == "extra":
            entry = dict(_fields(value))
            values = [_text(item) for field, item in _fields(_bytes(entry.get(2, b""))) if field == 1]
            out.setdefault(name, {})[_text(entry.get(1, b""))] = values
        elif isinstance(kind, list):
            out.setdefault(name, []).append(_text(value))
        elif not isinstance(kind, str):
            out[name] = _message(value, kind)
    return out


def _fields(raw: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        match tag & 7:
            case 0:
                number, at = _varint(raw, at)
                yield tag >> 3, number
            case 2:
                length, at = _varint(raw, at)
                yield tag >> 3, _slice(raw, at, length)
                at += length
            case 1 | 5 as wire:
                length = 8 if wire == 1 else 4
                yield tag >> 3, _slice(raw, at, length)
                at += length
            case wire:
                raise ValueError(f"unknown protobuf wire type {wire}")


def _slice(raw: bytes, at: int, length: int) -> bytes:
    if at + length > len(raw):
        raise ValueError("protobuf message is cut off")
    return raw[at : at + length]


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


def _bytes(value: bytes | int) -> bytes:
    if isinstance(value, int):
        raise ValueError("a protobuf field has the wrong wire type")
    return value


def _text(value: bytes | int) -> str:
    return _bytes(value).decode("utf-8")
