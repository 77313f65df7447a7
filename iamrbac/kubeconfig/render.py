"""Values as YAML text, in the style that kubectl writes, or on one line inside of flow collections."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

# Texts that every YAML 1.1 and 1.2 reader takes for a text; all others are quoted.
_PLAIN: Final = re.compile(r"(?:--?)?[A-Za-z/][A-Za-z0-9_./:@+=-]*")
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})


def flow(value: Any) -> str:
    """Return the value on one line; JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)


def scalar(text: str) -> str:
    """Return a text as a scalar, quoted where it must be."""
    plain = _PLAIN.fullmatch(text) and not text.endswith(":") and text.lower() not in _WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)


def block(value: Any) -> list[str]:
    """Return the lines of a collection that is not empty, or of a scalar, without indentation of its own."""
    if isinstance(value, Mapping) and value:
        return [line for key, inner in value.items() for line in pair(str(key), inner)]
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        return [line for inner in value for line in item(inner)]
    return [scalar(value) if isinstance(value, str) else flow(value)]


def pair(key: str, value: Any) -> list[str]:
    """Return the lines of a key and its value in a block mapping."""
    name, lines = scalar(key), block(value)
    if isinstance(value, Mapping) and value:
        return [f"{name}:", *(f"  {line}" for line in lines)]
    if isinstance(value, list) and value:
        return [f"{name}:", *lines]
    return [f"{name}: {lines[0]}"]


def item(value: Any) -> list[str]:
    """Return the lines of an item in a block sequence."""
    first, *rest = block(value)
    return [f"- {first}", *(f"  {line}" for line in rest)]
