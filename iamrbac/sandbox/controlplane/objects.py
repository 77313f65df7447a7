"""A cluster's objects for the sandbox's own set-up, over HTTP as an administrator."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from typing import Any, Final
from urllib.parse import quote, urlsplit

from iamrbac.sandbox.errors import SandboxError
from iamrbac.sandbox.kube.kinds import BY_KIND, Kind
from iamrbac.sandbox.kube.values import Json, metadata_of

_TIMEOUT_SECONDS: Final = 30.0
_APPLY: Final = "application/apply-patch+yaml"


class Objects:
    """What `Setup` is to the embedded API, for one that is somewhere else. Each call has a connection of its own."""

    def __init__(self, url: str, ca_pem: str, token: str) -> None:
        self._address = urlsplit(url)
        self._context = ssl.create_default_context(cadata=ca_pem)
        self._token = token

    def get(self, kind: str, namespace: str | None, name: str) -> Json | None:
        """An object, or None. Raises KeyError for a kind that the embedded API does not serve either."""
        code, answer = self._ask("GET", _path(BY_KIND[kind], namespace, name))
        if code == 404:
            return None
        return _good(code, answer)

    def list(self, kind: str, namespace: str | None = None) -> list[Json]:
        """All objects of a kind, of one namespace or (None) of all, sorted by namespace and name."""
        about = BY_KIND[kind]
        items: list[Json] = _good(*self._ask("GET", _path(about, namespace)))["items"]
        named = [{"apiVersion": about.api_version, "kind": kind, **item} for item in items]
        return sorted(named, key=lambda item: (item["metadata"].get("namespace", ""), item["metadata"]["name"]))

    def put(self, manifest: dict[str, Any]) -> Json:
        """Create or replace an object; a missing namespace is created. Raises SandboxError where it is refused."""
        kind = BY_KIND[manifest["kind"]]
        metadata = metadata_of(manifest)
        namespace = metadata.get("namespace", "default") if kind.namespaced else None
        code, answer = self._ask("POST", _path(kind, namespace), manifest)
        if code == 404 and namespace is not None:
            # The system's own namespaces too come a moment after the API is ready.
            self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
            code, answer = self._ask("POST", _path(kind, namespace), manifest)
        if code == 409 and answer.get("reason") == "AlreadyExists":
            code, answer = self._ask("PUT", _path(kind, namespace, metadata["name"]), manifest)
        return _good(code, answer)

    def apply(self, manifest: dict[str, Any], manager: str) -> Json:
        """Server-side apply, with force. Raises SandboxError where it is refused, KeyError for an unknown kind."""
        kind = BY_KIND[manifest["kind"]]
        metadata = metadata_of(manifest)
        path = _path(kind, metadata.get("namespace", "default"), metadata["name"])
        return _good(*self._ask("PATCH", f"{path}?fieldManager={manager}&force=true", manifest, _APPLY))

    def delete(self, kind: str, namespace: str | None, name: str) -> None:
        """Delete an object; one that is not there is fine."""
        code, answer = self._ask("DELETE", _path(BY_KIND[kind], namespace, name))
        if code != 404:
            _good(code, answer)

    def _ask(self, method: str, path: str, body: object = None, media: str = "application/json") -> tuple[int, Json]:
        connection = http.client.HTTPSConnection(
            str(self._address.hostname), self._address.port, context=self._context, timeout=_TIMEOUT_SECONDS
        )
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": media}
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())


def _good(code: int, answer: Json) -> Json:
    if code >= 400:
        raise SandboxError(f"the API refuses it: {answer.get('message', code)}")
    return answer


def _path(kind: Kind, namespace: str | None, name: str = "") -> str:
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    place = f"/namespaces/{quote(namespace, safe='')}" if kind.namespaced and namespace else ""
    return f"{root}{place}/{kind.plural}" + (f"/{quote(name, safe='')}" if name else "")
