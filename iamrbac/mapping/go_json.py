"""What EKS's authenticator makes of YAML values: go-yaml v2 to JSON to Go structs.

Go's YAML 1.1 is not PyYAML's: there `y` is a boolean, 012345678901 a number and 2026-01-01 a string.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn

from iamrbac.mapping.yaml_tree import BrokenSectionError, Mapping, Node, Scalar, Sequence, place, resolved

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = frozenset(
    spelling
    for word in ("y", "n", "yes", "no", "true", "false", "on", "off")
    for spelling in (word, word.capitalize(), word.upper())
)
_NOT_IN_JSON = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NUMBER = re.compile(
    r"[-+]?(0x[0-9a-f]+|0b[01]+|0o[0-7]+|(\.[0-9]+|[0-9]+(\.[0-9]*)?)(e[-+]?[0-9]+)?)", re.IGNORECASE | re.ASCII
)
_MERGE = "<<"
_STRING = ("tag:yaml.org,2002:str", "!")
_TAGS = (None, *_STRING, "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")


def string(node: Node) -> str | None:
    """Return a scalar's text where Go decodes it as a string, else None (number, boolean, null, list, map)."""
    scalar = resolved(node)
    if not isinstance(scalar, Scalar):
        return None
    if not scalar.plain or scalar.tag in _STRING or not _other_type(scalar.value):
        return scalar.value
    return None


def is_null(node: Node) -> bool:
    """Return whether the value is null, which Go takes for "leave the field as it is"."""
    scalar = resolved(node)
    return isinstance(scalar, Scalar) and scalar.plain and scalar.tag is None and scalar.value in _NULLS


def is_string(text: str) -> bool:
    """Return whether `text`, written plain, stays a string for Go."""
    return not _other_type(text)


def fields(row: Mapping) -> Iterator[tuple[str, Node]]:
    """Yield a map's keys in lower case with their values, in the order in which Go decodes them.

    Of equal keys the last counts, a merged key (<<) gives way to one that is written out, and keys that differ in case
    come in the order of their bytes, so that the last one sets the field.
    """
    for key, value in sorted(_entries(row).items()):
        yield key.casefold(), value


def check(root: Node, text: str) -> None:
    """Raise BrokenSectionError for what makes Go refuse the whole text: keys and values that JSON cannot hold.

    Also for tags that are not read here: better refused than misread.
    """
    _Check(text).visit(root)


def _entries(row: Mapping) -> dict[str, Node]:
    merged: dict[str, Node] = {}
    own: dict[str, Node] = {}
    for key, value in row.pairs:
        name = resolved(key)
        if not isinstance(name, Scalar):
            continue
        if name.value == _MERGE and name.plain:
            for base in _bases(value):
                merged = {**_entries(base), **merged}
        else:
            own[name.value] = value
    return {**merged, **own}


def _bases(value: Node) -> Iterator[Mapping]:
    node = resolved(value)
    for one in node.items if isinstance(node, Sequence) else (node,):
        base = resolved(one)
        if isinstance(base, Mapping):
            yield base


def _other_type(text: str) -> bool:
    if text in _NULLS or text in _BOOLEANS or _NOT_IN_JSON.fullmatch(text):
        return True
    digits = text if text.startswith((".", "_")) else text.replace("_", "")
    return _NUMBER.fullmatch(digits) is not None


class _Check:
    def __init__(self, text: str) -> None:
        self._text = text
        self._seen: set[int] = set()

    def visit(self, node: Node) -> None:
        node = resolved(node)
        if id(node) in self._seen:
            return
        self._seen.add(id(node))
        self._tag(node)
        if isinstance(node, Sequence):
            for item in node.items:
                self.visit(item)
        elif isinstance(node, Mapping):
            for key, value in node.pairs:
                self._key(key)
                self._merge(key, value)
                self.visit(value)
        elif node.plain and node.tag is None and _NOT_IN_JSON.fullmatch(node.value):
            self._refuse(node, f"{node.value} is a number that JSON cannot hold")

    def _tag(self, node: Scalar | Sequence | Mapping) -> None:
        if node.tag not in _TAGS:
            self._refuse(node, f"the tag {node.tag} is not read here")

    def _key(self, key: Node) -> None:
        name = resolved(key)
        if not isinstance(name, Scalar):
            self._refuse(key, "a key is itself a map or a list (quote a value that begins with {{ or [)")
        if is_null(key):
            self._refuse(key, "a key is null")
        self._tag(name)

    def _merge(self, key: Node, value: Node) -> None:
        name = resolved(key)
        if not (isinstance(name, Scalar) and name.value == _MERGE and name.plain):
            return
        node = resolved(value)
        values = node.items if isinstance(node, Sequence) else [node]
        if not all(isinstance(resolved(one), Mapping) for one in values):
            self._refuse(key, "<< merges maps only")

    def _refuse(self, node: Node, why: str) -> NoReturn:
        raise BrokenSectionError(f"{place(self._text, node.start)}: {why}")
