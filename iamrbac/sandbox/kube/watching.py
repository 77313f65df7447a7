"""Watches: the events after a version, as they come, until the client's time is over."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Final

from iamrbac.sandbox.kube.kinds import Kind
from iamrbac.sandbox.kube.listing import is_version, not_a_version
from iamrbac.sandbox.kube.request import Call
from iamrbac.sandbox.kube.selectors import Query
from iamrbac.sandbox.kube.status import StatusError, expired, forbidden_value, invalid, plain_failure
from iamrbac.sandbox.kube.store import Event, EventType, Store, Stored

_DEFAULT: Final = 1800
"""Seconds that a watch lasts where the client does not say."""
_BEAT: Final = 1.0
"""Seconds between looks at whether the client is still there."""


def watch(store: Store, kind: Kind, query: Query, call: Call) -> Iterator[bytes]:
    """Lines of JSON, one event each; b"" now and then, so that whoever sends them meets a closed connection.

    Raises StatusError before the first line when the request is not allowed.
    """
    if "sendInitialEvents" in call.query:
        why = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
        raise invalid("meta.k8s.io", "ListOptions", "", [forbidden_value("sendInitialEvents", why)])
    asked = call.query.get("resourceVersion", "")
    if asked and not is_version(asked):
        raise plain_failure(f"resourceVersion: {not_a_version(asked)}")
    after = int(asked or 0)
    now, view = store.view(kind)
    seconds = call.number("timeoutSeconds") or _DEFAULT
    initial = [stored for stored in view if query.matches(stored)] if after == 0 else []
    return _stream(store, kind, query, initial, after or now, time.monotonic() + seconds)


def _stream(
    store: Store, kind: Kind, query: Query, initial: list[Stored], after: int, deadline: float
) -> Iterator[bytes]:
    for stored in initial:
        yield _line("ADDED", stored)
    while (left := deadline - time.monotonic()) > 0:
        events = store.events_after(after, min(left, _BEAT))
        if events is None:
            if not store.closed:
                yield _error(expired(f"too old resource version: {after}"))
            return
        for event in events:
            after = event.stored.version
            shown = _seen(event, query) if event.stored.kind == kind else None
            if shown is not None:
                yield _line(shown, event.stored)
        yield b""


def _seen(event: Event, query: Query) -> EventType | None:
    """What an event is to somebody who sees only what the query matches."""
    now = event.type != "DELETED" and query.matches(event.stored)
    before = event.previous is not None and query.matches(event.previous)
    if now:
        return "MODIFIED" if before else "ADDED"
    return "DELETED" if before else None


def _line(event: EventType, stored: Stored) -> bytes:
    head = json.dumps({"kind": stored.kind.kind, "apiVersion": stored.kind.api_version})[:-1]
    return b'{"type":"%s","object":%s,%s}\n' % (event.encode(), head.encode(), stored.json[1:])


def _error(error: StatusError) -> bytes:
    return json.dumps({"type": "ERROR", "object": error.body()}).encode() + b"\n"
