"""A change of access as a comment of a pull request: the sum, what is dangerous and refused, the rest folded.

Everything that a branch could have written stands in code spans, where GitHub and GitLab see no Markdown, no HTML, no
mention and no link; only plain words stand outside. GitHub takes 65,536 characters, so the text is cut before, and
says how much it left out.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

from iamrbac.access.refused import some_of
from iamrbac.findings.finding import Finding
from iamrbac.render.changes import (
    Diff,
    Story,
    between,
    by_cluster,
    danger_texts,
    headline,
    stories,
    verdict,
)
from iamrbac.render.markdown import code, sentence
from iamrbac.render.plain import printable
from iamrbac.usecases.diff import Invalid

MARKER: Final = "<!-- iamrbac-diff -->"
"""Always the first line: by it the comment is found again, and replaced."""
MOST: Final = 65_536
"""Characters of a comment, of which GitHub takes no more."""
_ROOM: Final = MOST - 1_536
_LIST: Final = 12_000
"""Characters of one list that is not folded."""
_LINE: Final = 600
_RULES: Final = 6
_CLUSTERS: Final = 50


def diff_markdown(diff: Diff) -> str:
    """Return a comment, which is always shorter than `MOST`."""
    review = diff.review
    lines = [MARKER, f"### {headline(diff)}", "", f"**{verdict(diff)}.** {sentence(f'Between {between(diff)}.')}", ""]
    lines += _clusters(diff)
    lines += [f"> {sentence(_cut(one))}\n" for one in review.notes]
    lines += _listed("New dangers", [f"- ⚠️ {sentence(_cut(one))}" for one in danger_texts(diff)])
    lines += _listed("Refused", [_finding(one) for one in review.refusals])
    lines += _listed("About the waivers", [_finding(one) for one in review.warnings])
    lines += _listed(
        "Accepted by waivers",
        [
            f"- until {code(one.waiver.not_after)}, {code(one.waiver.rule)}: {sentence(_cut(one.waiver.reason))} — "
            f"{sentence(_cut(finding.message))}"
            for one in review.accepted
            for finding in one.findings
        ],
    )
    text = "\n".join(lines)
    return f"{text}\n{_teams(diff, _ROOM - len(text))}".rstrip("\n") + "\n"


def invalid_markdown(found: Invalid) -> str:
    """Return a comment that says why nothing can be compared."""
    whose = "base's documents are" if found.side == "base" else "documents are"
    head = [MARKER, f"### Access changes: not known, since the {whose} invalid", ""]
    return "\n".join([*head, *_listed("Findings", [_finding(one) for one in found.findings], _ROOM)]) + "\n"


def _clusters(diff: Diff) -> list[str]:
    rows = [f"| {one} | {some.gain} | {some.lose} |" for one, some in by_cluster(diff).items()]
    if not rows:
        return []
    more = [f"| and {len(rows) - _CLUSTERS} more | | |"] if len(rows) > _CLUSTERS else []
    return ["| cluster | gain | lose |", "|---|---|---|", *rows[:_CLUSTERS], *more, ""]


def _listed(title: str, items: Sequence[str], room: int = _LIST) -> list[str]:
    if not items:
        return []
    kept = _fitting(items, room)
    left = len(items) - len(kept)
    return [f"#### {title}", *kept, *([f"- and {left:,} more"] if left else []), ""]


def _fitting(items: Sequence[str], room: int) -> list[str]:
    kept: list[str] = []
    for item in items:
        room -= len(item) + 1
        if room < 0:
            break
        kept.append(item)
    return kept


def _finding(finding: Finding) -> str:
    place = f"{finding.file}:{finding.line}" if finding.line is not None else finding.file or ""
    where = f"{code(_cut(place))} " if place else ""
    hint = f" Next: {sentence(_cut(finding.hint))}." if finding.hint else ""
    return f"- **{finding.id}** {where}{sentence(_cut(finding.message))}.{hint}"


def _teams(diff: Diff, room: int) -> str:
    """Return the stories of each team, folded, as many as there is room for."""
    found = stories(diff)
    text = ""
    told = 0
    total = sum(map(len, found.values()))
    for team, some in found.items():
        head = f"<details><summary><b>{html.escape(printable(team))}</b>: {_sum(some)}</summary>\n\n"
        kept = _fitting([_story(one) for one in some], room - len(text) - len(head) - 100)
        if not kept:
            break
        left = len(some) - len(kept)
        more = [f"- and {left:,} more of this team"] if left else []
        text += head + "\n".join([*kept, *more]) + "\n\n</details>\n\n"
        told += len(kept)
    if told < total:
        text += f"{total - told:,} more changes of access do not fit here: `iamrbac diff` tells them all.\n"
    return text


def _sum(some: Sequence[Story]) -> str:
    gains = sum(one.change == "gain" for one in some)
    losses = len(some) - gains
    parts = [
        *([f"{gains} gain{'s' if gains > 1 else ''}"] if gains else []),
        *([f"{losses} loss{'es' if losses > 1 else ''}"] if losses else []),
    ]
    return ", ".join(parts)


def _story(story: Story) -> str:
    sign = "➕" if story.change == "gain" else "➖"
    lines = f" ({', '.join(code(_cut(one)) for one in story.lines[:3])})" if story.lines else ""
    who = sentence(_cut(some_of(story.principals)))
    rules = [f"  - {code(_cut(one))}" for one in story.rules[:_RULES]]
    left = len(story.rules) - len(rules)
    return "\n".join(
        [f"- {sign} {who} {sentence(_cut(story.said))}{lines}", *rules, *([f"  - and {left} more"] if left else [])]
    )


def _cut(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _LINE else f"{text[:_LINE]}…"
