"""A change of access for a terminal: the sum first, then team by team with the policy lines, what is refused last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from iamrbac.access.refused import some_of
from iamrbac.render.changes import Diff, Story, between, by_cluster, danger_texts, headline, stories, verdict
from iamrbac.render.findings import finding_line
from iamrbac.render.plain import printable

Paint: TypeAlias = Callable[[str, str], str]
_SIGNS = {"gain": ("+", "good"), "lose": ("-", "error")}
_RULES = 4


def diff_text(diff: Diff, paint: Paint) -> str:
    """Return what `diff` shows."""
    return "\n".join(_lines(diff, paint))


def _lines(diff: Diff, paint: Paint) -> Iterator[str]:
    review = diff.review
    yield paint(f"{headline(diff)}.", "bold")
    yield f"Between {printable(between(diff))}."
    changed = by_cluster(diff)
    width = max(map(len, changed), default=0)
    yield from (f"  {name.ljust(width)}  {one}" for name, one in changed.items())
    yield from (f"note: {printable(one)}" for one in review.notes)
    if review.change.dangers:
        yield ""
        yield paint("new dangers", "bold")
        yield from (f"  {paint('!', 'warning')} {printable(one)}" for one in danger_texts(diff))
    for team, found in stories(diff).items():
        yield ""
        yield paint(printable(team), "bold")
        for story in found:
            yield from _story(story, paint)
    yield ""
    for one in review.accepted:
        said = f"accepted until {one.waiver.not_after} by the waiver of {one.waiver.rule}: {one.waiver.reason}"
        yield printable(said)
        yield from (f"  {finding_line(finding, paint)}" for finding in one.findings)
    yield from (finding_line(finding, paint) for finding in (*review.warnings, *review.refusals))
    yield f"{verdict(diff)}."


def _story(story: Story, paint: Paint) -> Iterator[str]:
    sign, style = _SIGNS[story.change]
    yield f"  {paint(sign, style)} {printable(f'{some_of(story.principals)} {story.said}')}"
    if story.lines:
        yield f"      {printable(some_of(story.lines))}"
    yield from (f"      {paint(printable(one), 'dim')}" for one in _few(story.rules))


def _few(rules: Sequence[str]) -> Sequence[str]:
    if len(rules) <= _RULES + 1:
        return rules
    return [*rules[:_RULES], f"and {len(rules) - _RULES} more rules (-o json shows all)"]
