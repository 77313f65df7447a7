"""From what a client sends to an object that can be stored: kind, fields, defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from iamrbac.sandbox.kube.canonical import TypeMismatchError, canonical
from iamrbac.sandbox.kube.defaults import default
from iamrbac.sandbox.kube.kinds import Kind
from iamrbac.sandbox.kube.options import Write
from iamrbac.sandbox.kube.status import StatusError, bad_request, invalid, invalid_value, plain_failure
from iamrbac.sandbox.kube.values import Json, metadata_of


def decode(write: Write, value: Mapping[str, Any]) -> Json:
    """The object of a POST or PUT. Raises StatusError 400."""
    kind = write.kind
    check_kind(kind.kind, kind.api_version, value)
    wrong = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: '
    try:
        obj, complaints = canonical(value, kind.type)
    except TypeMismatchError as error:
        raise bad_request(f"{wrong}{error}") from None
    if complaints and write.options.validation == "Strict":
        raise bad_request(f"{wrong}strict decoding error: {', '.join(complaints)}")
    return _finished(write, obj, complaints)


def decode_patched(write: Write, value: Mapping[str, Any]) -> Json:
    """The object that a patch made. Raises StatusError 422."""
    check_kind(write.kind.kind, write.kind.api_version, value)
    try:
        obj, complaints = canonical(value, write.kind.type)
    except TypeMismatchError as error:
        raise _bad_patch(value, str(error)) from None
    if complaints and write.options.validation == "Strict":
        raise _bad_patch(value, f"strict decoding error: {', '.join(complaints)}")
    return _finished(write, obj, complaints)


def applied_object(write: Write, config: Mapping[str, Any]) -> str:
    """Return how errors name the object of an apply: as it was sent, with the namespace only where it was there."""
    metadata, kind = metadata_of(config), write.kind
    namespace, name = metadata.get("namespace") or "", metadata.get("name") or ""
    return f"{namespace}/{name}; {kind.group}/{kind.version}, Kind={kind.kind}"


def decode_config(write: Write, value: Mapping[str, Any]) -> None:
    """Check what a server-side apply sends. Raises StatusError 400; 500, as upstream, for what the schema has not."""
    kind = write.kind
    group, _, version = str(value.get("apiVersion") or "").rpartition("/")
    if value.get("kind") != kind.kind or group != kind.group:
        raise bad_request(f"invalid object type: {group}/{version}, Kind={value.get('kind') or ''}")
    if version != kind.version:
        raise bad_request(
            "Incorrect version specified in apply patch. "
            f"Specified patch version: {value['apiVersion']}, expected: {kind.api_version}"
        )
    where = f"failed to create typed patch object ({applied_object(write, value)})"
    try:
        _, complaints = canonical(value, kind.type)
    except TypeMismatchError as error:
        raise plain_failure(f"{where}: {error}") from None
    if metadata_of(value).get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    unknown = [text.removeprefix("unknown field ").strip('"') for text in complaints if text.startswith("unknown")]
    if unknown:
        raise plain_failure(f"{where}: {'; '.join(f'.{path}: field not declared in schema' for path in unknown)}")
    if complaints and write.options.validation == "Strict":
        raise bad_request(f"error strict decoding YAML: {', '.join(complaints)}")
    write.warnings.extend(complaints if write.options.validation == "Warn" else ())


def checked(kind: str, type_name: str, value: Mapping[str, Any]) -> Json:
    """The canonical form of what is not stored (reviews, DeleteOptions). Raises StatusError 400."""
    try:
        return canonical(value, type_name)[0]
    except TypeMismatchError as error:
        raise bad_request(f'{kind} in version "v1" cannot be handled as a {kind}: {error}') from None


def check_kind(kind: str, api_version: str, value: Mapping[str, Any]) -> None:
    """Raise StatusError 400 when the object says that it is of another kind or version; saying nothing is fine."""
    said, version = value.get("kind") or kind, value.get("apiVersion") or api_version
    if said != kind:
        short, expected = str(version).rpartition("/")[2], api_version.rpartition("/")[2]
        why = f"converting ({short}.{said}) to ({expected}.{kind}): unknown conversion"
        raise bad_request(f'{said} in version "{short}" cannot be handled as a {kind}: {why}')
    if version != api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version ({api_version})"
        )


def empty(kind: Kind) -> Json:
    """An object of the kind that says nothing: what a create is compared with."""
    return _without_type(canonical({}, kind.type)[0])


def _finished(write: Write, obj: Json, complaints: tuple[str, ...]) -> Json:
    write.warnings.extend(complaints if write.options.validation == "Warn" else ())
    obj = _without_type(obj)
    default(write.kind, obj)
    return obj


def _without_type(obj: Json) -> Json:
    obj.pop("kind", None)
    obj.pop("apiVersion", None)
    return obj


def _bad_patch(value: Mapping[str, Any], why: str) -> StatusError:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return invalid("", "", "", [invalid_value("patch", text, why)])
