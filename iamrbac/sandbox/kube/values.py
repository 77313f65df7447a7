"""JSON values: copying, and reading what may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def clone(value: Any) -> Any:
    """A deep copy of a JSON value; far cheaper than copy.deepcopy."""
    if isinstance(value, dict):
        return {key: clone(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clone(item) for item in value]
    return value


def without_nulls(value: Any) -> Any:
    """A deep copy without null fields: absent and null are one thing where fields are owned and compared."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def metadata_of(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metadata of an object, {} where it has none."""
    metadata = obj.get("metadata")
    return metadata if isinstance(metadata, dict) else {}
