"""What a check found, as one model for every machine that reads it: SARIF, JUnit, GitHub, GitLab."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from iamrbac.findings.finding import Finding, Level
from iamrbac.model.parse import CONFIG_FILE
from iamrbac.render.findings import summary
from iamrbac.render.plain import printable

CaseOutcome: TypeAlias = Literal["passed", "failed", "error"]
LEVELS: Final = (Level.ERROR, Level.WARNING, Level.INFO)
"""Worst first."""
_FAMILIES: Final = {
    "DOC": "A file is not what its JSON Schema says (iamrbac schema)",
    "POL": "The policies contradict each other, the config, or what a cluster takes",
    "TPL": "A role template yields no rules",
    "MAN": "A manifest is no RBAC object that an API server would store",
    "TST": "A test of access does not hold, or names what is not there",
    "WVR": "A waiver ended, or waives nothing",
    "GATE": "A gate of the base refuses the change",
}
_LINE: Final = re.compile(r"(\.(?:ya?ml|json|j2)):\d+(?::\d+)?")
"""A line in another file, as messages name it."""


@dataclass(frozen=True, slots=True)
class Waived:
    """A finding that does not count, since it is accepted."""

    finding: Finding
    why: str


@dataclass(frozen=True, slots=True)
class ReportedCase:
    """One test."""

    name: str
    file: str
    line: int | None
    outcome: CaseOutcome
    """error: nobody can say whether it holds."""
    lines: tuple[str, ...] = ()
    """Why it does not pass."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one command found."""

    command: str
    """validate, lint, test or diff."""
    findings: tuple[Finding, ...]
    """Located, in order."""
    waived: tuple[Waived, ...] = ()
    cases: tuple[ReportedCase, ...] = ()
    """For a command that has tests: these, not the findings, are what passes or fails."""
    fails: Level | None = Level.ERROR
    """The lowest level that says no; None: none does."""
    summary: str = ""
    """One line; without it, how many findings there are."""

    @property
    def sum(self) -> str:
        """Return what came of it, in one line."""
        return self.summary or summary(self.findings)

    def below(self, folder: str) -> Report:
        """Return the same with files as seen from the top of a checkout, in which the repository is a folder."""
        if folder in ("", "."):
            return self
        return replace(
            self,
            findings=tuple(_below(one, folder) for one in self.findings),
            waived=tuple(replace(one, finding=_below(one.finding, folder)) for one in self.waived),
            cases=tuple(replace(one, file=f"{folder}/{one.file}") if one.file else one for one in self.cases),
        )

    def failing(self, finding: Finding) -> bool:
        """Return whether a finding says no."""
        return self.fails is not None and LEVELS.index(finding.level) <= LEVELS.index(self.fails)


@dataclass(frozen=True, slots=True)
class RuleHelp:
    """What to know about a rule beside its findings."""

    title: str
    help: str
    level: Level | None = None
    """The worst that it may be; None: no danger by itself."""


def rule_help(id_: str) -> RuleHelp:
    """Return what a rule is about: lint's by its own words, others by their family's."""
    if id_.startswith("IAM"):
        from iamrbac.lint.rules import BY_ID

        rule = BY_ID[id_]
        references = "\n".join(rule.references)
        text = f"{rule.why}\n\nWhat to do: {rule.fix}\n\nExplained with examples by: iamrbac lint --explain {id_}"
        worst = next((level for level in LEVELS if level in rule.levels), None)
        return RuleHelp(rule.title, f"{text}\n\n{references}", worst)
    title = _FAMILIES.get(id_.rstrip("0123456789"), "What iamrbac has to say")
    return RuleHelp(title, f"{title}. Each finding says what is wrong and what to do next.")


def place(finding: Finding) -> tuple[str, int, int]:
    """Return a finding's file, line and column; the config stands for the repository as a whole."""
    return finding.file or CONFIG_FILE, finding.line or 1, finding.column or 1


def said(finding: Finding) -> str:
    """Return what a finding says and the next step, in one line that no stranger's text can break out of."""
    message = finding.message.rstrip(".")
    if finding.cluster is not None and finding.cluster not in finding.message:
        message = f"{finding.cluster}: {message}"
    return printable(f"{message}. Next: {finding.hint}" if finding.hint else message)


def fingerprints(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield for each finding what stays the same while lines shift; of equal ones each its own."""
    seen: Counter[str] = Counter()
    for one in findings:
        parts = (one.id, one.file or "", one.cluster or "", one.object or "", _LINE.sub(r"\1", one.message))
        digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        seen[digest] += 1
        yield f"{digest}:{seen[digest]}"


def _below(finding: Finding, folder: str) -> Finding:
    file = finding.file or CONFIG_FILE
    whole = file if file.startswith("/") else posixpath.normpath(f"{folder}/{file}")
    return replace(finding, file=whole)
