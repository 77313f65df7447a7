"""Findings as annotations of a GitHub workflow, and as the Markdown of its summary.

Sources: GitHub's documentation "Workflow commands for GitHub Actions"; the escapes are those of actions/toolkit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from iamrbac.findings.finding import Finding, Level
from iamrbac.render.findings import count
from iamrbac.render.markdown import code, sentence
from iamrbac.render.plain import printable
from iamrbac.render.report import LEVELS, Report, ReportedCase, place, rule_help, said

_COMMANDS: Final = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}
_NOTICES: Final = 10
"""GitHub shows ten annotations of each kind of a step; all errors and warnings stand in the log beside."""
_ROOM: Final = 60_000
"""Characters of the list in a summary, of which a step may write 1 MiB."""


def workflow_commands(report: Report) -> str:
    """Return a workflow command for each finding, and what came of it all."""
    lines = list(_commands(report))
    for case in _broken(report):
        lines.append(_harmless(printable(f"{case.name} ({case.file}:{case.line})" if case.file else case.name)))
        lines += [_harmless(f"  {printable(line)}") for line in case.lines]
    return "\n".join([*lines, _harmless(printable(report.sum))])


def job_summary(report: Report) -> str:
    """Return Markdown in which everything that somebody could have written stands in code spans."""
    lines = [f"### iamrbac {report.command}: {'no' if _refused(report) else 'ok'}", "", sentence(report.sum), ""]
    worst = sorted(report.findings, key=lambda one: LEVELS.index(one.level))
    # A test that does not pass is told with what explains it, and not a second time as a finding.
    items = [*map(_case, _broken(report))] or [*map(_item, worst)]
    room = _ROOM
    for told, item in enumerate(items):
        room -= len(item) + 1
        if room < 0:
            lines.append(f"- and {len(items) - told:,} more")
            break
        lines.append(item)
    if report.waived:
        lines.append(f"\n{count(len(report.waived), 'finding')} accepted by waivers.")
    return "\n".join(lines).rstrip("\n") + "\n\n"


def _refused(report: Report) -> bool:
    return any(map(report.failing, report.findings)) or bool(_broken(report))


def _broken(report: Report) -> list[ReportedCase]:
    return [case for case in report.cases if case.outcome != "passed"]


def _commands(report: Report) -> Iterator[str]:
    told: Counter[Level] = Counter()
    for one in report.findings:
        told[one.level] += 1
        if one.level is not Level.INFO or told[one.level] <= _NOTICES:
            yield _command(one)
    if told[Level.INFO] > _NOTICES:
        yield f"{told[Level.INFO] - _NOTICES} more notices are left out here: -o text and -o json have them."


def _command(finding: Finding) -> str:
    file, line, column = place(finding)
    title = f"{finding.id} {rule_help(finding.id).title}"
    properties = {"file": printable(file), "line": str(line), "col": str(column), "title": title}
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.level]} {written}::{_data(said(finding))}"


def _data(text: str) -> str:
    return _old(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _harmless(text: str) -> str:
    """Return a line of the log that is no command."""
    return _old(text.replace("::", ": :") if text.lstrip().startswith("::") else text)


def _old(text: str) -> str:
    """Return a text without commands of the old form, which count anywhere in a line (actions/runner)."""
    return text.replace("##[", "## [")


def _item(finding: Finding) -> str:
    file, line, _ = place(finding)
    where = code(f"{file}:{line}")
    return f"- **{finding.level.value} {finding.id}** {where} {sentence(said(finding))}"


def _case(case: ReportedCase) -> str:
    where = f" {code(f'{case.file}:{case.line}')}" if case.file else ""
    head = f"- **{'failed' if case.outcome == 'failed' else 'not known'}** {sentence(case.name)}{where}"
    return "\n".join([head, *(f"  - {code(line.strip())}" for line in case.lines if line.strip())])
