"""A reverse proxy on loopback in which tests stand: they see each request, and say what becomes of it."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self, TypeAlias
from urllib.parse import urlsplit

import trustme

_UPSTREAM_SECONDS = 60.0
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "proxy-connection"})


@dataclass(frozen=True)
class Asked:
    """A request on its way to a server."""

    server: str
    """A cluster's name, or `aws`."""
    method: str
    path: str
    """With the query."""
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Said:
    """An answer on its way back."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0
    """Bytes that are promised beside the body, and never come."""
    afterwards: Callable[[], None] | None = None
    """Called when the caller has the whole answer."""


Forward: TypeAlias = Callable[[Asked], Said]
"""Ask the server itself."""
Middle: TypeAlias = Callable[[Asked, Forward], Said | None]
"""What becomes of a request; None: the connection is closed without an answer."""


def let_through(asked: Asked, forward: Forward) -> Said | None:
    return forward(asked)


class Proxy:
    """Stands before one server; with `authority` it speaks TLS. `middle` may be changed at any time."""

    def __init__(self, name: str, upstream: str, ca_pem: str = "", authority: trustme.CA | None = None) -> None:
        self.middle: Middle = let_through
        self._name = name
        self._upstream = urlsplit(upstream)
        self._context = ssl.create_default_context(cadata=ca_pem) if ca_pem else None
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        if authority is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1").configure_cert(context)
            # The handshake is each connection's own thread's affair.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "http" if authority is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name=name, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def connect(self) -> http.client.HTTPConnection:
        """Open a connection to the server itself."""
        host, port = str(self._upstream.hostname), self._upstream.port
        if self._context is None:
            return http.client.HTTPConnection(host, port, timeout=_UPSTREAM_SECONDS)
        return http.client.HTTPSConnection(host, port, timeout=_UPSTREAM_SECONDS, context=self._context)

    def answer(self, handler: BaseHTTPRequestHandler, connection: http.client.HTTPConnection) -> None:
        """Answer one request of a caller's connection."""
        length = int(handler.headers.get("Content-Length") or 0)
        asked = Asked(
            self._name, handler.command, handler.path, dict(handler.headers.items()), handler.rfile.read(length)
        )
        try:
            said = self.middle(asked, lambda sent: _forward(connection, sent))
        except (OSError, http.client.HTTPException):
            said = None
        if said is None:
            handler.close_connection = True
            return
        _send(handler, said)
        if said.afterwards is not None:
            said.afterwards()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that hangs up is part of the test."""


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def setup(self) -> None:
            super().setup()
            self.upstream = proxy.connect()

        def finish(self) -> None:
            self.upstream.close()
            super().finish()

        def do_GET(self) -> None:
            proxy.answer(self, self.upstream)

        def do_POST(self) -> None:
            proxy.answer(self, self.upstream)

        def do_PUT(self) -> None:
            proxy.answer(self, self.upstream)

        def do_PATCH(self) -> None:
            proxy.answer(self, self.upstream)

        def do_DELETE(self) -> None:
            proxy.answer(self, self.upstream)

        def log_message(self, format: str, *args: object) -> None:
            """Keep tests quiet."""

    return Handler


def _forward(connection: http.client.HTTPConnection, asked: Asked) -> Said:
    kept = connection.sock is not None
    try:
        return _exchange(connection, asked)
    except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLEOFError):
        # The server has closed a connection that was idle.
        connection.close()
        if not kept:
            raise
        return _exchange(connection, asked)


def _exchange(connection: http.client.HTTPConnection, asked: Asked) -> Said:
    connection.putrequest(asked.method, asked.path, skip_host=True, skip_accept_encoding=True)
    for name, value in asked.headers.items():
        if name.lower() not in _HOP:
            connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(asked.body)))
    connection.endheaders(asked.body or None)
    response = connection.getresponse()
    headers = {name: value for name, value in response.headers.items() if name.lower() not in _HOP}
    return Said(response.status, response.read(), headers)


def _send(handler: BaseHTTPRequestHandler, said: Said) -> None:
    handler.send_response_only(said.status)
    for name, value in said.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(said.body) + said.missing))
    handler.end_headers()
    handler.wfile.write(said.body)
    handler.wfile.flush()
    if said.missing:
        handler.close_connection = True
