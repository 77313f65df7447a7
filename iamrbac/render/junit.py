"""Tests and findings as JUnit XML, which nearly every CI shows: a suite for each file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from iamrbac.render.plain import printable
from iamrbac.render.report import Report, ReportedCase, place, said

_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'


def junit(report: Report) -> str:
    """Return the document. Control characters, which XML 1.0 has no way to write, are shown as their escapes."""
    cases = report.cases or tuple(_findings(report)) or (ReportedCase(report.sum, "", None, "passed"),)
    root = Element("testsuites", {"name": f"iamrbac {report.command}", **_counts(cases)})
    for file, some in groupby(cases, key=lambda one: one.file):
        _suite(root, file or f"iamrbac {report.command}", list(some))
    indent(root)
    return _HEAD + tostring(root, encoding="unicode") + "\n"


def _findings(report: Report) -> Iterator[ReportedCase]:
    """Yield each finding as a test, which fails where it says no."""
    for one in report.findings:
        file, line, column = place(one)
        where = f"{file}:{line}:{column}: {one.level.value} {one.id}"
        name = f"{one.id} {one.message}"
        yield ReportedCase(name, file, line, "failed" if report.failing(one) else "passed", (said(one), where))


def _suite(root: Element, name: str, cases: Sequence[ReportedCase]) -> None:
    suite = SubElement(root, "testsuite", {"name": printable(name), **_counts(cases)})
    for case in cases:
        attributes = {"name": printable(case.name), "classname": printable(name)}
        if case.file:
            attributes["file"] = printable(case.file)
        if case.line is not None:
            attributes["line"] = str(case.line)
        item = SubElement(suite, "testcase", attributes)
        lines = [printable(line) for line in case.lines]
        if case.outcome == "passed":
            if lines:
                SubElement(item, "system-out").text = "\n".join(lines)
            continue
        tag = "failure" if case.outcome == "failed" else "error"
        SubElement(item, tag, {"message": lines[0] if lines else case.outcome}).text = "\n".join(lines)


def _counts(cases: Sequence[ReportedCase]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.outcome == "failed" for case in cases)),
        "errors": str(sum(case.outcome == "error" for case in cases)),
    }
