"""Findings get line and column only here, when there is one to show: positions cost a second look at its file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from iamrbac.findings.finding import Finding
from iamrbac.usecases.ports import Repository


def locate(findings: Iterable[Finding], repository: Repository) -> tuple[Finding, ...]:
    """Return the findings with line and column filled in, in the order given; one without a file is left as it is."""
    found = list(findings)
    # Files are looked at one after the other, since the repository keeps the places of a few only.
    by_file = sorted(range(len(found)), key=lambda index: found[index].file or "")
    for index in by_file:
        found[index] = _located(found[index], repository)
    return tuple(found)


def _located(finding: Finding, repository: Repository) -> Finding:
    if finding.file is None or finding.line is not None:
        return finding
    position = repository.position(finding.file, finding.path)
    return finding if position is None else replace(finding, line=position[0], column=position[1])
