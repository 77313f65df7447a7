"""What lint has to say, for people and as JSON: the sum first, then a line for each finding; and one rule explained."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, Final

from iamrbac.findings.finding import Level
from iamrbac.lint.rule import Example, Levels, LintRule
from iamrbac.render.findings import Paint, count, finding_line
from iamrbac.render.report import Report, Waived
from iamrbac.usecases.lint import Linted

_ORDER: Final = (Level.ERROR, Level.WARNING, Level.INFO)
_WORDS: Final = {Level.ERROR: ("error", ""), Level.WARNING: ("warning", ""), Level.INFO: ("note", "")}
_WIDTH: Final = 100


def lint_text(linted: Linted, level: Level, paint: Paint) -> str:
    """Return the sum of all findings, and a line for each of a level or above."""
    shown = [one for one in linted.findings if _ORDER.index(one.level) <= _ORDER.index(level)]
    hidden = len(linted.findings) - len(shown)
    lines = [_sum(linted)]
    if shown:
        lines += ["", *(finding_line(one, paint, hint=not one.id.startswith("IAM")) for one in shown), ""]
        rules = [one.id for one in sorted(shown, key=lambda one: _ORDER.index(one.level)) if one.id.startswith("IAM")]
        if rules:
            lines.append(f"Why, and what to do: iamrbac lint --explain {rules[0]}")
    if hidden:
        below = next(one for one in reversed(_ORDER) if any(found.level is one for found in linted.findings))
        lines.append(f"{count(hidden, 'finding')} of lower level {_be(hidden)} not shown: --level {below.value}")
    return "\n".join(lines)


def lint_json(linted: Linted, level: Level | None) -> dict[str, Any]:
    """Return what `lint -o json` writes: every finding, those that are waived too."""
    return {
        "formatVersion": 1,
        "valid": linted.valid,
        "failed": linted.fails(level),
        "failOn": level.value if level is not None else None,
        "summary": {
            **{one.value: sum(found.level is one for found in linted.findings) for one in _ORDER},
            "waived": len(linted.waived),
        },
        "findings": [one.to_json() for one in linted.findings],
        "waived": [
            {"finding": one.finding.to_json(), "reason": one.reason, "notAfter": one.not_after} for one in linted.waived
        ],
    }


def lint_report(linted: Linted, level: Level | None) -> Report:
    """Return the same for other machines."""
    if not linted.valid:
        return Report("lint", linted.findings)
    waived = tuple(Waived(one.finding, f"{one.reason} (until {one.not_after})") for one in linted.waived)
    return Report("lint", linted.findings, waived, fails=level, summary=_sum(linted))


def rule_text(rule: LintRule, paint: Paint) -> str:
    """Return a rule with why it is one, what to do, both examples and references."""
    return "\n".join(
        [
            paint(f"{rule.id} {rule.title}", "bold"),
            levels_text(rule.levels),
            "",
            *textwrap.wrap(f"Why: {rule.why}", _WIDTH),
            "",
            *textwrap.wrap(f"What to do: {rule.fix}", _WIDTH),
            "",
            f"{paint('Bad', 'error')}, {example_place(rule.bad)}:",
            textwrap.indent(example_text(rule.bad), "  "),
            "",
            f"{paint('Good', 'good')}, {example_place(rule.good)}:",
            textwrap.indent(example_text(rule.good), "  "),
            "",
            "References:",
            *(f"  {one}" for one in rule.references),
        ]
    )


def rules_text(rules: Sequence[LintRule], paint: Paint) -> str:
    """Return a line for each rule: id, title, level."""
    width = max(len(rule.title) for rule in rules)
    return "\n".join(
        f"{paint(rule.id, 'bold')}  {rule.title.ljust(width)}  {levels_text(rule.levels)}" for rule in rules
    )


def rule_json(rule: LintRule) -> dict[str, Any]:
    """Return a rule as `-o json` writes it."""
    return {
        "id": rule.id,
        "title": rule.title,
        "why": rule.why,
        "fix": rule.fix,
        "levels": {place: level.value if level else None for place, level in rule.levels._asdict().items()},
        "references": list(rule.references),
        "bad": {"where": example_place(rule.bad), "text": example_text(rule.bad)},
        "good": {"where": example_place(rule.good), "text": example_text(rule.good)},
    }


def example_place(example: Example) -> str:
    """Return where an example stands, in words."""
    match example.kind:
        case "cluster":
            return f"a role template {example.role} that is given in the whole cluster"
        case "namespace":
            return f"a role template {example.role} that is given in {example.namespace}"
        case "documents":
            return "in policies/"
        case "manifests":
            return "in manifests"


def example_text(example: Example) -> str:
    """Return an example's YAML, a template's with its key."""
    text = example.text.rstrip("\n")
    return text if example.kind in ("documents", "manifests") else f"rules:\n{textwrap.indent(text, '  ')}"


def _sum(linted: Linted) -> str:
    counted = [
        count(number, *_WORDS[one])
        for one in _ORDER
        if (number := sum(found.level is one for found in linted.findings))
    ]
    files = {one.file for one in linted.findings if one.file is not None}
    where = f" in {count(len(files), 'file')}" if files else ""
    waived = f"; {count(len(linted.waived), 'finding')} {_be(len(linted.waived))} waived" if linted.waived else ""
    return f"{', '.join(counted) or 'No findings'}{where}{waived}."


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def levels_text(levels: Levels) -> str:
    """Return how much a rule weighs where, in words."""
    places = ("in the whole cluster", "in a namespace", "in a privileged one")
    told = [(level, place) for level, place in zip(levels, places, strict=True) if level is not None]
    if len({level for level, _ in told}) == 1 and len(told) == len(places):
        return str(told[0][0])
    return ", ".join(f"{level} {place}" for level, place in told)
