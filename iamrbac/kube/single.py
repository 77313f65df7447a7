"""One object of an API: read as it is, or written over the version that was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from iamrbac.kube.errors import is_absence, refusal
from iamrbac.kube.transport import Transport
from iamrbac.model.errors import NoNamespaceError


def item(collection: str, name: str) -> str:
    """Return the path of one object of a collection."""
    return f"{collection}/{quote(name, safe='')}"


def read(transport: Transport, doing: str, path: str) -> Any | None:
    """GET one; None when the API says that it is not there. Raises KubeError."""
    answer = transport.read(doing, path)
    if answer.status == 404 and is_absence(answer.body):
        return None
    if answer.status != 200:
        raise refusal(transport.cluster, doing, answer.status, answer.body)
    return answer.body


def write(transport: Transport, doing: str, collection: str, body: Mapping[str, Any]) -> Any:
    """PUT over the resourceVersion that the body carries, or POST one without; return it as it is now.

    Raises ConflictError or ExistsError when somebody else did so before, NoNamespaceError for a namespace that is not
    there, KubeError.
    """
    metadata = body["metadata"]
    over = bool(metadata.get("resourceVersion"))
    method, path = ("PUT", item(collection, metadata["name"])) if over else ("POST", collection)
    answer = transport.write(doing, method, path, body)
    if answer.status != 404:
        return answer.body
    if not over and is_absence(answer.body):
        raise NoNamespaceError(
            f"namespace {metadata['namespace']} is not there", where=transport.cluster, hint="create it"
        )
    raise refusal(transport.cluster, doing, 404, answer.body)
