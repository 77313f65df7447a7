"""What drifted: one line for each cluster first, then each object, who changed it, and what the next apply does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from iamrbac.backup.drifted import Drift, Drifted, Next, lost_mark
from iamrbac.compile.names import INSTANCE_LABEL
from iamrbac.plan.planner import display_key
from iamrbac.render.plain import printable
from iamrbac.render.plan import Paint
from iamrbac.usecases.drift import MOST_ASKED, ClusterDrift, DriftReport, Standing, Told, Witness

WORDS: Final[Mapping[Standing, tuple[str, str]]] = {
    Standing.AS_APPLIED: ("as applied", "good"),
    Standing.DRIFTED: ("drifted", "change"),
    Standing.UNKNOWN: ("unknown", "error"),
    Standing.GIT: ("by Git", "dim"),
}
_SYMBOLS: Final[Mapping[Drift, tuple[str, str]]] = {
    Drift.CHANGED: ("~", "change"),
    Drift.STRIPPED: ("~", "change"),
    Drift.REMOVED: ("-", "error"),
    Drift.ADDED: ("+", "good"),
    Drift.CLAIMED: ("!", "error"),
}
_WITNESSES: Final[Mapping[Witness, str]] = {
    Witness.AUDIT_LOG: "by whom only the API server's audit log knows",
    Witness.CLOUDTRAIL: "by whom CloudTrail knows",
    Witness.NOT_ASKED: f"by whom was not asked (only of the first {MOST_ASKED})",
}
_MOST_SHOWN: Final = 50


def drift_text(report: DriftReport, paint: Paint) -> str:
    """Return the whole answer as text, ending with one line of numbers (an interface: scripts read it)."""
    width = max((len(one.name) for one in report.clusters), default=0)
    blocks = [
        [_line(one, width, paint) for one in report.clusters],
        *(_details(one, report.instance, paint) for one in report.clusters if one.told),
        [summary_line(report)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def summary_line(report: DriftReport) -> str:
    """Return the last line."""
    counts = Counter(one.standing for one in report.clusters)
    parts = [f"{counts[standing]} {word}" for standing, (word, _) in WORDS.items() if counts[standing]]
    return f"Drift: {', '.join(parts)}."


def drift_json(report: DriftReport) -> dict[str, Any]:
    """Return the answer of `-o json`."""
    counts = Counter(one.standing for one in report.clusters)
    return {
        "formatVersion": 1,
        "instance": report.instance,
        "clusters": [_cluster_json(one) for one in report.clusters],
        "summary": {standing.value: counts[standing] for standing in Standing},
        "exitCode": report.exit_code(),
    }


def _line(one: ClusterDrift, width: int, paint: Paint) -> str:
    word, style = WORDS[one.standing]
    return f"{one.name:<{width}}  {paint(f'{word:<10}', style)}  {_short(one)}"


def _short(one: ClusterDrift) -> str:
    match one.standing:
        case Standing.GIT:
            return "delivered by Git: `iamrbac status` compares it"
        case Standing.UNKNOWN:
            return f"[{one.code}] {one.reason}" + (f". Next: {one.hint}" if one.hint else "")
        case Standing.AS_APPLIED:
            return f"{_count(one.objects)} as the apply of {printable(one.at)} left them"
    return f"{_count(len(one.told))} not as the apply of {printable(one.at)} (run {printable(one.run)}) left them"


def _details(one: ClusterDrift, instance: str, paint: Paint) -> list[str]:
    lines = [paint(one.name, "bold")]
    for told in one.told[:_MOST_SHOWN]:
        symbol, style = _SYMBOLS[told.drifted.drift]
        lines.append(f"  {paint(symbol, style)} {_name(told.drifted)}: {_what(told.drifted)}, {_who(told)}")
        lines.append(f"      next apply: {_then(told.drifted, instance)}")
    more = len(one.told) - _MOST_SHOWN
    return lines if more <= 0 else [*lines, f"    and {more} more (-o json has all)"]


def _what(one: Drifted) -> str:
    match one.drift:
        case Drift.CHANGED:
            return f"changed in {_parts(one)}"
        case Drift.STRIPPED:
            return f"lost {_parts(one)}"
        case Drift.REMOVED:
            return "removed"
        case Drift.ADDED:
            return "added with our mark; we never applied it"
        case Drift.CLAIMED:
            return f"marked as its own by {printable(one.owner)}"


def _parts(one: Drifted) -> str:
    """Return what differs, by the names that people know."""
    word = {"AccessEntry": "tag", "AwsAuthRow": "the annotation for"}.get(one.key.kind, "label")
    named = [part.removeprefix("labels.") if part.startswith("labels.") else "" for part in one.parts]
    return ", ".join(f"{word} {label}" if label else part for label, part in zip(named, one.parts, strict=True))


def _who(told: Told) -> str:
    if told.by is not None:
        at = f", {printable(told.by.at)}" if told.by.at else ""
        many = "the map was last written " if told.drifted.key.kind == "AwsAuthRow" else ""
        return f"{many}by field manager {printable(told.by.name)}{at}"
    if told.unread:
        return f"by whom is not known ({printable(told.unread)})"
    if told.witness is None:
        return "by whom is not known"
    at = f" (changed {told.modified})" if told.modified else ""
    return _WITNESSES[told.witness] + at


def _then(one: Drifted, instance: str) -> str:
    match one.then:
        case Next.PUT_BACK:
            return "makes it again" if one.drift is Drift.REMOVED else "puts it back"
        case Next.REMOVE:
            return "removes it"
    if one.owner:
        return f"refuses, since {printable(one.owner)} keeps it"
    return f"refuses, since it is not known as ours any more; {_mark_again(one, instance)}"


def _mark_again(one: Drifted, instance: str) -> str:
    """Return how to make it ours again."""
    key = one.key
    if key.kind not in ("AccessEntry", "AccessPolicyAssociation", "AwsAuthRow") and lost_mark(one):
        place = f"-n {key.namespace} " if key.namespace else ""
        return f"put the label back: kubectl {place}label {key.kind.lower()} {key.name} {INSTANCE_LABEL}={instance}"
    return f"look at it, then: iamrbac apply --adopt '{display_key(key)}'"


def _name(one: Drifted) -> str:
    kind, _, name = display_key(one.key).partition("/")
    return f"{kind} {printable(name)}"


def _count(number: int) -> str:
    return f"{number} object{'' if number == 1 else 's'}"


def _cluster_json(one: ClusterDrift) -> dict[str, Any]:
    known = one.standing in (Standing.AS_APPLIED, Standing.DRIFTED)
    return {
        "name": one.name,
        "standing": one.standing.value,
        "error": {"code": one.code, "message": one.reason, "hint": one.hint} if one.code else None,
        "applied": {"at": one.at, "run": one.run, "objects": one.objects} if known else None,
        "drifted": [_told_json(told) for told in one.told],
    }


def _told_json(told: Told) -> dict[str, Any]:
    one = told.drifted
    return {
        "kind": one.key.kind,
        "namespace": one.key.namespace or None,
        "name": one.key.name,
        "drift": one.drift.value,
        "parts": list(one.parts),
        "owner": one.owner or None,
        "by": {"fieldManager": told.by.name, "at": told.by.at or None} if told.by is not None else None,
        "witness": told.witness.value if told.witness is not None else None,
        "modifiedAt": told.modified or None,
        "notKnown": told.unread or None,
        "nextApply": one.then.value,
    }
