"""/healthz, /readyz and /metrics over HTTP: read only, nothing else is there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST

from iamrbac.model.errors import UsageError

_SECONDS: Final = 10.0
"""That a client may take to ask."""


class Health:
    """Whether we live (the loop goes round) and are ready (a round was made, or another leads)."""

    def __init__(self, monotonic: Callable[[], float], limit: float) -> None:
        """Take the clock, and the seconds without a sign of the loop after which it is said not to live."""
        self._monotonic = monotonic
        self._limit = limit
        self._beat = monotonic()
        self.ready: Callable[[], bool] = lambda: False

    def beat(self) -> None:
        """The loop goes round."""
        self._beat = self._monotonic()

    def alive(self) -> bool:
        """Say whether the loop gave a sign lately."""
        return self._monotonic() - self._beat < self._limit


class Server:
    """Serves in threads of its own until it is closed."""

    def __init__(self, listen: str, health: Health, metrics: Callable[[], bytes]) -> None:
        """Listen on HOST:PORT (0: any port). Raises UsageError where that cannot be."""
        host, _, port = listen.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not port.isdigit() or int(port) > 65535:
            raise UsageError(f"--listen {listen} is no HOST:PORT", hint="write e.g. 0.0.0.0:8080, or '' for nowhere")
        kind = type("_Server", (ThreadingHTTPServer,), {"address_family": AF_INET6} if ":" in host else {})
        try:
            self._server: ThreadingHTTPServer = kind((host, int(port)), _handler(health, metrics))
        except OSError as error:
            why = error.strerror or str(error)
            raise UsageError(f"--listen {listen}: {why}", hint="name another port, or end what uses it") from error
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="http", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _handler(health: Health, metrics: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    def answer(path: str) -> tuple[int, str, bytes]:
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, metrics()
        if path == "/healthz":
            return (200, "text/plain", b"ok\n") if health.alive() else (503, "text/plain", b"no round ends\n")
        if path == "/readyz":
            return (200, "text/plain", b"ok\n") if health.ready() else (503, "text/plain", b"no round was made yet\n")
        return 404, "text/plain", b"/healthz, /readyz and /metrics are here\n"

    class Handler(BaseHTTPRequestHandler):
        timeout = _SECONDS
        server_version = "iamrbac"
        sys_version = ""

        def do_GET(self) -> None:
            code, kind, body = answer(self.path.partition("?")[0])
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815  the name that http.server looks for

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing of who asked."""

    return Handler
