"""Findings as text for people and as JSON for scripts (design §7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypedDict

from iamrbac.findings.finding import Finding, FindingJson, Level
from iamrbac.findings.order import in_order
from iamrbac.render.plain import printable
from iamrbac.usecases.validate import Validation

Paint = Callable[[str, str], str]
"""Takes a text and the name of a style, and returns the text in the style's colour."""

_STYLES = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "dim"}


class ValidationJson(TypedDict):
    """What `validate -o json` writes."""

    formatVersion: int
    valid: bool
    findings: list[FindingJson]


def findings_text(findings: Sequence[Finding], paint: Paint | None = None) -> str:
    """Return one line for each finding, by file and place, and the sum of them last."""
    ordered = in_order(findings)
    return "\n".join([*(finding_line(finding, paint) for finding in ordered), summary(ordered)])


def validation_text(validation: Validation, paint: Paint | None = None) -> str:
    """Return what `validate` shows: the findings, and in the last line whether the documents are good."""
    if not validation.valid:
        return findings_text(validation.findings, paint)
    lines = [finding_line(finding, paint) for finding in in_order(validation.findings)]
    counts = [
        count(validation.policies, "policy", "policies"),
        count(validation.grants, "temporary grant"),
        count(validation.clusters, "cluster"),
        # What a repository need not have.
        *([count(validation.waivers, "waiver")] if validation.waivers else ()),
        *([count(validation.tests, "test of access", "tests of access")] if validation.tests else ()),
    ]
    counted = ", ".join(counts)
    warnings = sum(finding.level is Level.WARNING for finding in validation.findings)
    return "\n".join([*lines, f"OK: {counted}; {count(warnings, 'warning')}."])


def validation_json(validation: Validation) -> ValidationJson:
    """Return what `validate -o json` writes."""
    found = [finding.to_json() for finding in in_order(validation.findings)]
    return {"formatVersion": 1, "valid": validation.valid, "findings": found}


def summary(findings: Sequence[Finding]) -> str:
    """Return how many errors and warnings there are, in how many files."""
    counted = [
        count(number, level.value)
        for level in (Level.ERROR, Level.WARNING)
        if (number := sum(finding.level is level for finding in findings))
    ]
    files = {finding.file for finding in findings if finding.file is not None and finding.level is not Level.INFO}
    where = f" in {count(len(files), 'file')}" if files else ""
    return f"{', '.join(counted) or '0 errors'}{where}."


def count(number: int, word: str, plural: str = "") -> str:
    """Return a number with its word: 1 file, 2 files."""
    return f"{number} {word if number == 1 else plural or word + 's'}"


def finding_line(finding: Finding, paint: Paint | None = None, *, hint: bool = True) -> str:
    """Return a finding in one line: where, how grave, which rule, what, and the next step unless without `hint`."""
    level = finding.level.value
    if paint is not None:
        level = paint(level, _STYLES[finding.level])
    message = printable(finding.message).rstrip(".")
    if finding.cluster is not None and finding.cluster not in finding.message:
        message = f"{printable(finding.cluster)}: {message}"
    step = f". Next: {printable(finding.hint)}" if hint and finding.hint else ""
    return f"{_place(finding)}{level} {finding.id}: {message}{step}"


def _place(finding: Finding) -> str:
    if finding.file is None:
        return ""
    numbers = "" if finding.line is None else f":{finding.line}:{finding.column or 1}"
    return f"{printable(finding.file)}{numbers}: "
