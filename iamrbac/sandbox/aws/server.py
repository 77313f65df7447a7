"""AWS on a free port of loopback, in this process."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from iamrbac.sandbox.aws.front import FrontDoor

LOOPBACK = "127.0.0.1"
POLL = 0.05
"""Seconds between two looks whether to stop."""
PATIENCE = 2.0


class _Handler(WSGIRequestHandler):
    """Answers at once (Nagle's wait costs 40 ms a call) and logs nothing."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:
        """Keep quiet."""


class _Server(ThreadedWSGIServer):
    """Knows the connections that are open, so that stopping ends them."""

    def __init__(self, app: FrontDoor) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(LOOPBACK, 0, app, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close and forget the connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self, patience: float) -> None:
        """Close what clients still hold open, and wait (at most `patience` seconds) until their threads are done."""
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + patience
        while self._open and time.monotonic() < deadline:
            time.sleep(0.005)


class AwsServer:
    """Start and stop AWS. `front` is the application that answers."""

    def __init__(self) -> None:
        self.front = FrontDoor()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """Where it listens on loopback. Only after `start`."""
        if self._server is None:
            raise RuntimeError("AWS is not started")
        return int(self._server.server_port)

    @property
    def url(self) -> str:
        """http://127.0.0.1:PORT. Only after `start`."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Listen on a free port."""
        self._server = _Server(self.front)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL,), name="aws", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and close all connections."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._server.close_connections(PATIENCE)
        self._server.server_close()
        self._thread.join()
        self._server = None
