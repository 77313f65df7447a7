"""Audit events in what they are kept in: alone, as an EventList, or as CloudWatch Logs hands them on.

Sources: Kubernetes' audit.k8s.io/v1; "Log group-level subscription filters" and FilterLogEvents (CloudWatch Logs).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

GROUP: Final = "audit.k8s.io/"
_LISTS: Final = ("items", "events", "logEvents")
"""Of an EventList, of `aws logs filter-log-events`, and of a subscription's record."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that cannot be read, and why."""

    reason: str
    lost: bool = False
    """What comes after it cannot be read, either."""


@dataclass(frozen=True, slots=True)
class Other:
    """Something whole that is no audit event: a log group of EKS has more than audit logs in it."""


Event: TypeAlias = dict[str, Any]
OTHER: Final = Other()


def is_event(value: object) -> bool:
    """Return whether a value is an audit event; Kubernetes' other events are called Event, too."""
    if type(value) is not dict or value.get("kind") != "Event":
        return False
    version = value.get("apiVersion")
    return isinstance(version, str) and version.startswith(GROUP)


def events_in(value: object) -> Iterator[Event | Broken | Other]:
    """Yield the audit events of one JSON value, however deep CloudWatch put them."""
    if isinstance(value, Broken | Other) or (is_event(value) and isinstance(value, dict)):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _inner(one)
    elif not isinstance(value, dict):
        yield Broken("it is JSON, but no object")
    elif isinstance(value.get("message"), str):
        yield from message_in(value["message"])
    else:
        found = next((value[name] for name in _LISTS if isinstance(value.get(name), list)), None)
        for one in (OTHER,) if found is None else found:
            yield from _inner(one)


def message_in(text: str) -> Iterator[Event | Broken | Other]:
    """Yield the audit event that a message of CloudWatch Logs is; other components' messages are text."""
    if not text.lstrip().startswith("{"):
        yield OTHER
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        yield Broken("the message is no JSON")
        return
    yield value if is_event(value) else OTHER


def _inner(value: object) -> Iterator[Event | Broken | Other]:
    """An element of a list: an event, or a message; lists are not in lists."""
    if isinstance(value, dict) and isinstance(value.get("message"), str):
        yield from message_in(value["message"])
    elif is_event(value) and isinstance(value, dict):
        yield value
    else:
        yield value if isinstance(value, Broken | Other) else OTHER
