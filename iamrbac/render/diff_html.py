"""A change of access as one page that needs nothing else: no script, nothing loaded, all text escaped by its writer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from iamrbac.findings.finding import Finding
from iamrbac.render.changes import Diff, Story, between, by_cluster, danger_texts, headline, stories, verdict
from iamrbac.render.plain import printable
from iamrbac.usecases.diff import Invalid

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c1e21}"
    "code{font-size:.9em;background:#f2f3f5;padding:.1em .3em;border-radius:3px}"
    "table{border-collapse:collapse}td,th{border:1px solid #d0d4da;padding:.2rem .8rem;text-align:left}"
    ".gain{color:#1a7f37}.lose{color:#b42318}.danger{color:#9a3412}li{margin:.3rem 0}"
)
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def diff_html(diff: Diff) -> str:
    """Return the page."""
    review = diff.review
    page, body = _page(headline(diff))
    _text(body, "p", f"{verdict(diff)}.", "danger" if review.refusals else "")
    _text(body, "p", f"Between {between(diff)}.")
    for note in review.notes:
        _text(body, "p", f"Note: {note}")
    changed = by_cluster(diff)
    if changed:
        table = SubElement(body, "table")
        head = SubElement(table, "tr")
        for title in ("cluster", "gain", "lose"):
            _text(head, "th", title)
        for name, one in changed.items():
            row = SubElement(table, "tr")
            for cell in (name, str(one.gain), str(one.lose)):
                _text(row, "td", cell)
    _list(body, "New dangers", danger_texts(diff), "danger")
    _list(body, "Refused", map(_finding, review.refusals), "lose")
    _list(body, "About the waivers", map(_finding, review.warnings))
    _list(
        body,
        "Accepted by waivers",
        (
            f"until {one.waiver.not_after}, {one.waiver.rule}: {one.waiver.reason} — {finding.message}"
            for one in review.accepted
            for finding in one.findings
        ),
    )
    for team, found in stories(diff).items():
        _text(body, "h2", team)
        items = SubElement(body, "ul")
        for story in found:
            _story(items, story)
    return _written(page)


def invalid_html(found: Invalid) -> str:
    """Return a page that says why nothing can be compared."""
    whose = "base's documents are" if found.side == "base" else "documents are"
    page, body = _page(f"Access changes: not known, since the {whose} invalid")
    _list(body, "Findings", map(_finding, found.findings))
    return _written(page)


def _page(title: str) -> tuple[Element, Element]:
    page = Element("html", lang="en")
    head = SubElement(page, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY})
    SubElement(head, "meta", name="viewport", content="width=device-width")
    _text(head, "title", title)
    SubElement(head, "style").text = _STYLE
    body = SubElement(page, "body")
    _text(body, "h1", title)
    return page, body


def _written(page: Element) -> str:
    return f"<!DOCTYPE html>\n{tostring(page, encoding='unicode', method='html')}\n"


def _text(parent: Element, tag: str, text: str, kind: str = "") -> Element:
    element = SubElement(parent, tag, {"class": kind} if kind else {})
    element.text = printable(text)
    return element


def _list(body: Element, title: str, items: Iterable[str], kind: str = "") -> None:
    found = list(items)
    if found:
        _text(body, "h2", title, kind)
        listed = SubElement(body, "ul")
        for item in found:
            _text(listed, "li", item)


def _finding(finding: Finding) -> str:
    place = f"{finding.file}:{finding.line}: " if finding.line is not None else f"{finding.file or ''} "
    hint = f". Next: {finding.hint}" if finding.hint else ""
    return f"{finding.id} {place.lstrip()}{finding.message}{hint}"


def _story(items: Element, story: Story) -> None:
    item = SubElement(items, "li")
    folded = SubElement(item, "details")
    _text(folded, "summary", f"{', '.join(story.principals)} {story.said}", story.change)
    if story.lines:
        _text(folded, "p", ", ".join(story.lines))
    rules = SubElement(folded, "ul")
    for rule in story.rules:
        _text(SubElement(rules, "li"), "code", rule)
