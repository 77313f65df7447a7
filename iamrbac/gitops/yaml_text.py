"""JSON values as YAML text in block style: byte-stable, quoted wherever a YAML parser could read something else.

An emitter of our own, since thousands of objects share their rules and labels and each shared part is written once
(CSafeDumper writes every object anew), and since what it must write is small: mappings, lists and text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

Json: TypeAlias = Mapping[str, "Json"] | Sequence["Json"] | str | int | bool | None

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?:[:@][A-Za-z0-9_./-]+)*")
# Words that YAML 1.1 or 1.2 take for a boolean or for nothing.
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_ESCAPED = re.compile(r"[^ !#-\[\]-~]")


def yaml_text(value: Json, indent: int = 0) -> str:
    """Return a mapping or list as lines, each with `indent` blanks before it and ended by a newline.

    Keys are in the order given. A mapping's keys must be shorter than 1,000 characters (YAML's limit for them).
    """
    return "".join(f"{line}\n" for line in _lines(value, " " * indent))


@lru_cache(maxsize=65_536)
def scalar(text: str) -> str:
    """Return a text as a YAML scalar that every parser reads as this text."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _lines(value: Json, prefix: str) -> list[str]:
    if isinstance(value, Mapping):
        return _mapping(value, prefix) if value else [f"{prefix}{{}}"]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _sequence(value, prefix) if value else [f"{prefix}[]"]
    return [f"{prefix}{_atom(value)}"]


def _mapping(value: Mapping[str, Json], prefix: str) -> list[str]:
    lines: list[str] = []
    for key, item in value.items():
        if _is_block(item):
            lines.append(f"{prefix}{scalar(key)}:")
            # A list in a mapping is not indented, as kubectl writes it.
            lines += _lines(item, prefix if isinstance(item, Sequence) else f"{prefix}  ")
        else:
            lines.append(f"{prefix}{scalar(key)}: {_lines(item, '')[0]}")
    return lines


def _sequence(value: Sequence[Json], prefix: str) -> list[str]:
    lines: list[str] = []
    for item in value:
        first, *rest = _lines(item, f"{prefix}  ")
        lines.append(f"{prefix}- {first[len(prefix) + 2 :]}")
        lines += rest
    return lines


def _is_block(value: Json) -> bool:
    return isinstance(value, Mapping | Sequence) and not isinstance(value, str) and bool(value)


def _atom(value: Json) -> str:
    if isinstance(value, str):
        return scalar(value)
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in '"\\':
        return "\\" + character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
