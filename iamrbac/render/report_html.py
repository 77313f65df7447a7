"""A report as one page that needs nothing else: nothing is loaded, no name can act, and it works from a file.

The page's own policy allows one style and one script, by their hashes, and nothing else. Without script everything is
there and visible; the script searches, filters and folds.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from iamrbac.render.report_elements import cell, header, row, table, text
from iamrbac.render.report_sections import (
    approvals,
    findings,
    matrix,
    people,
    standouts,
    suspended,
    temporary,
    unknown,
    waivers,
)
from iamrbac.render.report_words import Words, count, time
from iamrbac.render.rules import Line
from iamrbac.report.model import Report

_SECTIONS: Final = (
    ("summary", "Summary"),
    ("unknown", "Not known"),
    ("standouts", "Who stands out"),
    ("findings", "Risks by rule"),
    ("temporary", "Temporary grants"),
    ("waivers", "Waivers"),
    ("suspended", "Suspended"),
    ("matrix", "Who may do what"),
    ("people", "People"),
    ("approvals", "Who approved"),
)
_FACETS: Final = ("cluster", "namespace", "role", "level")


def report_html(report: Report, line: Line) -> str:
    """Return the page; `line` gives FILE:LINE."""
    words = Words(report, line)
    title = f"Access report of {report.head.instance}"
    page = Element("html", lang="en")
    _head(page, title)
    body = SubElement(page, "body")
    text(body, "a", "Skip to the report", "skip", href="#main")
    _banner(body, report, title)
    main = SubElement(body, "main", id="main", tabindex="-1")
    made = {
        "summary": _summary,
        "unknown": unknown,
        "standouts": standouts,
        "findings": findings,
        "temporary": temporary,
        "waivers": waivers,
        "suspended": suspended,
        "people": people,
        "approvals": approvals,
    }
    for name, shown in _SECTIONS:
        if name == "matrix":
            matrix(main, words, name, shown)
            continue
        section = SubElement(main, "section", {"aria-labelledby": name})
        text(section, "h2", shown, id=name)
        made[name](section, words)
    SubElement(body, "script").text = _part("script.js")
    return f"<!DOCTYPE html>\n{tostring(page, encoding='unicode', method='html')}\n"


def _part(name: str) -> str:
    return files("iamrbac.render.report_page").joinpath(name).read_text(encoding="utf-8")


def _head(page: Element, title: str) -> None:
    head = SubElement(page, "head")
    SubElement(head, "meta", charset="utf-8")
    style, script = _part("style.css"), _part("script.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": policy})
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    SubElement(head, "meta", name="referrer", content="no-referrer")
    text(head, "title", title)
    SubElement(head, "style").text = style


def _hash(code: str) -> str:
    return f"'sha256-{b64encode(sha256(code.encode()).digest()).decode()}'"


def _banner(body: Element, report: Report, title: str) -> None:
    banner = SubElement(body, "header")
    text(banner, "h1", title)
    head, history = report.head, report.history
    facts = SubElement(banner, "dl")
    source = "the policies" if head.source == "policies" else "the clusters as they are"
    for term, said in (
        ("At", time(head.at)),
        ("From", source),
        ("People", head.people),
        ("Commit", history.commit or f"unknown: {history.unknown or 'git says none'}"),
        ("Made by", f"iamrbac {head.version}"),
    ):
        text(facts, "dt", term)
        text(facts, "dd", said)
    text(banner, "button", "Dark theme", "control", id="theme", type="button", hidden="", **{"aria-pressed": "false"})
    form = SubElement(
        banner, "form", {"id": "filter", "role": "search", "hidden": "", "aria-label": "Search and filter"}
    )
    _field(form, "Search", Element("input", name="q", type="search", autocomplete="off"))
    person = Element("input", name="person", autocomplete="off", list="people-list")
    _field(form, "Person", person)
    SubElement(form, "datalist", id="people-list")
    for facet in _FACETS:
        select = Element("select", name=facet)
        text(select, "option", "any", value="")
        _field(form, "Risk level" if facet == "level" else facet.title(), select)
    text(form, "button", "Show all", type="reset")
    SubElement(form, "p", {"id": "count", "role": "status", "aria-live": "polite"})
    nav = SubElement(SubElement(banner, "nav", {"aria-label": "Sections"}), "ul")
    for name, shown in _SECTIONS:
        text(SubElement(nav, "li"), "a", shown, href=f"#{name}")


def _field(form: Element, said: str, field: Element) -> None:
    group = SubElement(form, "div", {"class": "field"})
    name = f"by-{field.get('name')}"
    text(group, "label", said, **{"for": name})
    field.set("id", name)
    group.append(field)


def _summary(section: Element, words: Words) -> None:
    report = words.report
    body = table(
        section, "What each cluster has", ("Cluster", "People", "Administrators", "Can become more", "Read secrets")
    )
    for cluster in report.clusters:
        line = row(body)
        header(line, cluster.name, "cluster")
        if cluster.failure is not None:
            cell(line, "not known", kind="error")
            for _ in range(3):
                cell(line, "not known")
            continue
        cell(line, str(len(cluster.principals)))
        for kind in ("administrator", "escalation", "secrets"):
            found = {one for told in cluster.standouts if told.kind == kind for one in told.principals}
            cell(line, str(len(found)))
    levels = ", ".join(count(number, name) for name, number in words.counts() if number)
    text(section, "p", f"Risks by rule: {levels or 'none that no waiver accepts'}. Not known: {len(report.unknown)}.")
