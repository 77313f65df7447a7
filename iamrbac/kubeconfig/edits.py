"""The smallest edits of a YAML or JSON text that turn one value into another, at the places of the parser's nodes."""

from __future__ import annotations

from typing import Any, NamedTuple

from yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode

from iamrbac.kubeconfig.render import block, flow, item, pair


class UneditableError(Exception):
    """Edits would touch each other."""


class Edit(NamedTuple):
    """Put `text` in the place of what is between `start` and `end`."""

    start: int
    end: int
    text: str


class Span(NamedTuple):
    """Where an item or a pair is."""

    start: int
    end: int


def aligned(old: list[Any], new: list[Any]) -> list[int]:
    """Return the places in `old` of the items that `new` begins with; what `new` has beyond them is added.

    Items that have a name are the same where the name is; others where the place is.
    """
    names = [one.get("name") if isinstance(one, dict) else None for one in old]
    wanted = [one.get("name") if isinstance(one, dict) else None for one in new]
    if None in names or None in wanted or len(set(names)) < len(names):
        return list(range(len(old))) if len(old) <= len(new) else []
    kept = [index for index, name in enumerate(names) if name in wanted]
    return kept if [names[index] for index in kept] == wanted[: len(kept)] else []


def applied(text: str, edits: list[Edit]) -> str:
    """Return the text with the edits made. Raises UneditableError."""
    parts: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda one: one.start):
        if edit.start < done:
            raise UneditableError
        parts += [text[done : edit.start], edit.text]
        done = edit.end
    return "".join([*parts, text[done:]])


class Editor:
    """Finds the smallest edits that turn one value into another."""

    def __init__(self, text: str, newline: str) -> None:
        self.text = text
        self.newline = newline

    def change(self, node: Node, old: Any, new: Any, parent: Node | None) -> list[Edit]:
        """Return edits in an order in which those of the same place are to be made one after the other."""
        if old == new:
            return []
        if isinstance(node, MappingNode) and isinstance(new, dict) and old.keys() & new.keys():
            return self._change_pairs(node, old, new, parent)
        if isinstance(node, SequenceNode) and isinstance(new, list) and old and new:
            return self._change_items(node, old, new, parent)
        return [self._replace(node, new, parent)]

    def _change_pairs(
        self, node: MappingNode, old: dict[str, Any], new: dict[str, Any], parent: Node | None
    ) -> list[Edit]:
        gone = [index for index, (key, _) in enumerate(node.value) if key.value not in new]
        places = [Span(key.start_mark.index, self._end(value)) for key, value in node.value]
        removals = self._removals(node, places, gone)
        if removals is None:
            return [self._replace(node, new, parent)]
        edits = [
            edit
            for key, value in node.value
            if key.value in new
            for edit in self.change(value, old[key.value], new[key.value], node)
        ]
        more = {key: value for key, value in new.items() if key not in old}
        return removals + edits + self._add_pairs(node, more)

    def _change_items(self, node: SequenceNode, old: list[Any], new: list[Any], parent: Node | None) -> list[Edit]:
        kept = aligned(old, new)
        if not kept:
            return [self._replace(node, new, parent)]
        gone = [index for index in range(len(old)) if index not in kept]
        places = [Span(self._item_start(node, inner), self._end(inner)) for inner in node.value]
        removals = self._removals(node, places, gone)
        if removals is None:
            return [self._replace(node, new, parent)]
        edits = [
            edit
            for will, index in zip(new, kept, strict=False)
            for edit in self.change(node.value[index], old[index], will, node)
        ]
        return removals + edits + self._add_items(node, new[len(kept) :])

    def _item_start(self, node: SequenceNode, inner: Node) -> int:
        start = inner.start_mark.index
        if node.flow_style:
            return start
        dash = len(self.text[:start].rstrip()) - 1
        return dash if self.text[dash : dash + 1] == "-" else start

    def _removals(self, node: CollectionNode, places: list[Span], gone: list[int]) -> list[Edit] | None:
        """Return the edits that take some items or pairs out, but never all; None where that takes more than lines."""
        edits = []
        for index in gone:
            start, end = places[index]
            if not node.flow_style:
                line = self.text.rfind("\n", 0, start) + 1
                last = self._line_end(end)
                if self.text[line:start].strip(" \ufeff") or not self._only_comment(end, last):
                    return None
                if last == len(self.text):
                    # The last line of all goes with the break before it, so that a file without one stays without.
                    line = len(self.text[:line].removesuffix("\n").removesuffix("\r"))
                else:
                    last = self.text.index("\n", last) + 1
                edits.append(Edit(line, last, ""))
            elif all(before in gone for before in range(index)):
                edits.append(Edit(start, places[index + 1].start, ""))
            else:
                edits.append(Edit(places[index - 1].end, end, ""))
        return edits

    def _only_comment(self, start: int, end: int) -> bool:
        rest = self.text[start:end].strip()
        return not rest or rest.startswith("#")

    def _add_pairs(self, node: MappingNode, more: dict[str, Any]) -> list[Edit]:
        if not more:
            return []
        if node.flow_style:
            inside = ", ".join(f"{flow(key)}: {flow(value)}" for key, value in more.items())
            return [self._inside(node, inside)]
        return [self._below(node, [line for key, value in more.items() for line in pair(key, value)])]

    def _add_items(self, node: SequenceNode, more: list[Any]) -> list[Edit]:
        if not more:
            return []
        if node.flow_style:
            return [self._inside(node, ", ".join(flow(value) for value in more))]
        return [self._below(node, [line for value in more for line in item(value)])]

    def _inside(self, node: Node, addition: str) -> Edit:
        """Add to a flow collection that is not empty, before its closing bracket."""
        last = self.text[: node.end_mark.index - 1].rstrip()
        comma = "" if last.endswith(",") else ","
        return Edit(len(last), len(last), f"{comma} {addition}")

    def _below(self, node: Node, lines: list[str]) -> Edit:
        """Add lines to a block collection, below its last line."""
        end = self._line_end(self._end(node))
        indent = " " * node.start_mark.column
        return Edit(end, end, "".join(f"{self.newline}{indent}{line}" for line in lines))

    def _replace(self, node: Node, new: Any, parent: Node | None) -> Edit:
        start, end = node.start_mark.index, self._end(node)
        if isinstance(parent, CollectionNode) and parent.flow_style:
            return Edit(start, end, flow(new))
        in_block = isinstance(node, CollectionNode) and not node.flow_style
        if isinstance(new, str) or not new:
            # An empty value stands behind its key, also where a block stood below it.
            start = len(self.text[:start].rstrip()) if in_block else start
            return Edit(start, end, self._spaced(start, block(new)[0]))
        if in_block:
            return Edit(start, end, f"{self.newline}{' ' * node.start_mark.column}".join(block(new)))
        if parent is None:
            return Edit(start, end, self.newline.join(block(new)))
        # A value behind its key becomes a collection below it.
        indent = " " * (parent.start_mark.column + (0 if isinstance(new, list) else 2))
        start = len(self.text[:start].rstrip(" "))
        return Edit(start, end, "".join(f"{self.newline}{indent}{line}" for line in block(new)))

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
