"""One paged walk over all objects of a kind: the whole list, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iamrbac.kube.errors import refusal, unreadable
from iamrbac.kube.transport import Transport

WALKS = 3
"""How often a walk is begun when its continue token has gone stale (410) under it."""


def list_all(transport: Transport, path: str, plural: str, page: int, labels: str = "") -> list[Any]:
    """Return every item (that `labels` selects). Raises KubeError unless every page was read."""
    doing = f"list {plural}"
    for _ in range(WALKS):
        items = _walk(transport, path, doing, page, labels)
        if items is not None:
            return items
    why = f"the list changed faster than it could be read, {WALKS} times"
    raise unreadable(transport.cluster, doing, why)


def _walk(transport: Transport, path: str, doing: str, page: int, labels: str) -> list[Any] | None:
    """Return every item, or None when the API forgot the list in between (410)."""
    items: list[Any] = []
    token = ""
    while True:
        query = {"limit": str(page), **({"continue": token} if token else {})}
        query |= {"labelSelector": labels} if labels else {}
        answer = transport.read(doing, path, query)
        if answer.status == 410 and token:
            return None
        if answer.status != 200:
            raise refusal(transport.cluster, doing, answer.status, answer.body)
        items += _items(transport.cluster, doing, answer.body)
        following = answer.body.get("metadata", {}).get("continue") or ""
        if following and following == token:
            raise unreadable(transport.cluster, doing, "the API keeps naming the same next page")
        if not following:
            return items
        token = following


def _items(cluster: str, doing: str, body: object) -> list[Any]:
    """Return a page's items; a page that is none is an error, since an absent list is not an empty one."""
    if not isinstance(body, Mapping) or not str(body.get("kind", "")).endswith("List") or "items" not in body:
        raise unreadable(cluster, doing, "the answer is not a list")
    items, metadata = body["items"], body.get("metadata")
    if items is None:
        items = []
    if not isinstance(items, list) or not isinstance(metadata, Mapping):
        raise unreadable(cluster, doing, "the answer is not a list")
    return items
