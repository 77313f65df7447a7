"""What an apply did: a line per write as it happens, a table of what was not done, one line of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from iamrbac.plan.change import FailedCluster
from iamrbac.plan.planner import display_key
from iamrbac.render.plan import SYMBOLS, Paint
from iamrbac.usecases.apply import Event, Outcome

WORDS = {"add": "added", "change": "changed", "replace": "replaced", "remove": "removed", "adopt": "adopted"}


def event_json(event: Event) -> dict[str, Any]:
    """Return one event of `apply -o json`."""
    key = event.change.key
    return {
        "type": "change",
        "cluster": key.cluster,
        "kind": key.kind,
        "namespace": key.namespace or None,
        "name": key.name,
        "action": event.change.action.value,
        "outcome": event.outcome.value,
        "error": {"message": event.reason, "hint": event.hint} if event.reason else None,
    }


def event_text(event: Event, paint: Paint) -> str:
    """Return one event for a person."""
    symbol, style, word = SYMBOLS[event.change.action]
    name = f"{event.change.key.cluster}: {display_key(event.change.key)}"
    if event.outcome is Outcome.DONE:
        return f"{paint(symbol, style)} {WORDS[word]} {name}"
    hint = f". Next: {event.hint}" if event.hint else ""
    return f"{paint('!', 'error')} {event.outcome} to {word} {name}: {event.reason}{hint}"


def summary_json(events: Sequence[Event], failed: Iterable[FailedCluster], exit_code: int) -> dict[str, Any]:
    """Return the last line of `apply -o json`; `errors` says why a cluster was not planned."""
    failed = tuple(failed)
    counts = Counter(event.outcome for event in events)
    return {
        "type": "summary",
        **{outcome.value: counts[outcome] for outcome in Outcome},
        "notPlanned": [cluster.name for cluster in failed],
        "errors": [
            {"cluster": cluster.name, "code": cluster.code, "message": cluster.message, "hint": cluster.hint}
            for cluster in failed
        ],
        "exitCode": exit_code,
    }


def summary_text(events: Sequence[Event], failed: Sequence[str]) -> str:
    """Return the last lines: what was not done and the command that goes on, then the numbers."""
    done = Counter(SYMBOLS[event.change.action][2] for event in events if event.outcome is Outcome.DONE)
    numbers = ", ".join(f"{done[word]} {past}" for word, past in WORDS.items())
    undone = sum(event.outcome is not Outcome.DONE for event in events)
    text = f"Applied: {numbers}."
    if undone:
        text += f" Not done: {undone}. Next: mend what failed, then run `iamrbac apply` again; it goes on from here."
    if failed:
        text += f" Not planned: {', '.join(failed)}."
    return text
