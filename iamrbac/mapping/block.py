"""Edits of the items of a block list (a dash a line) that leave its other items and all comment lines as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher

from iamrbac.mapping.text import Edit, Lines
from iamrbac.mapping.yaml_tree import Mapping, Node, Scalar
from iamrbac.mapping.yaml_tree import Sequence as ListNode


def dash_of(lines: Lines, item: Node) -> int:
    """Return where the dash of a block list's item stands: on the item's line, or alone on one above it."""
    offset = item.start
    while True:
        start = lines.start(offset)
        before = lines.text[start:offset]
        if start == 0 or before.lstrip(" ").startswith("-"):
            return start + len(before) - len(before.lstrip(" "))
        offset = lines.end(start - 1)


def gap_of(lines: Lines, item: Node) -> int:
    """Return how many blanks stand between an item and its dash; 1 where they are on different lines."""
    dash = dash_of(lines, item)
    return item.start - dash - 1 if lines.start(dash) == lines.start(item.start) else 1


def remove(lines: Lines, items: Sequence[Node]) -> Edit:
    """Return the edit that takes neighbouring items out: their whole lines, but no line that is a comment."""
    start, end = lines.start(dash_of(lines, items[0])), lines.next(items[-1].end)
    return Edit(start, end, lines.comments(start, end, (span for item in items for span in _scalars(item))))


def replace_items(
    lines: Lines, node: ListNode, before: Sequence[str], after: Sequence[str], write: Callable[[str], str]
) -> list[Edit]:
    """Return the edits that turn the values `before`, one for each item of `node` (at least one), into `after`."""
    first = node.items[0]
    dash = f"{' ' * lines.column(dash_of(lines, first))}-{' ' * gap_of(lines, first)}"
    end_of_line = lines.line_break(node.end)
    edits: list[Edit] = []
    for operation, start, end, new_start, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        new = [f"{dash}{write(value)}" for value in after[new_start:new_end]]
        if operation == "insert" and start == len(node.items):
            place = lines.end(node.end)
            edits.append(Edit(place, place, "".join(f"{end_of_line}{line}" for line in new)))
        elif operation == "insert":
            place = lines.start(dash_of(lines, node.items[start]))
            edits.append(Edit(place, place, "".join(f"{line}{end_of_line}" for line in new)))
        elif operation != "equal":
            gone = remove(lines, node.items[start:end])
            edits.append(gone._replace(new="".join(f"{line}{end_of_line}" for line in new) + gone.new))
    return edits


def _scalars(node: Node) -> Iterator[tuple[int, int]]:
    """Yield the ranges of all scalars of a node as it is written, in which a # begins no comment."""
    if isinstance(node, Scalar):
        yield node.start, node.end
    elif isinstance(node, ListNode):
        for item in node.items:
            yield from _scalars(item)
    elif isinstance(node, Mapping):
        for key, value in node.pairs:
            yield from _scalars(key)
            yield from _scalars(value)
