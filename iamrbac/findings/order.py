"""The order in which a person reads findings."""

from __future__ import annotations

from collections.abc import Iterable

from iamrbac.findings.finding import Finding


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings by file, line and column, then cluster, id and words; equal ones once."""
    return tuple(sorted(dict.fromkeys(findings), key=_place))


def _place(finding: Finding) -> tuple[str, int, int, str, str, str]:
    file, line, column = finding.file or "", finding.line or 0, finding.column or 0
    return file, line, column, finding.cluster or "", finding.id, finding.message
