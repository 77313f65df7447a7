"""The matrix of a report as CSV: a row for each principal, cluster, namespace and role. RFC 4180, lines end in \\n."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from io import StringIO
from typing import Final

from iamrbac.model.origin import Origin
from iamrbac.render.plain import printable
from iamrbac.render.report_words import approvals, place, time
from iamrbac.report.history import History
from iamrbac.report.matrix import Cell, cells
from iamrbac.report.model import Report

COLUMNS: Final = (
    "cluster",
    "principal",
    "namespace",
    "role",
    "strength",
    "group",
    "source",
    "ends",
    "approved_by",
    "changed_by",
    "changed_at",
    "commit",
    "merged_by",
    "not_known",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection)."""


def report_csv(report: Report, line: Callable[[Origin], str]) -> str:
    """Return the text, with a line of column names. A cluster that could not be read is a row that says so."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    known: dict[tuple[Origin, ...], list[str]] = {}
    written = cache(safe)
    for cell in cells(report):
        origins = cell.holding.origins
        if origins not in known:
            known[origins] = _said(report.history, origins, line)
        writer.writerow(map(written, _row(cell, known[origins])))
    for cluster in report.clusters:
        if cluster.failure is not None:
            why = f"unknown: {cluster.failure.why}"
            writer.writerow(map(safe, (cluster.name, *["unknown"] * (len(COLUMNS) - 2), why)))
    return text.getvalue()


def safe(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: one that begins like it gets an apostrophe before it."""
    text = printable(cell) if not cell.startswith(("\t", "\r")) else cell[0] + printable(cell[1:])
    return f"'{text}" if text.startswith(_FORMULA) else text


def _row(cell: Cell, said: list[str]) -> Iterator[str]:
    one = cell.holding
    source, *rest = said
    yield from (cell.cluster.name, cell.principal, place(cell.namespace), one.role, one.strength.value)
    yield ", ".join(one.groups) or "the user itself"
    yield source
    yield time(one.ends) if one.ends is not None else "never"
    yield from rest
    yield "what the role gives" if one.rules is None else ""


def _said(history: History, origins: tuple[Origin, ...], line: Callable[[Origin], str]) -> list[str]:
    """Return the columns that only depend on the policy lines: source, then who, when and which commit."""
    if not origins:
        return ["not a policy", *["unknown: no policy line gives it"] * 5]
    files = list(dict.fromkeys(origin.file for origin in origins))
    changes = [history.of(file) for file in files]
    last = [(one.changes[0] if one.changes else None, one.approval) for one in changes]
    unknown = [said if said.startswith("unknown") else "unknown" for _, said in last]
    return [
        "; ".join(dict.fromkeys(line(origin) for origin in origins)),
        "; ".join(approvals(history, files)),
        _each(change.author if change else no for (change, _), no in zip(last, unknown, strict=True)),
        _each(change.authored if change else no for (change, _), no in zip(last, unknown, strict=True)),
        _each(change.id if change else no for (change, _), no in zip(last, unknown, strict=True)),
        _each(
            (change.merge.by if change.merge else "no merge") if change else no
            for (change, _), no in zip(last, unknown, strict=True)
        ),
    ]


def _each(words: Iterable[str]) -> str:
    return "; ".join(words)
