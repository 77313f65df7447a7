"""Edits of a text at offsets, and its lines as YAML counts them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from iamrbac.mapping.yaml_tree import BREAK


class Edit(NamedTuple):
    """Replace text[start:end]; an insertion where both are equal."""

    start: int
    end: int
    new: str


class Lines:
    """Where the lines of a text begin and end."""

    def __init__(self, text: str) -> None:
        self.text = text
        breaks = list(BREAK.finditer(text))
        self._starts = [0, *(match.end() for match in breaks)]
        self._ends = [*(match.start() for match in breaks), len(text)]

    def start(self, offset: int) -> int:
        """Return where the line begins that `offset` is in."""
        return self._starts[self._line(offset)]

    def end(self, offset: int) -> int:
        """Return where the line ends that `offset` is in: at its break, or at the end of the text."""
        return self._ends[self._line(offset)]

    def next(self, offset: int) -> int:
        """Return where the next line begins; the end of the text after the last one."""
        line = self._line(offset)
        return self._starts[line + 1] if line + 1 < len(self._starts) else len(self.text)

    def column(self, offset: int) -> int:
        """Return how many characters stand before `offset` in its line."""
        return offset - self.start(offset)

    def line_break(self, offset: int) -> str:
        """Return the break that ends the line of `offset`; where there is none the text's first, else a line feed."""
        return self.text[self.end(offset) : self.next(offset)] or self.text[self._ends[0] : self.next(0)] or "\n"

    def comments(self, start: int, end: int, contents: Iterable[tuple[int, int]]) -> str:
        """Return the lines in text[start:end] that hold nothing but a comment; `contents` are the ranges of scalars."""
        contents = tuple(contents)
        found = []
        while start < end:
            mark = start + len(self.text[start : self.end(start)]) - len(self.text[start : self.end(start)].lstrip())
            inside = any(first <= mark < last for first, last in contents)
            if self.text.startswith("#", mark) and not inside:
                found.append(self.text[start : self.next(start)])
            start = self.next(start)
        return "".join(found)

    def _line(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1


def apply(text: str, edits: Iterable[Edit], *, ended: bool = False) -> str:
    """Return `text` with all edits made, which must not overlap; insertions at one place keep their order.

    A text that has no break at its end gets none, but where it may be `ended` by one.
    """
    pieces: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        pieces += (text[position : edit.start], edit.new)
        position = edit.end
    result = "".join((*pieces, text[position:]))
    if ended or BREAK.search(text[-1:]) or not (last := _last_break(result)):
        return result
    return result.removesuffix(last)


def _last_break(text: str) -> str:
    if text.endswith("\r\n"):
        return "\r\n"
    return text[-1:] if BREAK.search(text[-1:]) else ""
