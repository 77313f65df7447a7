"""One round of `sync`: a line for each cluster and one for all, for people, programs and logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from iamrbac.plan.change import Action
from iamrbac.plan.planner import display_key
from iamrbac.render.plan import Paint
from iamrbac.usecases.outcome import Delivered, Event
from iamrbac.usecases.sync_report import ClusterRound, Result, Round, Trouble

_WORDS: Final[Mapping[Action, str]] = {
    Action.CREATE: "added",
    Action.UPDATE: "changed",
    Action.REPLACE: "replaced",
    Action.DELETE: "removed",
    Action.ADOPT: "adopted",
}
_STYLES: Final = {
    Result.DONE: "good",
    Result.UNCHANGED: "dim",
    Result.PAUSED: "warning",
    Result.HELD: "warning",
    Result.ENDED: "warning",
}
_SHORT: Final = 12


def round_json(made: Round) -> dict[str, Any]:
    """Return what `sync --once -o json` prints."""
    age = (made.at - made.people_at).total_seconds() if made.people_at is not None else None
    return {
        "formatVersion": 1,
        "at": _utc(made.at),
        "commit": made.commit or None,
        "signer": made.signer or None,
        "identitiesAgeSeconds": None if age is None else round(age),
        "troubles": _troubles(made.troubles),
        "clusters": [_cluster(one) for one in made.clusters],
        "iam": _cluster(made.iam) if made.iam is not None else None,
        "summary": counts(made),
        "exitCode": made.exit_code(),
    }


def counts(made: Round) -> dict[str, int]:
    """Return how many clusters each result has."""
    found = Counter(one.result for one in made.clusters)
    return {result.value: found[result] for result in Result}


def round_text(made: Round, paint: Paint) -> str:
    """Return the same for a person."""
    width = max((len(one.name) for one in made.every), default=0)
    lines = [line for one in made.every for line in _lines(one, width, paint, made.troubles)]
    lines += [f"{paint('!', 'error')} {_said(one)}" for one in made.troubles]
    found = [f"{count} {name}" for name, count in counts(made).items() if count]
    commit, plus, _ = made.commit.partition("+")
    where = f" at {commit[:_SHORT]}{plus}" if commit else ""
    signed = f", signed by {made.signer}" if made.signer else ""
    if made.troubles:
        lines.append(f"Not synced{where}: nothing was done.")
    else:
        lines.append(f"Synced{where}{signed}: {', '.join(found) or 'no cluster'}.")
    return "\n".join(lines)


def cluster_fields(one: ClusterRound, commit: str) -> dict[str, object]:
    """Return what a log line says of a cluster."""
    return {
        "cluster": one.name,
        "result": one.result.value,
        "commit": commit,
        **{action.value: count for action, count in one.changes.items() if count},
        "undone": one.undone or None,
        "waiting": one.waiting or None,
        "drift": one.drift,
        "reason": "; ".join(_said(trouble) for trouble in one.troubles),
    }


def round_fields(made: Round) -> dict[str, object]:
    """Return what a log line says of a round."""
    return {
        "commit": made.commit,
        "signer": made.signer,
        **{name: count for name, count in counts(made).items() if count},
        "reason": "; ".join(_said(trouble) for trouble in made.troubles),
    }


def event_fields(event: Event | Delivered) -> dict[str, object]:
    """Return what a log line says of one change, or of a commit."""
    if isinstance(event, Delivered):
        return {
            "repository": event.repository,
            "branch": event.branch,
            "clusters": ",".join(event.clusters),
            "outcome": event.outcome.value,
            "commit": event.commit,
            "url": event.url,
            "reason": event.reason,
        }
    key = event.change.key
    return {
        "cluster": key.cluster,
        "account": key.account,
        "object": display_key(key),
        "action": event.change.action.value,
        "outcome": event.outcome.value,
        "reason": event.reason,
    }


def _lines(one: ClusterRound, width: int, paint: Paint, said: tuple[Trouble, ...]) -> Iterator[str]:
    numbers = [f"{count} {_WORDS[action]}" for action, count in one.changes.items() if count]
    numbers += [f"{one.undone} not done"] if one.undone else []
    numbers += [f"{one.waiting} waiting"] if one.waiting else []
    numbers += [f"{one.drift} drifted"] if one.drift else []
    result = paint(f"{one.result.value:<9}", _STYLES.get(one.result, "error"))
    yield f"{one.name:<{width}}  {result}  {', '.join(numbers)}".rstrip()
    for trouble in one.troubles:
        if trouble not in said:
            yield f"  {paint('!', 'error')} {_said(trouble)}"


def _said(one: Trouble) -> str:
    return f"[{one.id}] {one.message}" + (f". Next: {one.hint}" if one.hint else "")


def _cluster(one: ClusterRound) -> dict[str, Any]:
    return {
        "name": one.name,
        "result": one.result.value,
        "changes": {action.value: one.changes.get(action, 0) for action in Action},
        "undone": one.undone,
        "waiting": one.waiting,
        "drift": one.drift,
        "troubles": _troubles(one.troubles),
    }


def _troubles(troubles: tuple[Trouble, ...]) -> list[dict[str, str]]:
    return [{"id": one.id, "message": one.message, "hint": one.hint} for one in troubles]


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
