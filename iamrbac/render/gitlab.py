"""Findings as GitLab's code quality report.

Source: GitLab's documentation of Code Quality, "Code Quality report format".
"""

from __future__ import annotations

from typing import Any, Final

from iamrbac.findings.finding import Level
from iamrbac.render.plain import printable
from iamrbac.render.report import Report, fingerprints, place, said

_SEVERITY: Final = {Level.ERROR: "critical", Level.WARNING: "major", Level.INFO: "info"}


def gitlab(report: Report) -> list[dict[str, Any]]:
    """Return the report; what is waived is not in it."""
    return [
        {
            "description": said(one),
            "check_name": one.id,
            "fingerprint": mark,
            "severity": _SEVERITY[one.level],
            "location": {"path": printable(place(one)[0]), "lines": {"begin": place(one)[1]}},
        }
        for one, mark in zip(report.findings, fingerprints(report.findings), strict=True)
    ]
