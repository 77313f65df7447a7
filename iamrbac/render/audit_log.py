"""What an audit log says of the policies, for people, as JSON (render/schemas/audit-log.json) and as role templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from iamrbac.access.naming import asked
from iamrbac.access.world import World
from iamrbac.audit.coverage import Coverage
from iamrbac.audit.grants import SetGrant
from iamrbac.audit.report import Denial, GrantUse, LeastPrivilege, Proposal
from iamrbac.gitops.yaml_text import yaml_text
from iamrbac.model.errors import IamrbacError
from iamrbac.model.span import span_text
from iamrbac.rbac.covers import atoms
from iamrbac.rbac.objects import Request
from iamrbac.rbac.wire import rule_to_json
from iamrbac.render.misses import miss_json, miss_lines
from iamrbac.render.plain import printable
from iamrbac.render.rules import Line, because, rule_text
from iamrbac.usecases.audit_log import AuditAnswer

Paint = Callable[[str, str], str]
_SHOWN: Final = 20


def audit_text(answer: AuditAnswer, world: World, line: Line, paint: Paint) -> str:
    """Return what the log covers, and a block each for unused grants, denials and smaller roles."""
    found = answer.found
    blocks = [
        [*_head(answer, paint)],
        [*_grants(found, answer.note, line, paint)],
        [*_denials(found, world, line, paint)],
    ]
    blocks.append([*_proposals(found, paint)])
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def templates_text(answer: AuditAnswer) -> str:
    """Return every smaller role as a role template, with where it goes and what it stands for."""
    coverage = answer.found.coverage
    when = f"{_time(coverage.first)} to {_time(coverage.last)} UTC" if coverage is not None else "no events"
    blocks = []
    for one in answer.found.proposals:
        if one.rules and one.drops:
            lines = [
                f"# templates/roles/{_slug(one)}.yaml.j2",
                f"# What {_set(one.group)} used of {one.role} on {answer.cluster}, {when}.",
                *(["# bind and escalate are left out: no log shows whether they were used."] if one.unseen else []),
            ]
            text = yaml_text({"rules": [rule_to_json(rule) for rule in one.rules]})
            blocks.append("\n".join(map(printable, lines)) + "\n" + text)
    return "---\n".join(blocks)


def failure_text(error: IamrbacError) -> str:
    """Return why a file could not be read, in one line."""
    return f"[{error.code}] {error}"


def audit_json(answer: AuditAnswer, world: World, line: Line) -> dict[str, Any]:
    """Return the same as `-o json` writes it, with every grant and every proposal."""
    found, read, bad = answer.found, answer.read, answer.read.bad
    coverage = found.coverage
    return {
        "formatVersion": 1,
        "cluster": answer.cluster,
        "log": {
            "files": read.sources,
            "events": answer.counts["events"],
            "first": _stamp(coverage.first) if coverage is not None else None,
            "last": _stamp(coverage.last) if coverage is not None else None,
            "missingDays": [day.isoformat() for day in coverage.missing] if coverage is not None else [],
            "other": read.other,
            "broken": {"times": bad.times, "first": bad.where, "reason": bad.why} if bad is not None else None,
            "whole": read.whole,
            "failed": [{"code": one.code, "message": str(one)} for one in read.failures],
            "requests": {
                "ours": answer.counts["ours"],
                "otherwise": answer.counts["otherwise"],
                "others": answer.counts["others"],
                "dryRuns": answer.counts["dryRuns"],
                "denied": answer.counts["denied"],
                "deniedSystem": answer.counts["deniedSystem"],
                "deniedOther": answer.counts["deniedOther"],
                "unauthenticated": answer.counts["unauthenticated"],
            },
        },
        "days": found.days,
        "grants": [
            {
                **_grant_json(one.grant, line),
                "state": one.state,
                "requests": one.times,
                "last": _stamp(one.last) if one.last is not None else None,
                "why": one.why or None,
            }
            for one in found.grants
        ],
        "agesUnknown": answer.note or None,
        "denials": [_denial_json(one, world, line) for one in found.denials],
        "denialsOnce": found.single,
        "denialsMore": found.more,
        "roles": [
            {
                "set": _set(one.group),
                "role": one.role,
                "namespaces": list(one.namespaces),
                "rules": None if one.why else [rule_to_json(rule) for rule in one.rules],
                "drops": [rule_to_json(rule) for rule in one.drops],
                "unseen": one.unseen,
                "why": one.why or None,
            }
            for one in found.proposals
        ],
    }


def _head(answer: AuditAnswer, paint: Paint) -> Iterator[str]:
    found, read, counts = answer.found, answer.read, answer.counts
    files = f"{read.sources} {'file' if read.sources == 1 else 'files'}"
    name = paint(printable(answer.cluster), "bold")
    if found.coverage is None:
        yield f"{name}: no events in {files}, so that nothing is known"
    else:
        first, last = _time(found.coverage.first), _time(found.coverage.last)
        length = span_text(found.coverage.span)
        yield f"{name}: {counts['events']:,} events in {files}, {first} to {last} UTC ({length})"
        yield from _missing(found.coverage)
        if found.days is not None and not found.coverage.covers(found.days):
            yield f"  the log does not cover the last {found.days} days, so that no grant is called unused"
    ours = f"{counts['ours']:,} requests of people of our sets were allowed"
    others = f", {counts['otherwise']:,} of them by what is not of the policies" if counts["otherwise"] else ""
    yield f"  {ours}{others}, and {counts['others']:,} of everybody else; {counts['denied']:,} were denied"
    if counts["events"] and not counts["ours"]:
        yield f"  nobody of our sets is in it: is it really the log of {printable(answer.cluster)}?"
    bad = read.bad
    if bad is not None:
        yield f"  {bad.times:,} could not be read, the first at {printable(bad.where)}: {printable(bad.why)}"
    if not read.whole:
        yield "  a part of the log is lost, so that no grant is called unused"
    if read.other:
        yield f"  {read.other:,} were no audit events"


def _missing(coverage: Coverage) -> Iterator[str]:
    days = [day.isoformat() for day in coverage.missing]
    if days:
        more = f" and {len(days) - 3} more" if len(days) > 3 else ""
        yield f"  not a single event on {', '.join(days[:3])}{more}"


def _grants(found: LeastPrivilege, note: str, line: Line, paint: Paint) -> Iterator[str]:
    when = f"in {found.days} days" if found.days is not None else "in the log"
    unused, unknown = found.unused, [one for one in found.grants if one.state == "unknown"]
    if found.coverage is not None:
        yield paint(f"not used {when}: {len(unused)} of {len(found.grants)} grants", "bold")
        yield from _table(
            [_row(one, "never" if one.last is None else f"last {_time(one.last)}", line) for one in unused]
        )
        if note:
            yield printable(f"  how long they have been given is not known: {note}")
    if unknown:
        yield paint(f"not known: {len(unknown)} of {len(found.grants)} grants", "bold")
        yield from _table([_row(one, one.why, line) for one in unknown])


def _row(one: GrantUse, last: str, line: Line) -> tuple[str, ...]:
    grant = one.grant
    return _set(grant.group), grant.namespace or "(cluster)", grant.role, f"{last}{because(grant.origins, line)}"


def _denials(found: LeastPrivilege, world: World, line: Line, paint: Paint) -> Iterator[str]:
    if not found.denials:
        return
    yield paint(f"denied again and again: {len(found.denials) + found.more}", "bold")
    for one in found.denials[:_SHOWN]:
        request = one.refusal.request
        sets = ", ".join(_set(group) for group in one.refusal.groups)
        who = f"{one.refusal.user or 'nobody'}{f' ({sets})' if sets else ''}"
        yield printable(f"  {one.times:,} times, last {_time(one.last)}: {who}: {_asked(request)}")
        for grant in one.given[:1]:
            yield printable(f"      allowed today: {grant.role} {_place(grant)}{because(grant.origins, line)}")
        for miss in one.misses[:1]:
            yield from (printable(f"      {text}") for text in miss_lines(miss, world, request, one.somebody, line))
    rest = len(found.denials) - _SHOWN + found.more
    if rest > 0:
        yield f"  and {rest} more: -o json has {'them' if not found.more else 'the most frequent ones'}"
    if found.single:
        yield f"  {found.single} more happened once"


def _proposals(found: LeastPrivilege, paint: Paint) -> Iterator[str]:
    smaller = [one for one in found.proposals if one.rules and one.drops]
    if not smaller:
        return
    yield paint(f"smaller roles that would have done: {len(smaller)} (--templates prints them)", "bold")
    for one in smaller:
        where = ", ".join(space or "the whole cluster" for space in one.namespaces)
        yield printable(f"  {_set(one.group)}, {one.role} in {where}: {_share(one)}")
        yield from (printable(f"    {rule_text(rule, most=8)}") for rule in one.rules)
        if one.unseen:
            yield "    bind and escalate are left out: no log shows whether they were used"


def _share(one: Proposal) -> str:
    used = sum(1 for rule in one.rules for _ in atoms(rule))
    if any("*" in part for rule in one.drops for part in (*rule.verbs, *rule.api_groups, *rule.resources)):
        return f"{used} {'right' if used == 1 else 'rights'} instead of stars"
    return f"{used} of {used + sum(1 for rule in one.drops for _ in atoms(rule))} rights"


def _grant_json(grant: SetGrant, line: Line) -> dict[str, Any]:
    return {
        "set": _set(grant.group),
        "namespace": grant.namespace or None,
        "role": grant.role,
        "group": grant.group,
        "because": sorted(map(line, grant.origins)),
    }


def _denial_json(one: Denial, world: World, line: Line) -> dict[str, Any]:
    request = one.refusal.request
    return {
        "user": one.refusal.user,
        "sets": [_set(group) for group in one.refusal.groups],
        "request": {
            "verb": request.verb,
            "apiGroup": request.api_group,
            "resource": request.resource or None,
            "subresource": request.subresource or None,
            "name": request.name or None,
            "namespace": request.namespace or None,
            "path": request.path or None,
        },
        "times": one.times,
        "first": _stamp(one.first),
        "last": _stamp(one.last),
        "allowedToday": [_grant_json(grant, line) for grant in one.given],
        "near": [miss_json(miss, world, request, one.somebody, line) for miss in one.misses],
    }


def _asked(request: Request) -> str:
    return asked(request) if request.verb else "nothing"


def _place(grant: SetGrant) -> str:
    return f"in {grant.namespace}" if grant.namespace else "in the whole cluster"


def _set(group: str) -> str:
    """Return TEAM/SET of a group of ours."""
    return "/".join(group.split(":")[2:])


def _slug(one: Proposal) -> str:
    words = f"{one.role.rsplit(' ', 1)[-1]}-{_set(one.group)}".lower()
    return "-".join("".join(letter if letter.isalnum() else " " for letter in words).split())


def _table(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    shown = [tuple(printable(cell) for cell in row) for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(3)] if shown else []
    return ["  " + "  ".join([*map(str.ljust, row[:3], widths), row[3]]).rstrip() for row in shown]


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
