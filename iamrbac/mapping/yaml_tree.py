"""One section of aws-auth as a tree that knows where each part stands in the text.

Built from the parser's events, not from `yaml.compose`, since an editor has to tell an alias from what it stands for,
a flow list from a block, and where the document ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

MAX_DEPTH = 64
"""Deeper nesting is refused: a row of aws-auth needs 3."""

# libyaml is what EKS's own parser is a port of; without it PyYAML's own parser reports the same positions.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KEEPS = re.compile(r"[|>](\+|[0-9]\+)")
_FLOW_KEY = re.compile(r"\?\s")
_BREAKS = "\r\n\x85\u2028\u2029"
BREAK = re.compile(f"\r\n|[{_BREAKS}]")
"""What ends a line for YAML 1.1."""


class BrokenSectionError(ValueError):
    """A section cannot be read; the message says where in it (from line 1) and why."""


@dataclass(slots=True)
class Scalar:
    """A scalar; `start` and `end` are offsets in the text, anchor and tag included, trailing blanks not."""

    start: int
    end: int
    value: str
    plain: bool
    tag: str | None


@dataclass(slots=True)
class Sequence:
    """A list; `inner` is where its first item may stand (after the bracket of a flow list)."""

    start: int
    end: int
    inner: int
    flow: bool
    tag: str | None
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    """A map; pairs in the order of the text, duplicates included."""

    start: int
    end: int
    inner: int
    flow: bool
    tag: str | None
    pairs: list[tuple[Node, Node]] = field(default_factory=list)


@dataclass(slots=True)
class Alias:
    """`*name`, and the node that it stands for."""

    start: int
    end: int
    target: Node


Node: TypeAlias = Scalar | Sequence | Mapping | Alias


@dataclass(frozen=True, slots=True)
class Document:
    """The first YAML document of a text, which is the only one that EKS reads."""

    root: Node | None
    """None where there is nothing but blanks and comments."""
    end: int
    """Where the document ends: at `...`, at the next `---`, or at the end of the text."""
    marked: bool = False
    """It begins with `---`."""


def parse(text: str) -> Document:
    """Read the first document of `text`. Raises BrokenSectionError with line, column and reason."""
    try:
        return _Builder().document(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        raise BrokenSectionError(f"{place}{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise BrokenSectionError(" ".join(str(error).split())) from None


def resolved(node: Node) -> Scalar | Sequence | Mapping:
    """Return the node itself, or what an alias stands for."""
    while isinstance(node, Alias):
        node = node.target
    return node


def place(text: str, offset: int) -> str:
    """Return `line L, column C` of an offset, both from 1."""
    before = BREAK.split(text[:offset])
    return f"line {len(before)}, column {len(before[-1]) + 1}"


class _Builder:
    def __init__(self) -> None:
        self._text = ""
        self._open: list[Sequence | Mapping] = []
        self._keys: list[Node | None] = []
        self._anchors: dict[str, Node] = {}
        self._root: Node | None = None
        self._marked = False

    def document(self, text: str) -> Document:
        self._text = text
        events: Iterable[Any] = yaml.parse(text, Loader=_Loader)
        for event in events:
            start, end = event.start_mark.index, event.end_mark.index
            if isinstance(event, yaml.DocumentEndEvent):
                return Document(self._root, start, self._marked)
            self._take(event, start, end)
        return Document(None, len(text))

    def _take(self, event: Any, start: int, end: int) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._marked = bool(event.explicit)
        elif isinstance(event, yaml.AliasEvent):
            self._add(Alias(start, end, self._target(event, start)))
        elif isinstance(event, yaml.ScalarEvent):
            self._add(self._scalar(event, start, end), event.anchor)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._enter(Sequence(start, end, end, bool(event.flow_style), event.tag), event.anchor)
        elif isinstance(event, yaml.MappingStartEvent):
            self._enter(Mapping(start, end, end, bool(event.flow_style), event.tag), event.anchor)
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            self._leave(end)

    def _scalar(self, event: Any, start: int, end: int) -> Scalar:
        if event.style in ("|", ">"):
            end = self._block_end(start, end)
        plain = event.style in (None, "")
        if plain and self._open and self._open[-1].flow and _FLOW_KEY.search(self._text, start, end + 1):
            raise BrokenSectionError(f"{place(self._text, start)}: quote this, EKS takes the ? in it for a key")
        return Scalar(start, end, event.value, plain, event.tag)

    def _block_end(self, start: int, end: int) -> int:
        """Blank lines after a block scalar are part of it only where its header keeps them (|+)."""
        body = self._text[start:end]
        if _KEEPS.search(BREAK.split(body, maxsplit=1)[0]):
            return start + len(body.removesuffix("\n").removesuffix("\r"))
        return start + len(body.rstrip(f" \t{_BREAKS}"))

    def _target(self, event: Any, start: int) -> Node:
        target = self._anchors.get(event.anchor)
        if target is None or any(target is parent for parent in self._open):
            problem = "has no anchor before it" if target is None else "stands inside its own anchor"
            raise BrokenSectionError(f"{place(self._text, start)}: the alias *{event.anchor} {problem}")
        return target

    def _enter(self, node: Sequence | Mapping, anchor: str | None) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise BrokenSectionError(f"{place(self._text, node.start)}: nested more than {MAX_DEPTH} levels deep")
        self._add(node, anchor)
        self._open.append(node)
        self._keys.append(None)

    def _leave(self, end: int) -> None:
        node = self._open.pop()
        self._keys.pop()
        if node.flow:
            node.end = end
        elif isinstance(node, Sequence) and node.items:
            node.end = node.items[-1].end
        elif isinstance(node, Mapping) and node.pairs:
            node.end = max(node.pairs[-1][0].end, node.pairs[-1][1].end)

    def _add(self, node: Node, anchor: str | None = None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return
        key = self._keys[-1]
        if key is None:
            self._keys[-1] = node
        else:
            parent.pairs.append((key, node))
            self._keys[-1] = None
