"""A kubeconfig as text: changed only at the places where its value changes, every other byte as it was.

The places are those that the YAML parser reports. Whatever the edits made of it is parsed again and compared with what
was meant, so that a shape that this editor does not understand is refused, not broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode

from iamrbac.kubeconfig.render import block, flow, item, pair
from iamrbac.kubeconfig.values import merged
from iamrbac.model.errors import KubeconfigError
from iamrbac.usecases.ports import Context

MOST_NODES = 200_000
"""Aliases can make a small text huge; no kubeconfig is."""
_BY_HAND = "correct it by hand, or write to another file with --kubeconfig FILE"


class _Loader(yaml.SafeLoader):
    """Reports an alias at its own place, not at the place of its anchor."""

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        if not self.check_event(yaml.AliasEvent):
            return super().compose_node(parent, index)
        event = self.current_event
        alias = copy(super().compose_node(parent, index))
        if alias is not None:
            alias.start_mark, alias.end_mark = event.start_mark, event.end_mark
        if isinstance(alias, CollectionNode):
            alias.flow_style = True
        return alias


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: str


def merge(
    text: str,
    contexts: Sequence[Context],
    command: Sequence[str],
    current: str | None = None,
    fallback: str | None = None,
) -> str:
    """Return the kubeconfig with our entries in it; the same text again when they are there already.

    `command` is how kubectl runs iamrbac: a program and its first arguments. `current` becomes the
    current context; `fallback` only where there is none, or one that is not there.
    Raises KubeconfigError when the text is no kubeconfig, or an entry of the same name is not ours.
    """
    root = parse(text)
    before = None if root is None else value_of(root)
    after = merged(before, contexts, command, current, fallback)
    if after == before:
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    if root is None or not before or isinstance(before, str):
        after = {"apiVersion": "v1", "kind": "Config", **after}
        result = _fresh(text, root, after, newline)
    else:
        result = _applied(text, _Editor(text, newline).change(root, before, after, None))
    if not _says(result, after):
        raise KubeconfigError("it is written in a way that cannot be edited safely", hint=_BY_HAND)
    return result


def _says(text: str, value: Any) -> bool:
    try:
        root = parse(text)
        return root is not None and value_of(root) == value
    except KubeconfigError:
        return False


def current_context(text: str) -> str | None:
    """Return the current context's name, None without one. Raises KubeconfigError."""
    root = parse(text)
    value = value_of(root) if root is not None else None
    name = value.get("current-context") if isinstance(value, dict) else None
    return name if isinstance(name, str) and name else None


def parse(text: str) -> Node | None:
    """Return the root node, None for a text without content. Raises KubeconfigError with line and column."""
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
        raise KubeconfigError(f"it is not YAML: {error.problem or error.context}{place}", hint=_BY_HAND) from error
    except (yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise KubeconfigError(f"it is not YAML: {reason}", hint=_BY_HAND) from error


def value_of(node: Node) -> Any:
    """Return a node as dict, list and str: no scalar is taken for anything but its text. Raises KubeconfigError."""
    left = [MOST_NODES]

    def read(one: Node, above: frozenset[int]) -> Any:
        left[0] -= 1
        if left[0] < 0 or id(one) in above:
            raise KubeconfigError("its aliases make it endless", hint=_BY_HAND)
        inside = above | {id(one)}
        if isinstance(one, MappingNode):
            return _mapping([(read(key, inside), read(value, inside), key) for key, value in one.value])
        if isinstance(one, SequenceNode):
            return [read(inner, inside) for inner in one.value]
        return one.value

    return read(node, frozenset())


def _mapping(pairs: list[tuple[Any, Any, Node]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value, node in pairs:
        if not isinstance(key, str) or key in result:
            line = node.start_mark.line + 1
            why = f"{key!r} is there twice" if isinstance(key, str) else "a key is not a text"
            raise KubeconfigError(f"{why} (line {line})", hint=_BY_HAND)
        result[key] = value
    return result


class _Editor:
    """Finds the smallest edits that turn one value into another."""

    def __init__(self, text: str, newline: str) -> None:
        self.text = text
        self.newline = newline

    def change(self, node: Node, old: Any, new: Any, parent: Node | None) -> list[_Edit]:
        """Return edits in an order in which those of the same place are to be made one after the other."""
        if old == new:
            return []
        if isinstance(node, MappingNode) and isinstance(new, dict) and old.keys() <= new.keys() and old:
            edits = [
                edit for key, value in node.value for edit in self.change(value, old[key.value], new[key.value], node)
            ]
            return edits + self._add_pairs(node, {key: value for key, value in new.items() if key not in old})
        if isinstance(node, SequenceNode) and isinstance(new, list) and 0 < len(old) <= len(new):
            edits = [
                edit
                for inner, was, will in zip(node.value, old, new, strict=False)
                for edit in self.change(inner, was, will, node)
            ]
            return edits + self._add_items(node, new[len(old) :])
        return [self._replace(node, new, parent)]

    def _add_pairs(self, node: MappingNode, more: dict[str, Any]) -> list[_Edit]:
        if not more:
            return []
        if node.flow_style:
            inside = ", ".join(f"{flow(key)}: {flow(value)}" for key, value in more.items())
            return [self._inside(node, inside)]
        return [self._below(node, [line for key, value in more.items() for line in pair(key, value)])]

    def _add_items(self, node: SequenceNode, more: list[Any]) -> list[_Edit]:
        if not more:
            return []
        if node.flow_style:
            return [self._inside(node, ", ".join(flow(value) for value in more))]
        return [self._below(node, [line for value in more for line in item(value)])]

    def _inside(self, node: Node, addition: str) -> _Edit:
        """Add to a flow collection that is not empty, before its closing bracket."""
        last = self.text[: node.end_mark.index - 1].rstrip()
        comma = "" if last.endswith(",") else ","
        return _Edit(len(last), len(last), f"{comma} {addition}")

    def _below(self, node: Node, lines: list[str]) -> _Edit:
        """Add lines to a block collection, below its last line."""
        end = self._line_end(self._end(node))
        indent = " " * node.start_mark.column
        return _Edit(end, end, "".join(f"{self.newline}{indent}{line}" for line in lines))

    def _replace(self, node: Node, new: Any, parent: Node | None) -> _Edit:
        start, end = node.start_mark.index, self._end(node)
        if isinstance(parent, CollectionNode) and parent.flow_style:
            return _Edit(start, end, flow(new))
        in_block = isinstance(node, CollectionNode) and not node.flow_style
        if isinstance(new, str) or not new:
            # An empty value stands behind its key, also where a block stood below it.
            start = len(self.text[:start].rstrip()) if in_block else start
            return _Edit(start, end, self._spaced(start, block(new)[0]))
        if in_block:
            return _Edit(start, end, f"{self.newline}{' ' * node.start_mark.column}".join(block(new)))
        if parent is None:
            return _Edit(start, end, self.newline.join(block(new)))
        # A value behind its key becomes a collection below it.
        indent = " " * (parent.start_mark.column + (0 if isinstance(new, list) else 2))
        start = len(self.text[:start].rstrip(" "))
        return _Edit(start, end, "".join(f"{self.newline}{indent}{line}" for line in block(new)))

    def _spaced(self, start: int, text: str) -> str:
        """Return the text with a blank before it where it would stand right behind a colon."""
        return f" {text}" if self.text[:start].endswith(":") else text

    def _end(self, node: Node) -> int:
        """Return where a node's own text ends; the parser counts blanks and comments below a block to the block."""
        if isinstance(node, CollectionNode) and not node.flow_style:
            last = node.value[-1]
            return self._end(last[1] if isinstance(node, MappingNode) else last)
        start, end = node.start_mark.index, node.end_mark.index
        return start + len(self.text[start:end].rstrip())

    def _line_end(self, index: int) -> int:
        """Return the end of a line, before its line break; a comment behind a value stays with it."""
        end = self.text.find("\n", index)
        end = len(self.text) if end < 0 else end
        return end - 1 if self.text[:end].endswith("\r") else end


def _fresh(text: str, root: Node | None, after: dict[str, Any], newline: str) -> str:
    """Return a new document below whatever comments there are."""
    kept = text if root is None else text[: root.start_mark.index] + text[root.end_mark.index :]
    kept = kept.rstrip()
    body = newline.join(block(after)) + newline
    return f"{kept}{newline}{body}" if kept else body


def _applied(text: str, edits: list[_Edit]) -> str:
    parts: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda one: one.start):
        if edit.start < done:
            raise KubeconfigError("it is written in a way that cannot be edited safely", hint=_BY_HAND)
        parts += [text[done : edit.start], edit.text]
        done = edit.end
    return "".join([*parts, text[done:]])
