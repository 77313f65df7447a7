"""How clusters that are delivered by Git stand: one line for each first, then what there is to say of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from iamrbac.gitops.deliverer import Said
from iamrbac.plan.observed import Observed
from iamrbac.plan.planner import display_key
from iamrbac.render.plan import Paint
from iamrbac.usecases.deliveries import Landed, PolicyRevision
from iamrbac.usecases.status import ClusterStatus, DeliveredPolicy, Otherwise, Status, Sync

WORDS: Final = {
    Sync.IN_SYNC: ("in sync", "good"),
    Sync.OUT_OF_SYNC: ("out of sync", "change"),
    Sync.NOT_DELIVERED: ("not delivered", "change"),
    Sync.UNKNOWN: ("unknown", "error"),
    Sync.DIRECT: ("direct", "dim"),
}
_MOST_SHOWN: Final = 20
_SHORT: Final = 12


def status_text(status: Status, paint: Paint) -> str:
    """Return the whole answer as text, ending with one line of numbers (an interface: scripts read it)."""
    width = max((len(one.name) for one in status.clusters), default=0)
    blocks = [
        [f"policy  {_revision(status.revision)}"],
        [_line(one, width, paint) for one in status.clusters],
        *(_details(one, paint) for one in status.clusters),
        [summary_line(status)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def summary_line(status: Status) -> str:
    """Return the last line."""
    counts = Counter(one.sync for one in status.clusters)
    parts = [f"{counts[sync]} {word}" for sync, (word, _) in WORDS.items() if counts[sync]]
    return f"Status: {', '.join(parts)}."


def status_json(status: Status) -> dict[str, Any]:
    """Return the answer of `-o json`."""
    counts = Counter(one.sync for one in status.clusters)
    return {
        "formatVersion": 1,
        "instance": status.instance,
        "policy": {"commit": status.revision.commit, "uncommittedChanges": status.revision.changed},
        "clusters": [_cluster_json(one) for one in status.clusters],
        "summary": {sync.value: counts[sync] for sync in Sync},
        "exitCode": status.exit_code(),
    }


def _revision(revision: PolicyRevision) -> str:
    if revision.commit is None:
        return "in no Git repository"
    return revision.commit[:_SHORT] + (", with changes that are not committed" if revision.changed else "")


def _line(one: ClusterStatus, width: int, paint: Paint) -> str:
    word, style = WORDS[one.sync]
    return f"{one.name:<{width}}  {paint(f'{word:<13}', style)}  {_short(one)}"


def _short(one: ClusterStatus) -> str:
    branch = one.delivery.branch if one.delivery is not None else ""
    tip = f"{branch} ({one.tip[:_SHORT]})" if one.tip else branch
    match one.sync:
        case Sync.DIRECT:
            return "written directly, not by Git: `iamrbac plan` compares it"
        case Sync.UNKNOWN:
            return f"[{one.code}] {one.reason}" + (f". Next: {one.hint}" if one.hint else "")
        case Sync.NOT_DELIVERED:
            return f"{tip} has nothing of ours for it. Next: `iamrbac apply`, or merge what it proposed"
        case Sync.IN_SYNC:
            return f"{_count(one.objects)} as {tip} says"
    return f"{tip}: {', '.join(one.gap.words())}"


def _details(one: ClusterStatus, paint: Paint) -> list[str]:
    lines: list[str] = []
    if one.delivered is not None:
        lines.append(f"  delivered  {_landed(one.delivered)}")
    if one.policy is not None:
        lines.append(f"  policy     {_policy(one.policy)}")
    lines += [
        f"  {'Argo CD' if said.about.kind == 'Application' else 'Flux':<9}  {_said(said)}" for said in one.deliverer
    ]
    lines += _some(f"  {paint('+', 'good')} {_name(item)}: not there yet" for item in one.gap.missing)
    lines += _some(f"  {paint('~', 'change')} {_otherwise(item)}" for item in one.otherwise)
    lines += _some(f"  {paint('-', 'error')} {_name(item)}: still there" for item in one.gap.left)
    return [paint(one.name, "bold"), *lines] if lines else []


def _landed(landed: Landed) -> str:
    return f"{landed.commit[:_SHORT]}  {_time(landed.at)} by {_clean(landed.author)}: {_clean(landed.subject)}"


def _policy(policy: DeliveredPolicy) -> str:
    said = _clean(policy.said)
    commit, _, more = said.partition(" ")
    if not said:
        return "the commit does not say of which policy it is: somebody made it by hand"
    shown = f"{commit[:_SHORT]} {more}".strip()
    if policy.newer is None:
        return f"{shown}: " + ("not a state of the history" if more else "not in the history here")
    if policy.newer == 0:
        return f"{shown}: the same as here"
    many = f"{policy.newer} commit{'' if policy.newer == 1 else 's'}"
    return f"{shown}: {many} older than here; `iamrbac plan` says whether anything is to be delivered"


def _said(said: Said) -> str:
    name = f"{said.about.kind} {said.about.namespace}/{said.about.name}"
    if said.unread:
        return f"{name}: not readable here ({_clean(said.unread)})"
    at = f" at {_clean(said.revision)[:_SHORT]}" if said.revision else ""
    tried = f", tried {_clean(said.attempted)[:_SHORT]}" if said.attempted else ""
    health = f", {_clean(said.health)}" if said.health else ""
    told = f"; {_clean(said.message)}" if said.message else ""
    return f"{name}: {_clean(said.state)}{at}{tried}{health}{told}"


def _otherwise(one: Otherwise) -> str:
    text = f"{_name(one.live)}: otherwise in {', '.join(one.parts)}"
    if one.by is not None:
        text += f"; field manager {_clean(one.by.name)}" + (f", {_clean(one.by.at)}" if one.by.at else "")
    return text + (f"; who changed it is not known ({_clean(one.unread)})" if one.unread else "")


def _some(lines: Iterable[str]) -> list[str]:
    every = list(lines)
    more = len(every) - _MOST_SHOWN
    return every if more <= 0 else [*every[:_MOST_SHOWN], f"    and {more} more (-o json has all)"]


def _name(item: Observed) -> str:
    return f"{item.key.kind} {display_key(item.key).partition('/')[2]}"


def _count(number: int) -> str:
    return f"{number} object{'' if number == 1 else 's'}"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _clean(text: str) -> str:
    """What others wrote, in one line without what a terminal obeys."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _cluster_json(one: ClusterStatus) -> dict[str, Any]:
    delivery = one.delivery
    return {
        "name": one.name,
        "sync": one.sync.value,
        "error": {"code": one.code, "message": one.reason, "hint": one.hint} if one.code else None,
        "delivery": None
        if delivery is None
        else {
            "repository": delivery.repository,
            "branch": delivery.branch,
            "path": delivery.path,
            "commit": one.tip,
        },
        "delivered": _landed_json(one.delivered, one.policy),
        "objects": one.objects,
        "missing": [_key_json(item) for item in one.gap.missing],
        "otherwise": [_otherwise_json(item) for item in one.otherwise],
        "left": [_key_json(item) for item in one.gap.left],
        "deliverer": [_said_json(said) for said in one.deliverer],
    }


def _landed_json(landed: Landed | None, policy: DeliveredPolicy | None) -> dict[str, Any] | None:
    if landed is None or policy is None:
        return None
    standing = "unknown" if policy.newer is None else "same" if policy.newer == 0 else "older"
    return {
        "commit": landed.commit,
        "author": landed.author,
        "at": _time(landed.at),
        "subject": landed.subject,
        "planFingerprint": landed.trailer("Plan-Fingerprint"),
        "rolledBackTo": landed.trailer("Rolled-Back-To"),
        "policy": {"commit": policy.said or None, "standing": standing, "newer": policy.newer},
    }


def _key_json(item: Observed) -> dict[str, Any]:
    return {"kind": item.key.kind, "namespace": item.key.namespace or None, "name": item.key.name}


def _otherwise_json(one: Otherwise) -> dict[str, Any]:
    by = {"fieldManager": one.by.name, "at": one.by.at or None} if one.by is not None else None
    return {**_key_json(one.live), "parts": list(one.parts), "by": by, "notKnown": one.unread or None}


def _said_json(said: Said) -> dict[str, Any]:
    return {
        "kind": said.about.kind,
        "namespace": said.about.namespace,
        "name": said.about.name,
        "readable": not said.unread,
        "state": said.state or None,
        "revision": said.revision or None,
        "attempted": said.attempted or None,
        "health": said.health or None,
        "message": said.unread or said.message or None,
    }
