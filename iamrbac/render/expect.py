"""What became of the tests of access: a line for each, what explains a failure, and as JSON (design §7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from iamrbac.access.expected.mistake import COVERAGE
from iamrbac.findings.finding import Level
from iamrbac.model.origin import Origin
from iamrbac.render.can import answer_json, why
from iamrbac.render.findings import Paint, count, findings_text
from iamrbac.render.plain import printable
from iamrbac.render.report import CaseOutcome, Report, ReportedCase
from iamrbac.usecases.expect import OUTCOMES, Outcome, Told, Tried, Verdict, sentence

Line = Callable[[Origin], str]
NONE = "No tests of access: tests/access/ has none. Next: write one (iamrbac schema test), or iamrbac test --help"
_WORDS = {
    "passed": ("pass", "good"),
    "failed": ("FAIL", "error"),
    "unknown": ("UNKNOWN", "warning"),
    "broken": ("ERROR", "error"),
}
_INDENT = 11


def tested_text(tested: Verdict, line: Line, paint: Paint, *, quiet: bool = False, untested: bool = False) -> str:
    """Return a block for each file, a line for each test; `quiet`: only tests that do not pass."""
    if tested.invalid:
        return findings_text(tested.findings, paint)
    lines: list[str] = []
    shown = [case for case in tested.cases if not quiet or case.outcome != "passed" or case.findings]
    for file, cases in groupby(shown, key=lambda case: case.origin.file):
        lines.append(paint(printable(file), "bold"))
        for case in cases:
            lines += _case(case, tested, line, paint)
    if untested and tested.coverage is not None:
        lines += [f"not tested: {printable(one)}" for one in _untested(tested, line)]
    return "\n".join([*lines, *_summary(tested)])


def tested_json(tested: Verdict, line: Line) -> dict[str, Any]:
    """Return the same as `-o json` writes it."""
    covered = tested.coverage
    return {
        "formatVersion": 1,
        "valid": not tested.invalid,
        "passed": not tested.refused and not tested.count("unknown"),
        "tests": [_case_json(case, tested, line) for case in tested.cases],
        "coverage": None
        if covered is None
        else {
            "grants": covered.total,
            "tested": covered.tested,
            "percent": covered.percent,
            "untested": [
                {"because": line(grant.origin), "team": grant.team, "set": grant.set_name, "role": grant.role}
                for grant in covered.untested
            ],
        },
        "summary": {
            **{outcome: tested.count(outcome) for outcome in ("passed", "failed", "unknown", "broken")},
            "skipped": tested.skipped,
        },
        "findings": [finding.to_json() for finding in tested.findings],
    }


def tested_report(tested: Verdict, line: Line) -> Report:
    """Return the same for machines that know tests."""
    if tested.invalid:
        return Report("test", tested.findings)
    ends: dict[Outcome, CaseOutcome] = {"passed": "passed", "failed": "failed", "unknown": "error", "broken": "error"}
    cases = [
        ReportedCase(one.name, one.origin.file, _number(one, line), ends[one.outcome], tuple(_lines(one, tested, line)))
        for one in tested.cases
    ]
    for finding in tested.findings:
        if finding.id == COVERAGE:
            cases.append(ReportedCase("coverage", "", None, "failed", (finding.message, finding.hint)))
    return Report("test", tested.findings, cases=tuple(cases), summary=_sum(tested))


def details(case: Tried, tested: Verdict, line: Line) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each thing that keeps a test from passing, with the lines that explain it; nothing is escaped yet."""
    for finding in case.findings:
        level = "" if finding.level is Level.ERROR else f"{finding.level.value}: "
        yield level + finding.message + (f". Next: {finding.hint}" if finding.hint else ""), ()
    for told in case.told:
        breach, answer = told.breach, told.answer
        lines: tuple[str, ...] = ()
        if answer is not None and breach.request is not None:
            lines = tuple(why(answer, tested.worlds[breach.cluster], breach.request, line))
        yield sentence(breach), lines
    if case.more:
        yield f"and {case.more} more", ()


def summary_text(tested: Verdict) -> str:
    """Return how many tests there are, how they ended, and how many grants are tested."""
    ends = [f"{number} {outcome}" for outcome in OUTCOMES if (number := tested.count(outcome)) or outcome == "passed"]
    covered = tested.coverage
    grants = f"; {covered.tested} of {count(covered.total, 'grant')} are tested" if covered is not None else ""
    return f"{count(len(tested.cases), 'test')}: {', '.join(ends)}{grants}."


def _summary(tested: Verdict) -> Iterator[str]:
    if tested.skipped:
        yield f"{count(tested.skipped, 'test')} left out, about none of the clusters that were asked."
    for finding in tested.findings:
        if finding.id == COVERAGE:
            yield printable(f"{finding.message}. Next: {finding.hint}")
    yield _sum(tested)


def _sum(tested: Verdict) -> str:
    return summary_text(tested) if tested.cases or tested.skipped else NONE


def _case(case: Tried, tested: Verdict, line: Line, paint: Paint) -> Iterator[str]:
    word, style = _WORDS[case.outcome]
    where = "" if case.outcome == "passed" else f" ({line(case.origin)})"
    yield f"  {paint(word.ljust(_INDENT - 4), style)}  {printable(case.name)}{printable(where)}"
    yield from (" " * _INDENT + printable(one) for one in _lines(case, tested, line))


def _lines(case: Tried, tested: Verdict, line: Line) -> Iterator[str]:
    for said, lines in details(case, tested, line):
        yield said
        yield from (f"  {one}" for one in lines)


def _number(case: Tried, line: Line) -> int | None:
    number = line(case.origin).removeprefix(f"{case.origin.file}:")
    return int(number) if number.isdigit() else None


def _untested(tested: Verdict, line: Line) -> Iterator[str]:
    for grant in tested.coverage.untested if tested.coverage is not None else ():
        yield f"{line(grant.origin)} {grant.role} for {grant.team}/{grant.set_name}"


def _case_json(case: Tried, tested: Verdict, line: Line) -> dict[str, Any]:
    return {
        "name": case.name,
        "because": line(case.origin),
        "outcome": case.outcome,
        "breaches": [_told_json(told, tested, line) for told in case.told],
        "more": case.more,
        "findings": [finding.to_json() for finding in case.findings],
    }


def _told_json(told: Told, tested: Verdict, line: Line) -> dict[str, Any]:
    breach, answer = told.breach, told.answer
    world = tested.worlds[breach.cluster]
    return {
        "cluster": breach.cluster,
        "who": None if breach.person is None else breach.person.text,
        "expected": "can" if breach.wish.allowed else "cannot",
        "action": breach.wish.text,
        "message": sentence(breach),
        "more": breach.more,
        "answer": None if answer is None else answer_json(answer, world, line),
    }
