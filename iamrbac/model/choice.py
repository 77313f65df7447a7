"""Keys that belong together: of some exactly one is there, some mean something only beside another."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

M = TypeVar("M", bound=BaseModel)


def one_of(*keys: str, needs: dict[str, str] | None = None) -> dict[str, Any]:
    """Return how a JSON Schema says that exactly one of these keys is there; `needs`: one key → the one it needs."""
    schema: dict[str, Any] = {"oneOf": [{"required": [key]} for key in keys]}
    return schema | ({"dependentRequired": {key: [other] for key, other in needs.items()}} if needs else {})


def any_of(*keys: str) -> dict[str, Any]:
    """Return how a JSON Schema says that at least one of these keys is there."""
    return {"anyOf": [{"required": [key]} for key in keys]}


def check_one_of(part: M, keys: dict[str, str]) -> M:
    """Return `part`. Raises (as pydantic wants it) unless exactly one of `keys` (attribute → key) is there.

    A key whose value is empty is there.
    """
    found = [key for attribute, key in keys.items() if getattr(part, attribute) is not None]
    if len(found) == 1:
        return part
    if not found:
        raise _none_of(*keys.values())
    raise PydanticCustomError("several_of", "more than one", {"found": tuple(found)})


def check_any_of(part: M, *keys: str) -> M:
    """Return `part`. Raises (as pydantic wants it) unless at least one of `keys` is there."""
    if all(getattr(part, key) is None for key in keys):
        raise _none_of(*keys)
    return part


def check_needs(part: M, key: str, other: str) -> M:
    """Return `part`. Raises (as pydantic wants it) where `key` is there without `other`."""
    if getattr(part, key) is not None and getattr(part, other) is None:
        raise PydanticCustomError("needs", "one key without another", {"key": key, "other": other})
    return part


def _none_of(*keys: str) -> PydanticCustomError:
    return PydanticCustomError("none_of", "none", {"keys": keys})
