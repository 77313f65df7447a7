"""Request bodies: bytes → plain values, with duplicate keys remembered for strict field validation."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import yaml

from iamrbac.sandbox.kube import protobuf
from iamrbac.sandbox.kube.status import StatusError, bad_request, not_implemented, unsupported_media_type

JSON = "application/json"
YAML = "application/yaml"


class Repeated(dict[str, Any]):
    """An object in which keys stood twice; the last one counts, as in Go."""

    names: tuple[str, ...] = ()


def read(body: bytes, media_type: str, kind: str) -> dict[str, Any]:
    """The object in a body of JSON, YAML or protobuf.

    Raises StatusError 400 when there is none, 415 for another media type; `kind` is for the message.
    """
    if media_type not in _PARSERS:
        raise unsupported_media_type(tuple(_PARSERS))
    # YAML is the wider language, but JSON is what nearly everybody sends, also as YAML.
    parser = parse_json if media_type == YAML and body[:1] == b"{" else _PARSERS[media_type]
    try:
        value = parser(body)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise _unrecognized(kind, _one_line(error), body) from None
    if value is None and body.strip() == b"null":
        # To Go's decoder null is an object without fields.
        return {}
    if not isinstance(value, dict):
        raise _unrecognized(kind, f"cannot unmarshal {json_type(value)} into an object", body)
    return value


def parse_json(body: bytes) -> object:
    """A JSON value. Raises ValueError, or RecursionError when it is nested absurdly deep."""
    return json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_number)


def json_type(value: object) -> str:
    """What Go's decoder calls a value of this type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _unrecognized(kind: str, fault: str, body: bytes) -> StatusError:
    why = f"couldn't get version/kind; json parse error: {fault}"
    text = body[:30].decode("utf-8", "replace") if body[:1] == b"{" else body[:30].hex()
    summary = f"{text or '<empty>'}{' ...' if len(body) > 30 else ''}"
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {why} ({summary})")


def _no_constant(text: str) -> object:
    raise ValueError(f"invalid number {text}")


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"number out of range: {text}")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    repeated = Repeated(plain)
    repeated.names = tuple(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
    return repeated


class _Loader(yaml.CSafeLoader):
    """YAML as the API server reads it: keys are text and dates stay text."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    loader.flatten_mapping(node)
    pairs = [
        (loader.construct_object(key, deep=True), loader.construct_object(item, deep=True)) for key, item in node.value
    ]
    return _object([(key if isinstance(key, str) else json.dumps(key, default=str), item) for key, item in pairs])


def _text(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)


def _parse_yaml(body: bytes) -> object:
    text = body.decode("utf-8")
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=_Loader)):
        raise not_implemented("YAML aliases in request bodies")
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


_PARSERS: Final[Mapping[str, Callable[[bytes], object]]] = {
    JSON: parse_json,
    YAML: _parse_yaml,
    protobuf.MEDIA_TYPE: protobuf.decode,
}
