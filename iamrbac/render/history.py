"""The runs that changed something, the newest first: who, when, from which commit, and what became of each change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from iamrbac.backup.backup import Record, Run
from iamrbac.backup.codec import audit_lines
from iamrbac.compile.desired import Key
from iamrbac.plan.change import Action
from iamrbac.plan.planner import display_key
from iamrbac.render.apply import WORDS
from iamrbac.render.plain import printable
from iamrbac.render.plan import SYMBOLS, Paint
from iamrbac.usecases.history import History, PastRun, Seen

_DIED: Final = "has no end (killed, or still at work)"
_DONE: Final = frozenset({"done", "proposed"})
_SHORT: Final = 12


def history_text(history: History, paint: Paint, *, details: bool) -> str:
    """Return the answer as text; with `details` a line for each change."""
    blocks = [_run_lines(run, paint, details=details) for run in history.runs] or [["No backups."]]
    if history.unread:
        said = [printable(f"{one.cluster}: {one.message}. Next: {one.hint}") for one in history.unread]
        blocks.append([f"{paint('!', 'error')} not known: {line}" for line in said])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def history_json(history: History, *, details: bool) -> dict[str, Any]:
    """Return the answer of `-o json`; with `details` each cluster has its `changes`, the audit lines."""
    return {
        "formatVersion": 1,
        "runs": [_run_json(run, details=details) for run in history.runs],
        "unread": [{"cluster": one.cluster, "message": one.message, "hint": one.hint} for one in history.unread],
    }


def _run_lines(past: PastRun, paint: Paint, *, details: bool) -> list[str]:
    width = max(len(one.cluster) for one in past.clusters)
    lines = [f"{paint(printable(past.id), 'bold')}  {printable(_header(past.run))}"]
    if past.run is not None and past.run.allowed:
        lines.append(printable("  allowed: " + ", ".join(f"{name} {value}" for name, value in past.run.allowed)))
    for one in past.clusters:
        mark = " " if one.record is not None and one.record.finished else paint("!", "error")
        lines.append(f"{mark} {one.cluster:<{width}}  {printable(_what(one))}")
        if details and one.record is not None:
            lines += [f"      {_change(line, paint)}" for line in audit_lines(one.record)]
    return lines


def _header(run: Run | None) -> str:
    if run is None:
        return "no backup of it is whole"
    commit = f", from {run.commit[:_SHORT]}{'+' if run.commit.endswith('+') else ''}" if run.commit else ""
    who = f" by {run.who}" if run.who else ""
    host = f" on {run.host}" if run.host else ""
    return f"{run.at}  {run.doing}{who}{host}{commit}"


def _what(one: Seen) -> str:
    """Say what a run did to a cluster: `3 added, 1 removed; 2 not done`."""
    if one.record is None:
        return one.error
    if not one.record.finished:
        return f"{_DIED}: some of {_counted(one.record, (change.key for change in one.record.backup.changes))}"
    done = {result.key for result in one.record.results or () if result.outcome in _DONE}
    left = len(one.record.backup.changes) - len(done)
    return (_counted(one.record, done) or "nothing done") + (f"; {left} not done" if left else "")


def _counted(record: Record, keys: Iterable[Key]) -> str:
    counts = _counts(record, keys)
    return ", ".join(f"{counts[action]} {_word(action)}" for action in Action if counts[action])


def _counts(record: Record, keys: Iterable[Key]) -> Counter[Action]:
    wanted = set(keys)
    return Counter(change.action for change in record.backup.changes if change.key in wanted)


def _word(action: Action) -> str:
    return WORDS[SYMBOLS[action][2]]


def _change(line: Mapping[str, Any], paint: Paint) -> str:
    action = Action(line["action"])
    symbol, style, word = SYMBOLS[action]
    key = Key(line["cluster"], line["kind"], line["namespace"] or "", line["name"])
    reason = f": {line['reason']}" if line["reason"] else ""
    because = f"  {', '.join(line['because'])}" if line["because"] else ""
    outcome = printable(line["outcome"])
    outcome = outcome if line["outcome"] in _DONE else paint(outcome, "error")
    shown = printable(f"{word} {display_key(key)}{because}")
    return f"{paint(symbol, style)} {shown}  {outcome}{printable(reason)}"


def _run_json(past: PastRun, *, details: bool) -> dict[str, Any]:
    run = past.run
    return {
        "id": past.id,
        "at": run.at if run is not None else None,
        "doing": run.doing if run is not None else None,
        "who": run.who if run is not None else None,
        "host": run.host if run is not None else None,
        "commit": run.commit if run is not None else None,
        "allowed": [{"name": name, "value": value} for name, value in (run.allowed if run is not None else ())],
        "finished": past.finished,
        "clusters": [_seen_json(one, details=details) for one in past.clusters],
    }


def _seen_json(one: Seen, *, details: bool) -> dict[str, Any]:
    record = one.record
    results = record.results or () if record is not None else ()
    done = _counts(record, (result.key for result in results if result.outcome in _DONE)) if record is not None else {}
    value: dict[str, Any] = {
        "name": one.cluster,
        "finished": record is not None and record.finished,
        "where": list(one.where),
        "planned": len(record.backup.changes) if record is not None else None,
        "done": {action.value: done.get(action, 0) for action in Action},
        "error": one.error or None,
    }
    if details and record is not None:
        value["changes"] = list(audit_lines(record))
    return value
