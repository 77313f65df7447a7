"""Findings as SARIF 2.1.0, which code scanning takes: rules with help, fingerprints, waivers as suppressions."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

from iamrbac import __version__
from iamrbac.findings.finding import Finding, Level
from iamrbac.render.plain import printable
from iamrbac.render.report import LEVELS, Report, fingerprints, place, rule_help, said

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT: Final = "iamrbacFinding/v1"
MOST: Final = 25_000
"""Results of a run; GitHub refuses a file with more ("SARIF support for code scanning", limits)."""
_LEVELS: Final = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}
_SEVERITY: Final = {Level.ERROR: "8.0", Level.WARNING: "5.0", Level.INFO: "2.0"}
"""GitHub shows 7.0 and above as high, 4.0 and above as medium."""
_NO_BYTE: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Surrogates that stand for no byte of a file's name."""
_PLACEHOLDER: Final = re.compile(r"\{(\d+)\}")


def sarif(report: Report) -> dict[str, Any]:
    """Return a log of one run."""
    found = [(one, "") for one in report.findings] + [(one.finding, one.why) for one in report.waived]
    marks = fingerprints(one for one, _ in found)
    marked = [(one, why, mark) for (one, why), mark in zip(found, marks, strict=True)]
    # The worst are kept; sorting is stable, so the rest stays in order.
    kept = sorted(marked, key=lambda one: LEVELS.index(one[0].level))[:MOST] if len(marked) > MOST else marked
    ids = sorted({one.id for one, _, _ in kept})
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "iamrbac", "semanticVersion": __version__, "rules": [_rule(one) for one in ids]}
                },
                "automationDetails": {"id": f"iamrbac/{report.command}/"},
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": True, **_left_out(len(marked) - len(kept))}],
                "results": [_result(one, why, mark, ids.index(one.id)) for one, why, mark in kept],
            }
        ],
    }


def _rule(id_: str) -> dict[str, Any]:
    told = rule_help(id_)
    severity = {} if told.level is None else {"security-severity": _SEVERITY[told.level]}
    return {
        "id": id_,
        "shortDescription": {"text": told.title},
        "help": {"text": told.help},
        "properties": {"tags": ["security", "access"], **severity},
    }


def _result(finding: Finding, waived: str, mark: str, rule: int) -> dict[str, Any]:
    file, line, column = place(finding)
    objects = [{"fullyQualifiedName": printable(one)} for one in (finding.object,) if one]
    cluster = {"properties": {"cluster": printable(finding.cluster)}} if finding.cluster else {}
    return {
        "ruleId": finding.id,
        "ruleIndex": rule,
        "level": _LEVELS[finding.level],
        "message": {"text": _plain(said(finding))},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(file)},
                    "region": {"startLine": line, "startColumn": column},
                },
                **({"logicalLocations": objects} if objects else {}),
            }
        ],
        "partialFingerprints": {FINGERPRINT: mark},
        **(
            {"suppressions": [{"kind": "external", "status": "accepted", "justification": _plain(printable(waived))}]}
            if waived
            else {}
        ),
        **cluster,
    }


def _left_out(number: int) -> dict[str, Any]:
    if not number:
        return {}
    text = f"{number:,} findings of the lowest levels are left out: more than {MOST:,} are not taken"
    return {"toolExecutionNotifications": [{"level": "warning", "message": {"text": text}}]}


def _uri(file: str) -> str:
    """Return a file's relative reference (RFC 3986); a file elsewhere is named whole."""
    escaped = quote(_NO_BYTE.sub("\ufffd", file).encode("utf-8", "surrogateescape"), safe="/")
    return f"file://{escaped}" if file.startswith("/") else escaped


def _plain(text: str) -> str:
    """Return a text in which nothing is an embedded link or a placeholder (SARIF 2.1.0, §3.11.5 and §3.11.6)."""
    if "](" in text:
        text = text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return _PLACEHOLDER.sub(r"{{\1}}", text)
