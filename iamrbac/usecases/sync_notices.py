"""Kubernetes Events about what `sync` did not do: on the cluster that it is about, or beside the Lease of the leader.

An event of one text is made once an hour, whatever the interval is (Kubernetes keeps events for an hour).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Literal

from iamrbac.model.errors import IamrbacError
from iamrbac.usecases.home import ConfigMap, Notice
from iamrbac.usecases.leader import NAME
from iamrbac.usecases.parent import parent_name
from iamrbac.usecases.ports import Kube
from iamrbac.usecases.sync_report import ClusterRound, Result, Round, Trouble

REASONS: Final = {
    Result.PAUSED: "SyncPaused",
    Result.HELD: "SyncHeld",
    Result.PARTLY: "SyncPartly",
    Result.FAILED: "SyncFailed",
}


def about_cluster(one: ClusterRound, made: Round, host: str) -> Notice | None:
    """Return the event about a cluster, beside the ApplySet's parent there; None where there is nothing to tell."""
    if one.result not in REASONS or one.target is None:
        return None
    return _notice(parent_name(made.instance), "ConfigMap", REASONS[one.result], _words(one.troubles), made, host)


def about_round(made: Round, host: str) -> Notice | None:
    """Return the event about what no cluster can be told, beside the leader's Lease; None where there is nothing."""
    untold = [one for one in made.every if one.result in REASONS and one.target is None]
    result = made.result if made.result in REASONS else next((one.result for one in untold), None)
    if result is None:
        return None
    text = _words(made.troubles) or "; ".join(f"{one.name}: {_words(one.troubles)}" for one in untold)
    return _notice(NAME, "Lease", REASONS[result], text, made, host)


def post(kube: Kube, namespace: str, notice: Notice | None, note: Callable[[str], None]) -> None:
    """Post an event; that it could not be posted is said, and no more."""
    if notice is None:
        return
    try:
        kube.notify(namespace, notice)
    except IamrbacError as error:
        note(f"no event tells of it: {error}")


def _notice(about: str, kind: Literal["ConfigMap", "Lease"], reason: str, text: str, made: Round, host: str) -> Notice:
    at = made.at.astimezone(UTC)
    mark = hashlib.sha256(f"{reason}\0{text}\0{at:%Y%m%d%H}".encode()).hexdigest()[:16]
    return Notice(f"{about}.{mark}", ConfigMap(about), reason, "Warning", text, _utc(at), host, kind)


def _words(troubles: tuple[Trouble, ...]) -> str:
    return "; ".join(f"[{one.id}] {one.message}" + (f". Next: {one.hint}" if one.hint else "") for one in troubles)


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
