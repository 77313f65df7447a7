"""What the formats of `iamrbac report` share: names, lines, times, and who approved them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, TypeAlias

from iamrbac.access.principals import Names
from iamrbac.findings.finding import Finding, Level
from iamrbac.model.origin import Origin, Path
from iamrbac.render.rules import Line
from iamrbac.report.history import History
from iamrbac.report.model import Report

_Spot: TypeAlias = tuple[str, Path]
_DEPTH: Final = 3
"""spec, access and the line's number: what a finding about a part of a policy line is about."""
EVERYWHERE: Final = "(whole cluster)"
FOREIGN: Final = "no policy line: not ours, or changed since"
KINDS: Final = {
    "administrator": "Administrators",
    "escalation": "Can become more than what is granted",
    "secrets": "Read secrets",
    "unknown": "Hold what nobody here knows",
}
STATES: Final = {"soon": "ends soon", "later": "later", "ended": "ended"}


class Words:
    """The words of one report."""

    def __init__(self, report: Report, line: Line) -> None:
        self.report = report
        self.line = line
        """Origin → FILE:LINE."""
        self._names = Names(one for one in report.principals if one.startswith("arn:"))
        self._said: dict[_Spot, list[Finding]] = defaultdict(list)
        for one in report.findings:
            if one.file is not None:
                self._said[one.file, one.path[:_DEPTH]].append(one)

    def name(self, principal: str) -> str:
        """Return a short name, as long as no two read alike."""
        return self._names.short(principal) if principal.startswith("arn:") else principal

    def names(self, principals: Iterable[str]) -> list[str]:
        """Return short names."""
        return [self.name(one) for one in principals]

    def lines(self, origins: Iterable[Origin]) -> list[str]:
        """Return FILE:LINE of each."""
        return list(dict.fromkeys(self.line(origin) for origin in origins))

    def said(self, origins: Iterable[Origin], cluster: str) -> tuple[str, list[str]]:
        """Return the worst level of lint's findings at some policy lines about a cluster, and the rules of it."""
        found = [
            one
            for origin in origins
            for one in self._said.get((origin.file, origin.path[:_DEPTH]), ())
            if one.cluster in (None, cluster)
        ]
        level = worst(one.level.value for one in found)
        return level, sorted({one.id for one in found if one.level.value == level})

    def counts(self) -> list[tuple[str, int]]:
        """Return how many findings there are of each level, the worst first."""
        found = Counter(one.level.value for one in self.report.findings)
        return [(level.value, found[level.value]) for level in Level]


def approvals(history: History, files: Iterable[str]) -> list[str]:
    """Return who approved some files, each once; with several files, which."""
    each = dict.fromkeys(files)
    if len(each) == 1:
        return [history.of(file).approval for file in each]
    return [f"{file}: {history.of(file).approval}" for file in each]


def worst(levels: Iterable[str]) -> str:
    """Return the level that weighs most; "" of none."""
    found = set(levels)
    return next((one for one in ("error", "warning", "info") if one in found), "")


def place(namespace: str) -> str:
    """Return a namespace, or what stands for the whole cluster."""
    return namespace or EVERYWHERE


def time(at: datetime) -> str:
    """Return a time in UTC, as RFC 3339 has it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def count(number: int, one: str, many: str = "") -> str:
    """Return `1 person`, `2 people`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
