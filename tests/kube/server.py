"""A small Kubernetes-like API that pages, counts and breaks on demand."""

from __future__ import annotations

import json
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trustme

from iamrbac.plan.observed import Target

Fault = Callable[[BaseHTTPRequestHandler], None]
KINDS = {
    "/api/v1/namespaces": "Namespace",
    "/apis/rbac.authorization.k8s.io/v1/roles": "Role",
    "/apis/rbac.authorization.k8s.io/v1/rolebindings": "RoleBinding",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles": "ClusterRole",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings": "ClusterRoleBinding",
}


def status(code: int, reason: str, message: str = "") -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }


class FakeApi:
    """`lists` by collection path, `objects` by item path; `faults[path]` are used up one per request."""

    def __init__(self) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = {path: [] for path in KINDS}
        self.objects: dict[str, dict[str, Any]] = {}
        self.posts: dict[str, tuple[int, dict[str, Any]]] = {}
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.tokens: list[str] = []
        self.connections: set[tuple[str, int]] = set()
        self.tokens_taken: set[str] | None = None

    def answer(self, handler: BaseHTTPRequestHandler, method: str) -> None:
        url = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        body = json.loads(handler.rfile.read(length)) if length else None
        self.requests.append((method, handler.path))
        self.connections.add(handler.client_address)
        token = (handler.headers.get("Authorization") or "").removeprefix("Bearer ")
        self.tokens.append(token)
        if body is not None:
            self.bodies.append(body)
        if self.faults[url.path]:
            self.faults[url.path].pop(0)(handler)
        elif self.tokens_taken is not None and token not in self.tokens_taken:
            send(handler, 401, status(401, "Unauthorized", "Unauthorized"))
        elif method == "GET" and url.path in self.lists:
            send(handler, 200, self.page(url.path, parse_qs(url.query)))
        elif method == "GET" and url.path in self.objects:
            send(handler, 200, self.objects[url.path])
        elif method == "PUT" and url.path in self.objects and isinstance(body, dict):
            self.objects[url.path] = body
            send(handler, 200, body)
        elif method == "POST":
            send(handler, *self.posts.get(url.path, (201, body)))
        elif method == "DELETE" and url.path in self.objects:
            del self.objects[url.path]
            send(handler, 200, {"kind": "Status", "status": "Success"})
        else:
            send(handler, 404, status(404, "NotFound", f"{url.path} not found"))

    def page(self, path: str, query: dict[str, list[str]]) -> dict[str, Any]:
        start, limit = int(query.get("continue", ["0"])[0]), int(query["limit"][0])
        items = self.lists[path]
        following = {"continue": str(start + limit)} if start + limit < len(items) else {}
        return {
            "kind": f"{KINDS[path]}List",
            "apiVersion": "v1",
            "metadata": {"resourceVersion": "7", **following},
            "items": items[start : start + limit],
        }


def send(handler: BaseHTTPRequestHandler, code: int, body: object, headers: dict[str, str] | None = None) -> None:
    text = json.dumps(body).encode()
    handler.send_response(code)
    for name, value in {
        "Content-Type": "application/json",
        "Content-Length": str(len(text)),
        **(headers or {}),
    }.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(text)


def refuse(code: int, reason: str, message: str = "", **headers: str) -> Fault:
    return lambda handler: send(handler, code, status(code, reason, message), headers)


def say(body: object) -> Fault:
    return lambda handler: send(handler, 200, body)


def reset(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.connection.close()


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    """Promise more bytes than come."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"kind": "RoleList", "items": [')
    handler.close_connection = True


def half_json(handler: BaseHTTPRequestHandler) -> None:
    """End a JSON too early, and say that this is all of it."""
    text = b'{"kind": "RoleList", "metadata": {}, "items": [{'
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(text)))
    handler.end_headers()
    handler.wfile.write(text)


def page_of_a_proxy(handler: BaseHTTPRequestHandler) -> None:
    _text(handler, b"<html>not found</html>")


def not_served(handler: BaseHTTPRequestHandler) -> None:
    """What an API server says of a group that it does not have."""
    _text(handler, b"404 page not found\n")


def _text(handler: BaseHTTPRequestHandler, text: bytes) -> None:
    handler.send_response(404)
    handler.send_header("Content-Length", str(len(text)))
    handler.end_headers()
    handler.wfile.write(text)


@contextmanager
def serving(api: FakeApi, authority: trustme.CA | None = None, name: str = "127.0.0.1") -> Iterator[Target]:
    """Serve on loopback; with `authority` by TLS, with a certificate for `name`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            api.answer(self, "GET")

        def do_POST(self) -> None:
            api.answer(self, "POST")

        def do_PUT(self) -> None:
            api.answer(self, "PUT")

        def do_DELETE(self) -> None:
            api.answer(self, "DELETE")

        def log_message(self, format: str, *args: object) -> None:
            """Keep tests quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is part of the test."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if authority is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(name).configure_cert(context)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        scheme = "http" if authority is None else "https"
        try:
            yield target(f"{scheme}://127.0.0.1:{server.server_address[1]}")
        finally:
            server.shutdown()
            thread.join()


def target(endpoint: str, certificate_authority: str = "") -> Target:
    return Target(
        "development",
        "development",
        "arn:aws:eks:eu-west-1:111122223333:cluster/development",
        "eu-west-1",
        endpoint,
        certificate_authority,
        "API",
    )
