"""What `iamrbac migrate` shows: each row and what it becomes, what stands against it, the proof, the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from iamrbac.compile import names
from iamrbac.findings.finding import Finding
from iamrbac.migrate.against import against
from iamrbac.migrate.types import Fate, Migration, Row
from iamrbac.migrate.undo import Undo
from iamrbac.plan.change import Change, FailedCluster
from iamrbac.render.findings import finding_line
from iamrbac.render.importing import proof_json, proof_lines
from iamrbac.render.plain import printable
from iamrbac.usecases.migrate import One, Wanted
from iamrbac.usecases.migrate_how import Told
from iamrbac.usecases.outcome import Outcome
from iamrbac.usecases.states import count

Paint: TypeAlias = Callable[[str, str], str]
_SIGNS = {
    Fate.ENTRY: ("+", "good"),
    Fate.MADE: ("=", "dim"),
    Fate.THERE: ("=", "dim"),
    Fate.HIDDEN: ("-", "dim"),
    Fate.NODES: (".", "dim"),
    Fate.STAYS: (".", "dim"),
    Fate.LEFT: (".", "dim"),
    Fate.BLOCKED: ("!", "error"),
}


def migrate_text(wanted: Wanted, *, keep_rows: bool, final: bool, paint: Paint) -> str:
    """Return all clusters, each with what would be done."""
    lines: list[str] = []
    for one in wanted.clusters:
        lines += ["", *_cluster(one, keep_rows=keep_rows, final=final, paint=paint)]
    return "\n".join(lines[1:]) + "\n"


def told_text(step: Told, paint: Paint) -> str:
    """Return one thing that was done, or was not."""
    text = f"{step.cluster}: {step.step}: {printable(step.text)}"
    if step.outcome is Outcome.DONE:
        return text
    hint = f". Next: {printable(step.hint)}" if step.hint else ""
    return f"{text}: {paint(step.outcome.value, 'error')}: {printable(step.why)}{hint}"


def migrate_json(wanted: Wanted, told: Sequence[Told], code: int, *, keep_rows: bool, final: bool) -> dict[str, Any]:
    """Return the same, and what was done, as `-o json` writes it (render/schemas/migrate.json)."""
    return {
        "formatVersion": 1,
        "clusters": [_json(one, keep_rows=keep_rows, final=final) for one in wanted.clusters],
        "done": [
            {
                "cluster": one.cluster,
                "step": one.step,
                "what": one.text,
                "outcome": one.outcome.value,
                "error": {"message": one.why, "hint": one.hint} if one.why else None,
            }
            for one in told
        ],
        "exitCode": code,
    }


def _cluster(one: One, *, keep_rows: bool, final: bool, paint: Paint) -> Iterator[str]:
    if isinstance(one, FailedCluster):
        hint = f". Next: {printable(one.hint)}" if one.hint else ""
        yield f"{paint(one.name, 'bold')}: not read: [{one.code}] {printable(one.message)}{hint}"
        return
    if isinstance(one, Undo):
        yield from _undo(one, paint)
        return
    yield f"{paint(one.cluster, 'bold')}: {_modes(one, final=final)}"
    for row in one.rows:
        yield from _row(row, paint)
    yield from (f"  . aws-auth {printable(note)}" for note in one.notes)
    yield from _against(against(one, final=final), paint)
    if one.proof is not None:
        yield "  proof"
        yield from (f"  {line}" for line in proof_lines(one.proof, paint))
    if against(one, final=final):
        return
    if final:
        yield f"  to do: {'nothing, the mode is API' if one.mode == 'API' else '(1) the mode API, for good'}"
    else:
        yield f"  to do: {_steps(one, keep_rows=keep_rows)}"


def _modes(one: Migration, *, final: bool) -> str:
    if final and one.mode != "API":
        return f"{one.mode} -> API (for good: EKS reads no aws-auth then)"
    if one.switches:
        return "CONFIG_MAP -> API_AND_CONFIG_MAP (one way: EKS never goes back)"
    return one.mode


def _row(row: Row, paint: Paint) -> Iterator[str]:
    sign, style = _SIGNS[row.fate]
    yield f"  {paint(sign, style)} {row.row.section} {printable(row.row.arn)}{' (ours)' if row.ours else ''}"
    if row.entry is not None and row.fate in (Fate.ENTRY, Fate.MADE):
        made = "its entry is made: " if row.fate is Fate.MADE else ""
        yield f"      {made}{printable(_entry(row))}"
    yield from (f"      {printable(note)}" for note in row.notes)


def _entry(row: Row) -> str:
    entry = row.entry
    if entry is None:
        return ""
    said = [f"username {entry.username}"]
    said += [f"groups {', '.join(entry.groups)}"] if entry.groups else []
    said += ["AmazonEKSClusterAdminPolicy in the whole cluster, for system:masters"] if row.policy is not None else []
    path = f"{entry.principal}: " if entry.principal != row.row.arn else ""
    return path + "; ".join(said)


def _against(found: Sequence[Finding], paint: Paint) -> Iterator[str]:
    yield from (f"  {finding_line(one, paint)}" for one in found)


def _steps(one: Migration, *, keep_rows: bool) -> str:
    entries = sum(pair[0].key.kind == "AccessEntry" for pair in one.create)
    steps = [
        *(["the mode"] if one.switches else []),
        *([_number(entries, "access entry", "access entries")] if entries else []),
        *(["access policies"] if one.create and not entries else []),
        *(["a check with real tokens"] if one.create or one.switches or one.unbridge else []),
        *([f"{count(len(one.remove), 'row')} out of aws-auth"] if one.remove and not keep_rows else []),
    ]
    return ", ".join(f"({number}) {step}" for number, step in enumerate(steps, 1)) or "nothing"


def _number(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _undo(one: Undo, paint: Paint) -> Iterator[str]:
    yield f"{paint(one.cluster, 'bold')}: {one.state.target.authentication_mode}, which stays"
    for change in one.remove:
        yield f"  {paint('-', 'error')} access entry {printable(change.key.name)}: its row counts again"
    yield from _against(one.blockers, paint)
    if not one.remove and not one.blockers:
        yield "  to do: nothing"


def _json(one: One, *, keep_rows: bool, final: bool) -> dict[str, Any]:
    empty: dict[str, Any] = {"mode": None, "rows": [], "proof": None, "findings": [], "remaining": [], "todo": []}
    if isinstance(one, FailedCluster):
        error = {"code": one.code, "message": one.message, "hint": one.hint}
        return {"cluster": one.name, **empty, "error": error}
    findings = [finding.to_json() for finding in against(one, final=final)]
    about = {"cluster": one.cluster, **empty, "mode": one.state.target.authentication_mode, "error": None}
    if isinstance(one, Undo):
        return {**about, "findings": findings, "todo": [_change(change) for change in one.remove]}
    changes = [change for pair in one.create for change in pair] + list(one.unbridge)
    changes += [] if keep_rows else list(one.remove)
    return {
        **about,
        "rows": [_row_json(row) for row in one.rows],
        "proof": proof_json(one.proof) if one.proof is not None else None,
        "findings": findings,
        "remaining": list(one.leftover),
        "todo": [] if final else [_change(change) for change in changes],
    }


def _row_json(row: Row) -> dict[str, Any]:
    entry = row.entry
    return {
        "section": row.row.section,
        "arn": row.row.arn,
        "username": row.row.username,
        "groups": list(row.row.groups),
        "becomes": row.fate.value,
        "ours": row.ours,
        "entry": None
        if entry is None
        else {
            "principal": entry.principal,
            "type": entry.type,
            "username": entry.username,
            "groups": list(entry.groups),
            "policy": row.policy.policy if row.policy is not None else None,
        },
        "notes": list(row.notes),
    }


def _change(change: Change) -> dict[str, Any]:
    tagged = change.after.labels.get(names.INSTANCE_LABEL) if change.after is not None else None
    return {"kind": change.key.kind, "name": change.key.name, "action": change.action.value, "owner": tagged}
