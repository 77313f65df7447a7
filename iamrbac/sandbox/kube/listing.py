"""Lists: selection, pages over a consistent snapshot, and what happens when a page comes too late."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from iamrbac.sandbox.kube.kinds import Kind
from iamrbac.sandbox.kube.selectors import Query
from iamrbac.sandbox.kube.status import Cause, StatusError, bad_request, expired, forbidden_value, invalid
from iamrbac.sandbox.kube.store import Store, Stored

_TOO_OLD: Final = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)
_LATEST: Final = -1
"""The version of a continue token that goes on with the state as it is now."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a list request asks of paging and versions."""

    limit: int = 0
    token: str = ""
    version: str = ""
    match: str = ""


def list_body(store: Store, kind: Kind, query: Query, page: Page) -> bytes:
    """The list as JSON. Raises StatusError 400 for a bad token, 410 for one whose snapshot is gone."""
    version, items, after = _items(store, kind, page)
    start = next((i for i, item in enumerate(items) if _relative(item, query) > after), len(items)) if after else 0
    found = [item for item in items[start:] if query.matches(item)]
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    shown = found[: page.limit] if page.limit else found
    if len(shown) < len(found):
        store.keep_snapshot(kind, version, items)
        metadata["continue"] = _encode(version, _relative(shown[-1], query))
        if not query.selective:
            metadata["remainingItemCount"] = len(found) - len(shown)
    return encode_list(kind, metadata, shown)


def encode_list(kind: Kind, metadata: dict[str, Any], items: Sequence[Stored]) -> bytes:
    """A list of stored objects as JSON, from the bytes that each keeps of itself."""
    head = json.dumps({"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": metadata})
    return b"".join((head[:-1].encode(), b',"items":[', b",".join(item.json for item in items), b"]}"))


def _items(store: Store, kind: Kind, page: Page) -> tuple[int, tuple[Stored, ...], str]:
    if not page.token:
        version, view = store.view(kind)
        _check_version(page, version)
        return version, view, ""
    if page.version not in ("", "0"):
        raise bad_request("specifying resource version is not allowed when using continue")
    version, start = _decode(page.token)
    if version == _LATEST:
        return *store.view(kind), start
    snapshot = store.snapshot(kind, version)
    if snapshot is None:
        raise expired(_TOO_OLD, {"continue": _encode(_LATEST, start)})
    return version, snapshot, start


def _check_version(page: Page, now: int) -> None:
    if page.match and not page.version:
        why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise invalid("meta.k8s.io", "ListOptions", "", [forbidden_value("resourceVersionMatch", why)])
    if not page.version:
        return
    asked = parse_version(page.version)
    if asked > now:
        raise too_large_version(asked, now)
    if page.match == "Exact" and asked < now:
        raise expired("The provided resource version is too old: the sandbox keeps only the state as it is now.")


def parse_version(text: str) -> int:
    """A resourceVersion. Raises StatusError 400 when it is no number."""
    if not is_version(text):
        raise bad_request(f"invalid resource version: resourceVersion: {not_a_version(text)}")
    return int(text)


def is_version(text: str) -> bool:
    """Return whether a text is a number."""
    return text.isascii() and text.isdigit()


def not_a_version(text: str) -> str:
    """Return what is wrong with a version that is no number."""
    return f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'


def too_large_version(asked: int, now: int) -> StatusError:
    """504 for a version that is still to come."""
    message = f"Timeout: Too large resource version: {asked}, current: {now}"
    cause = Cause("ResourceVersionTooLarge", "", "Too large resource version")
    return StatusError(504, "Timeout", message, {"causes": [cause.as_json()], "retryAfterSeconds": 1})


def _relative(item: Stored, query: Query) -> str:
    return item.name if query.namespace else item.key


def _encode(version: int, start: str) -> str:
    # The real server's token starts right after the last key; ours names the last key itself.
    token = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(token.encode()).rstrip(b"=").decode()


def _decode(token: str) -> tuple[int, str]:
    try:
        value = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
    except ValueError:
        raise bad_request("continue key is not valid") from None
    match value:
        case {"v": "meta.k8s.io/v1", "rv": int(version), "start": str(start)} if version and start:
            return version, start
    raise bad_request("continue key is not valid")
