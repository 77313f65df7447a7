"""A report in a terminal: what stands out, what ends, what is accepted, what is not known; how much there is of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from iamrbac.render.plain import printable
from iamrbac.render.report_words import KINDS, STATES, Words, count, place, time
from iamrbac.render.rules import Line
from iamrbac.report.model import ClusterPart, Report
from iamrbac.report.strength import Strength

Paint = Callable[[str, str], str]
_MOST: Final = 12
"""Lines of a list; of more, how many more."""
_NAMES: Final = 6
_STYLES: Final = {"error": "error", "warning": "warning", "info": "dim"}


def report_text(report: Report, line: Line, paint: Paint) -> str:
    """Return a summary; the other formats have all of it."""
    words = Words(report, line)
    lines = [paint(printable(_title(report)), "bold"), f"  {printable(_made(report))}"]
    lines += _list("clusters", (_cluster(one) for one in report.clusters), paint)
    unread = [one.name for one in report.clusters if one.failure is not None]
    nobody = f"none, but {_some(unread)} could not be read" if unread else "none"
    for kind, title in KINDS.items():
        told = (
            f"{one.cluster}: {_some(words.names(one.principals))}: {one.says}{_where(one.namespaces)}"
            + (f" ({one.rule})" if one.rule else "")
            for cluster in report.clusters
            for one in cluster.standouts
            if one.kind == kind
        )
        lines += _list(title.lower(), told, paint, none=nobody)
    lines += _list("risks by rule", _risks(report), paint, none="none that no waiver accepts")
    lines += _list(
        "temporary grants",
        (
            f"{STATES[one.state]}: {one.name} ({one.team}, {_some(one.owners) or 'no owner is named'}) until "
            f"{one.not_after}: {_some(one.members)}: {'; '.join(one.gives)} on {_some(one.clusters)}: {one.reason}"
            for one in report.temporary
        ),
        paint,
    )
    lines += _list(
        "waivers",
        (
            f"{STATES[one.state]}: {one.rule} ({one.scope}) until {one.not_after}: {one.reason}; accepts "
            f"{count(one.findings, 'finding')}; approved by {report.history.of(one.origin.file).approval}"
            for one in report.waivers
        ),
        paint,
    )
    lines += _list(
        "suspended",
        (
            f"{one.arn} ({line(one.origin)})" + (f": still holds something on {_some(one.still)}" if one.still else "")
            for one in report.suspended
        ),
        paint,
    )
    lines += _list("who approved", _approvals(report), paint, none="not known")
    lines += _list(
        "not known",
        (f"{one.about}: {one.why}{f'. Next: {one.next}' if one.next else ''}" for one in report.unknown),
        paint,
        none="nothing that is known of",
    )
    lines.append("--html, --csv and --json have all of it")
    return "\n".join(lines)


def _title(report: Report) -> str:
    head = report.head
    of = "the policies" if head.source == "policies" else "the clusters as they are"
    return f"Access report of {head.instance}, from {of}, at {time(head.at)}"


def _made(report: Report) -> str:
    commit = f"commit {report.history.commit[:12]}" if report.history.commit else "no commit is known"
    return f"iamrbac {report.head.version}; {commit}; people: {report.head.people}"


def _cluster(one: ClusterPart) -> str:
    if one.failure is not None:
        return f"{one.name}: not known: {one.failure.why}"
    namespaces = {namespace for row in one.rows for namespace in row.namespaces}
    strongest: dict[str, Strength] = {}
    order = list(Strength)
    for row in one.rows:
        for principal in row.principals:
            known = strongest.get(principal)
            here = row.holdings[0].strength
            strongest[principal] = here if known is None else min(known, here, key=order.index)
    much = ", ".join(
        f"{number} {strength.value}" for strength in order if (number := list(strongest.values()).count(strength))
    )
    return f"{one.name}: {count(len(strongest), 'principal')} in {count(len(namespaces), 'place')}" + (
        f" (strongest: {much})" if much else ""
    )


def _risks(report: Report) -> Iterator[str]:
    if not report.judged:
        yield "not known what the rules say: the documents or the waivers are invalid"
    for one in report.findings:
        where = f"{one.file}:{one.line}: " if one.line is not None else ""
        if one.level.value != "info":
            yield f"{one.level.value} {one.id} {where}{one.message}"
    infos = sum(one.level.value == "info" for one in report.findings)
    if infos:
        yield f"and {count(infos, 'info')}"


def _approvals(report: Report) -> Iterator[str]:
    for one in report.history.files.values():
        last = one.changes[0] if one.changes else None
        changed = f"; {last.author} {last.authored[:10]} {last.id[:12]}: {last.subject}" if last is not None else ""
        yield f"{one.file}: {one.approval}{changed}"


def _where(namespaces: Iterable[str]) -> str:
    found = [place(one) for one in namespaces]
    return "" if found == [place("")] else f" in {_some(found)}"


def _some(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found) if len(found) <= _NAMES else f"{', '.join(found[:_NAMES])} and {len(found) - _NAMES} more"


def _list(title: str, items: Iterable[str], paint: Paint, none: str = "none") -> Iterator[str]:
    found = [printable(one) for one in items]
    if not found:
        yield f"{paint(title, 'bold')}: {none}"
        return
    yield paint(f"{title}: {len(found)}", "bold")
    yield from (f"  {one}" for one in found[:_MOST])
    if len(found) > _MOST:
        yield f"  and {len(found) - _MOST} more"
