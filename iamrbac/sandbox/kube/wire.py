"""HTTP/1.1 over TLS on loopback: kept-alive connections, one thread each, no log."""

from __future__ import annotations

import json
import logging
import select
import socket
import ssl
import sys
import threading
import time
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from iamrbac.sandbox.kube.request import Call, parse
from iamrbac.sandbox.kube.response import Response, error_response, json_response
from iamrbac.sandbox.kube.status import StatusError, bad_request, too_large

MAX_BODY: Final = 3 * 1024 * 1024
_DRAINED: Final = 16 * MAX_BODY
_PIECE: Final = 64 * 1024
_IDLE: Final = 120.0
"""Seconds after which a connection that says nothing is closed."""
_METHODS: Final = frozenset(f"do_{name}" for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_PATIENCE: Final = 5.0
"""Seconds that `close` waits for answers that are under way, and again for the threads of those it cuts."""
_LOG = logging.getLogger(__name__)

Handle = Callable[[Call], Response]


class Server(ThreadingHTTPServer):
    """Serves one cluster on a free port of 127.0.0.1."""

    # A process that forgot to stop a cluster must still end; `close` waits for the threads itself.
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handle: Handle, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.handle = handle
        self._context = context
        self._open: set[socket.socket] = set()
        self._workers: set[threading.Thread] = set()
        self._guard = threading.Lock()
        self.closing = False

    @property
    def port(self) -> int:
        """The port that was free."""
        return int(self.server_address[1])

    def get_request(self) -> tuple[ssl.SSLSocket, Any]:
        """Accept; the handshake is done in the connection's own thread, so that a slow client stops nobody."""
        plain, address = super().get_request()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(_IDLE)
        secure = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        with self._guard:
            self._open.add(secure)
        return secure, address

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection until it ends."""
        worker = threading.current_thread()
        with self._guard:
            self._workers.add(worker)
        super().process_request_thread(request, client_address)
        with self._guard:
            self._workers.discard(worker)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection whose work is done."""
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log instead of print: a client that went away is no news, and a bug of ours was answered with 500.

        Only where it happened is logged: the message of an error may hold a token.
        """
        kind, _, trace = sys.exc_info()
        where = "".join(traceback.format_tb(trace))
        _LOG.debug("%s from %s ended with %s\n%s", request, client_address, kind, where)

    def close(self) -> None:
        """Stop accepting, let answers that are under way end, end all connections and wait for their threads."""
        self.shutdown()
        self.closing = True
        self._shut_all(socket.SHUT_RD)
        with self._guard:
            workers = tuple(self._workers)
        deadline = time.monotonic() + _PATIENCE
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))
        # Whoever still does not read what it is sent.
        self._shut_all(socket.SHUT_RDWR)
        for worker in workers:
            worker.join(_PATIENCE)
        self.server_close()

    def _shut_all(self, how: int) -> None:
        with self._guard:
            for connection in self._open:
                _shut(connection, how)


def _shut(connection: socket.socket, how: int) -> None:
    try:
        # Not SSLSocket's own: it forgets that there is TLS, and what is still written would go in the clear.
        socket.socket.shutdown(connection, how)
    except OSError:
        _LOG.debug("the connection was already closed")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    connection: ssl.SSLSocket
    # One write per answer where it fits: no small packets.
    wbufsize = _PIECE

    def setup(self) -> None:
        self.request.do_handshake()
        super().setup()

    def _serve(self) -> None:
        answered = False
        try:
            answered = self._answer(self._respond())
        finally:
            if not answered:
                self.close_connection = True

    def _respond(self) -> Response:
        response: Response | None = None
        try:
            response = self.server.handle(self._call())
        except StatusError as error:
            response = error_response(error)
        finally:
            if response is None:
                # A bug of ours: the client gets a Status, the log the traceback.
                self._answer(json_response(_INTERNAL, 500))
        return response

    def _call(self) -> Call:
        headers = {name.lower(): value for name, value in self.headers.items()}
        impersonate = tuple(
            (name.lower(), value) for name, value in self.headers.items() if name.lower().startswith("impersonate-")
        )
        return parse(self.command, self.path, headers, impersonate, self._body())

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit():
            self.close_connection = True
            raise bad_request("the Content-Length is not a number")
        if int(length) > MAX_BODY:
            self.close_connection = True
            self._drain(int(length))
            raise too_large(MAX_BODY)
        return self.rfile.read(int(length))

    def _drain(self, length: int) -> None:
        """Read a body that is too long, within reason: a client that still sends would not hear the answer."""
        left = min(length, _DRAINED)
        while left > 0 and (piece := self.rfile.read(min(left, _PIECE))):
            left -= len(piece)

    def _chunks(self) -> bytes:
        body = b""
        while size := self._chunk_size():
            if len(body) + size > MAX_BODY:
                self.close_connection = True
                raise too_large(MAX_BODY)
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers say nothing to us
        return body

    def _chunk_size(self) -> int:
        try:
            return int(self.rfile.readline(64).partition(b";")[0], 16)
        except ValueError:
            self.close_connection = True
            raise bad_request("malformed chunk") from None

    def _answer(self, response: Response) -> bool:
        self.send_response(response.code)
        self.send_header("Content-Type", response.media_type)
        self.send_header("Cache-Control", "no-cache, private")
        for warning in response.warnings:
            self.send_header("Warning", f"299 - {json.dumps(warning)}")
        if response.stream is not None:
            self._stream(response.stream)
            return True
        self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()
        return True

    def _stream(self, pieces: Any) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        for piece in pieces:
            if piece:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                continue
            self.wfile.flush()
            if not self.server.closing and select.select([self.connection], [], [], 0)[0]:
                # Nothing is due from the client while it watches: it has gone.
                self.close_connection = True
                return
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: stdout and stderr are the sandbox's."""

    def version_string(self) -> str:
        return "iamrbac-sandbox"

    def __getattr__(self, name: str) -> Callable[[], None]:
        # http.server looks for do_GET and its like.
        if name in _METHODS:
            return self._serve
        raise AttributeError(name)


_INTERNAL: Final = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "Internal error occurred in the sandbox's Kubernetes API",
    "reason": "InternalError",
    "code": 500,
}
