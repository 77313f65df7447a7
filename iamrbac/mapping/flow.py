"""Edits of the items of a flow list ([a, b]) that leave its other items, comments and line breaks as they are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from difflib import SequenceMatcher

from iamrbac.mapping.text import Edit, Lines
from iamrbac.mapping.yaml_tree import Sequence as ListNode


def replace_items(
    lines: Lines, node: ListNode, before: Sequence[str], after: Sequence[str], write: Callable[[str], str]
) -> list[Edit]:
    """Return the edits that turn the values `before`, one for each item of `node`, into `after`."""
    edits: list[Edit] = []
    gone: set[int] = set()
    for operation, first, last, new_first, new_last in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        new = [write(value) for value in after[new_first:new_last]]
        if operation == "insert":
            edits.append(_insertion(lines, node, first, new))
        elif operation == "replace":
            edits.append(Edit(node.items[first].start, node.items[first].end, ", ".join(new)))
            gone.update(range(first + 1, last))
        elif operation == "delete":
            gone.update(range(first, last))
    return [*edits, *remove_items(lines, node, gone)]


def append_items(lines: Lines, node: ListNode, new: Sequence[str]) -> Edit:
    """Return the edit that puts `new` after the last item: on lines of their own where that one has one."""
    if not node.items:
        return Edit(node.inner, node.inner, ", ".join(new))
    last = node.items[-1]
    before = lines.text[lines.start(last.start) : last.start]
    alone = before and not before.strip(" ")
    between = f"{lines.line_break(last.start)}{before}" if alone else " "
    return Edit(last.end, last.end, "".join(f",{between}{one}" for one in new))


def append_rows(lines: Lines, node: ListNode, new: Sequence[str]) -> Edit:
    """Return the edit that puts `new` after the last item, a line each unless the list has several items on a line."""
    if len(node.items) > 1 and lines.start(node.items[-1].start) <= node.items[-2].end:
        return append_items(lines, node, new)
    first = node.items[0].start if node.items else node.inner
    place = node.items[-1].end if node.items else node.inner
    between = f",{lines.line_break(place)}{' ' * lines.column(first)}"
    return Edit(place, place, (between if node.items else "") + between.join(new))


def remove_items(lines: Lines, node: ListNode, gone: Collection[int]) -> Iterator[Edit]:
    """Yield the edits that take items out, each with one comma, so that what is left is a list again."""
    kept = [index for index in range(len(node.items)) if index not in gone]
    for index in sorted(gone):
        if any(one > index for one in kept[-1:]):
            yield _with_comma_after(lines, node, index, gone)
        else:
            yield from _with_comma_before(lines, node, index)
    if gone and not kept:
        comma = _comma(lines, node.items[-1].end, node.end)
        if comma is not None:
            yield Edit(comma, comma + 1, "")


def _insertion(lines: Lines, node: ListNode, index: int, new: list[str]) -> Edit:
    if index == len(node.items):
        return append_items(lines, node, new)
    start = node.items[index].start
    return Edit(start, start, "".join(f"{one}, " for one in new))


def _with_comma_after(lines: Lines, node: ListNode, index: int, gone: Collection[int]) -> Edit:
    item, following = node.items[index], node.items[index + 1]
    comma = _comma(lines, item.end, following.start)
    end = (comma if comma is not None else item.end - 1) + 1
    while lines.text[end : end + 1] in (" ", "\t"):
        end += 1
    first_in_line = not lines.text[lines.start(item.start) : item.start].strip(" \t")
    if first_in_line and end == lines.end(end):
        return Edit(lines.start(item.start), lines.next(end), "")
    if index + 1 not in gone and not lines.text[end : following.start].strip():
        end = following.start
    return Edit(item.start, end, "")


def _with_comma_before(lines: Lines, node: ListNode, index: int) -> Iterator[Edit]:
    item = node.items[index]
    comma = _comma(lines, node.items[index - 1].end, item.start) if index else None
    if comma is None:
        yield Edit(item.start, item.end, "")
    elif lines.text[comma + 1 : item.start].strip():
        yield Edit(comma, comma + 1, "")
        yield Edit(item.start, item.end, "")
    else:
        yield Edit(comma, item.end, "")


def _comma(lines: Lines, start: int, end: int) -> int | None:
    """Return where the comma between two items stands, comments passed over."""
    offset = start
    while offset < end:
        if lines.text[offset] == ",":
            return offset
        offset = lines.next(offset) if lines.text[offset] == "#" else offset + 1
    return None
