"""What an apply did: a line per write as it happens, a table of what was not done, one line of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from iamrbac.plan.change import FailedCluster
from iamrbac.plan.planner import display_key
from iamrbac.render.plan import SYMBOLS, Paint
from iamrbac.usecases.keep import BackedUp
from iamrbac.usecases.outcome import Delivered, Event, Outcome

WORDS = {"add": "added", "change": "changed", "replace": "replaced", "remove": "removed", "adopt": "adopted"}


def event_json(event: Event | Delivered) -> dict[str, Any]:
    """Return one event of `apply -o json`."""
    if isinstance(event, Delivered):
        return _delivery_json(event)
    key = event.change.key
    return {
        "type": "change",
        "cluster": key.cluster or None,
        **({"account": key.account} if key.account else {}),
        "kind": key.kind,
        "namespace": key.namespace or None,
        "name": key.name,
        "action": event.change.action.value,
        "outcome": event.outcome.value,
        "commit": event.commit or None,
        "error": _error(event),
    }


def event_text(event: Event | Delivered, paint: Paint) -> str:
    """Return one event for a person."""
    if isinstance(event, Delivered):
        return _delivery_text(event, paint)
    symbol, style, word = SYMBOLS[event.change.action]
    name = f"{event.change.key.cluster or 'IAM'}: {display_key(event.change.key)}"
    if event.outcome is Outcome.DONE:
        return f"{paint(symbol, style)} {WORDS[word]} {name}"
    if event.outcome is Outcome.PROPOSED:
        return f"{paint(symbol, style)} proposed to {word} {name}"
    hint = f". Next: {event.hint}" if event.hint else ""
    return f"{paint('!', 'error')} {event.outcome} to {word} {name}: {event.reason}{hint}"


def backup_json(backup: BackedUp) -> dict[str, Any]:
    """Return the first line of `apply -o json`: where what is about to change is kept."""
    return {
        "type": "backup",
        "id": backup.run,
        "clusters": [{"name": name, "where": list(places)} for name, places in backup.clusters],
    }


def backup_text(backup: BackedUp) -> str:
    """Return the same for a person, with the way back."""
    return f"Backup {backup.run} is kept; to go back: iamrbac rollback {backup.run}"


def summary_json(
    events: Sequence[Event | Delivered],
    failed: Iterable[FailedCluster],
    exit_code: int,
    allowed: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Return the last line of `apply -o json`; `errors` says why a cluster was not planned."""
    failed = tuple(failed)
    counts = Counter(event.outcome for event in events if isinstance(event, Event))
    return {
        "type": "summary",
        **{outcome.value: counts[outcome] for outcome in Outcome},
        "notPlanned": [cluster.name for cluster in failed],
        "errors": [
            {"cluster": cluster.name, "code": cluster.code, "message": cluster.message, "hint": cluster.hint}
            for cluster in failed
        ],
        "allowed": [{"name": name, "value": value} for name, value in allowed],
        "exitCode": exit_code,
    }


def summary_text(events: Sequence[Event | Delivered], failed: Sequence[str], again: str = "iamrbac apply") -> str:
    """Return the last lines: what was not done and the command that goes on, then the numbers."""
    changes = [event for event in events if isinstance(event, Event)]
    done = Counter(SYMBOLS[event.change.action][2] for event in changes if event.outcome is Outcome.DONE)
    numbers = ", ".join(f"{done[word]} {past}" for word, past in WORDS.items())
    counts = Counter(event.outcome for event in changes)
    undone = counts[Outcome.FAILED] + counts[Outcome.SKIPPED]
    text = f"Applied: {numbers}."
    if counts[Outcome.PROPOSED]:
        text += f" Proposed: {counts[Outcome.PROPOSED]}."
    waiting = Counter(event.change.key.cluster for event in changes if event.outcome is Outcome.WAITING)
    if waiting:
        numbers = ", ".join(f"{number} on {cluster}" for cluster, number in sorted(waiting.items()))
        text += f" Waiting until the cluster is synced: {numbers}. Next: run `iamrbac apply` again then, or use --wait."
    if undone:
        text += f" Not done: {undone}. Next: mend what failed, then run `{again}` again; it goes on from here."
    if failed:
        text += f" Not planned: {', '.join(failed)}."
    return text


def _error(event: Event | Delivered) -> dict[str, str] | None:
    return {"message": event.reason, "hint": event.hint} if event.reason else None


def _delivery_json(event: Delivered) -> dict[str, Any]:
    return {
        "type": "delivery",
        "repository": event.repository,
        "branch": event.branch,
        "clusters": list(event.clusters),
        "files": event.files,
        "commit": event.commit or None,
        "url": event.url or None,
        "outcome": event.outcome.value,
        "error": _error(event),
    }


def _delivery_text(event: Delivered, paint: Paint) -> str:
    where = f"{event.branch} of {event.repository} ({', '.join(event.clusters)})"
    if event.outcome is Outcome.FAILED:
        hint = f". Next: {event.hint}" if event.hint else ""
        return f"{paint('!', 'error')} failed to commit to {where}: {event.reason}{hint}"
    files = f"{event.files} file{'' if event.files == 1 else 's'}"
    if event.outcome is Outcome.PROPOSED:
        return f"{paint('+', 'good')} proposed {event.commit[:12]}, {files}, to {where}: {event.url}"
    if not event.files:
        return f"{paint('i', 'dim')} {where} has it already"
    return f"{paint('+', 'good')} committed {event.commit[:12]}, {files}, to {where}"
