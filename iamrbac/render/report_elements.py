"""Elements of the report's page: every text goes through one place, which escapes nothing away and lets nothing act."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from iamrbac.render.plain import printable

FOLDED: Final = 8
"""A list with more items than these can be folded."""

_NARROW: Final = 3
"""Columns that a telephone shows without scrolling."""


def text(parent: Element, tag: str, said: str, kind: str = "", **more: str) -> Element:
    """Add an element with a text in one line."""
    element = SubElement(parent, tag, {"class": kind} if kind else {}, **more)
    element.text = printable(said)
    return element


def after(element: Element, said: str) -> None:
    """Add a text behind an element."""
    element.tail = printable(said)


def table(parent: Element, caption: str, columns: Sequence[str]) -> Element:
    """Add a table with a caption and column headers, and return its body."""
    kind = "scroll wide" if len(columns) > _NARROW else "scroll"
    scroll = SubElement(parent, "div", {"class": kind, "role": "region", "aria-label": printable(caption)})
    element = SubElement(scroll, "table")
    text(element, "caption", caption)
    head = SubElement(SubElement(element, "thead"), "tr")
    for column in columns:
        text(head, "th", column, scope="col")
    scroll.tail = "\n"
    return SubElement(element, "tbody")


def row(body: Element, level: str = "", *, spoken: bool = False) -> Element:
    """Add a row that search and filter know; `spoken`: names are looked for in its text."""
    attributes = {"data-row": "spoken" if spoken else "told"}
    element = SubElement(body, "tr", attributes | ({"data-level": level} if level else {}))
    element.tail = "\n"
    return element


def names(parent: Element, is_: str, found: Sequence[str], whole: str) -> None:
    """Add names in one line, which can be folded where they are many; `whole` is what they are together."""
    if not found:
        return
    if len(found) > FOLDED:
        # Open, so that a browser without script has all of it; the script folds it.
        folded = SubElement(parent, "details", open="")
        text(folded, "summary", f"{len(found)} {whole}")
        parent = folded
    text(parent, "div", ", ".join(found), **{"data-is": is_})


def header(parent: Element, said: str = "", is_: str = "", kind: str = "") -> Element:
    """Add a row's header."""
    more = {"data-is": is_} if is_ else {}
    cell = SubElement(parent, "th", {"scope": "row"})
    if said:
        text(cell, "span", said, kind, **more)
    return cell


def cell(parent: Element, *lines: str, kind: str = "") -> Element:
    """Add a cell with some lines."""
    element = SubElement(parent, "td")
    for one in lines:
        text(element, "div", one, kind)
    return element


def listed(parent: Element, items: Iterable[str]) -> None:
    """Add a list of texts."""
    found = list(items)
    if found:
        element = SubElement(parent, "ul")
        for one in found:
            text(element, "li", one)
