"""A plain HTTP client on a Kubernetes API: the tests say exactly what goes over the wire."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

_PATIENCE_SECONDS = 60.0
_Value = TypeVar("_Value")
RBAC = "/apis/rbac.authorization.k8s.io/v1"
APPS = "/apis/apps/v1"
JSON = "application/json"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True)
class Answer:
    """What the API said."""

    code: int
    headers: http.client.HTTPMessage
    raw: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.raw)

    @property
    def lines(self) -> list[Any]:
        """The body of a watch."""
        return [json.loads(line) for line in self.raw.splitlines()]

    @property
    def refusal(self) -> tuple[int, str, str]:
        """Code, reason and message of a Status."""
        status = self.json
        assert status["kind"] == "Status", status
        assert status["status"] == "Failure", status
        assert status["code"] == self.code, status
        return self.code, status.get("reason", ""), status["message"]


class Client:
    """One kept-alive connection with one bearer token ("" sends none).

    `patient` is for a real API server, which judges by what its caches have seen, and has controllers work behind it:
    for what they do it gets some seconds. The embedded API must be right at once.
    """

    def __init__(self, url: str, ca_pem: str, token: str, *, patient: bool = False) -> None:
        self.url = url
        self.patient = patient
        self.ca_pem = ca_pem
        self.token = token
        parts = urlsplit(url)
        assert parts.hostname is not None
        context = ssl.create_default_context(cadata=ca_pem)
        self.connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=context, timeout=30)

    def ask(self, method: str, path: str, body: object = None, media: str = JSON, **query: object) -> Answer:
        """Send a request; a body that is no bytes goes as JSON. `continue_=` stands for the parameter continue."""
        return self.send(method, path, body, {"Content-Type": media}, **query)

    def send(
        self,
        method: str,
        path: str,
        body: object,
        headers: Mapping[str, str] | Sequence[tuple[str, str]],
        **query: object,
    ) -> Answer:
        """Send a request with these headers, which as pairs may repeat."""
        sent = [("User-Agent", "tests/1.0"), *([("Authorization", f"Bearer {self.token}")] if self.token else [])]
        sent += headers.items() if isinstance(headers, Mapping) else headers
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            sent.append(("Content-Length", str(len(data))))
        parameters = {name.rstrip("_"): str(value) for name, value in query.items()}
        url = f"{path}?{urlencode(parameters)}" if parameters else path
        kept = self.connection.sock is not None
        try:
            return self._exchange(method, url, sent, data)
        except (ssl.SSLEOFError, http.client.RemoteDisconnected, ConnectionError):
            # A server closes a connection that was idle for long, as tests on a busy machine let it be.
            self.connection.close()
            if not kept:
                raise
            return self._exchange(method, url, sent, data)

    def _exchange(self, method: str, url: str, headers: Iterable[tuple[str, str]], data: bytes | None) -> Answer:
        self.connection.putrequest(method, url)
        for name, value in headers:
            self.connection.putheader(name, value)
        self.connection.endheaders(data)
        response = self.connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def get(self, path: str, **query: object) -> Answer:
        """GET."""
        return self.ask("GET", path, None, JSON, **query)

    def post(self, path: str, body: object, **query: object) -> Answer:
        """POST."""
        return self.ask("POST", path, body, JSON, **query)

    def put(self, path: str, body: object, **query: object) -> Answer:
        """PUT."""
        return self.ask("PUT", path, body, JSON, **query)

    def patch(self, path: str, body: object, media: str = MERGE, **query: object) -> Answer:
        """PATCH."""
        return self.ask("PATCH", path, body, media, **query)

    def apply(self, path: str, body: object, manager: str = "tester", **query: object) -> Answer:
        """Server-side apply."""
        return self.ask("PATCH", path, body, APPLY, fieldManager=manager, **query)

    def delete(self, path: str, body: object = None, **query: object) -> Answer:
        """DELETE."""
        return self.ask("DELETE", path, body, JSON, **query)

    def settled(self, ask: Callable[[], _Value], expected: _Value) -> _Value:
        """Ask until the answer is the expected one, as long as patience lasts, and return the last answer."""
        deadline = time.monotonic() + (_PATIENCE_SECONDS if self.patient else 0.0)
        while (answer := ask()) != expected and time.monotonic() < deadline:
            time.sleep(0.02)
        return answer

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
