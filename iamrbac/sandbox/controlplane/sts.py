"""STS as EKS's authenticator calls it: by its real name, over TLS, through a proxy on loopback that ends at our AWS.

The authenticator takes a token's own URL and asks `https://sts.REGION…` with it. Its proxy is this: whatever host a
CONNECT names, the tunnel ends here with a certificate for that host, and the bytes go on to AWS's plain HTTP as they
are, the Host header included, which the signature covers. Nothing leaves the machine.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Coroutine
from typing import Any, Final, Self

import trustme

_LOOPBACK: Final = "127.0.0.1"
_PATIENCE_SECONDS: Final = 10.0
_PIECE: Final = 64 * 1024
_ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
_NOT_A_TUNNEL: Final = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_GONE: Final = (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError)


class StsProxy:
    """A CONNECT proxy whose tunnels all end at the AWS that listens on `port` of loopback."""

    def __init__(self, port: int) -> None:
        self._aws = port
        self._authority = trustme.CA(organization_name="iamrbac sandbox STS")
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._server: asyncio.Server | None = None

    @property
    def ca_pem(self) -> bytes:
        """The throw-away certificate authority that its clients have to trust, and nobody else should."""
        return self._authority.cert_pem.bytes()

    @property
    def url(self) -> str:
        """What HTTPS_PROXY has to say. Raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the STS proxy is not running")
        return f"http://{_LOOPBACK}:{self._server.sockets[0].getsockname()[1]}"

    def start(self) -> None:
        """Listen on a free port, and serve in the background."""
        self._thread = threading.Thread(target=self._loop.run_forever, name="sts-proxy", daemon=True)
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._serve, _LOOPBACK, 0))

    def stop(self) -> None:
        """Stop listening and end all tunnels. Does nothing when it does not run."""
        if self._thread is None:
            return
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._thread = self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_SECONDS)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        tunnels = asyncio.all_tasks() - {asyncio.current_task()}
        for tunnel in tunnels:
            tunnel.cancel()
        await asyncio.gather(*tunnels, return_exceptions=True)
        # Transports close in the loop's next round.
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except _GONE:
            # A client that goes away in the middle, or does not trust us, is no news.
            pass
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            method, _, rest = head.partition(b" ")
            if method != b"CONNECT":
                writer.write(_NOT_A_TUNNEL)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
                return
            writer.write(_ESTABLISHED)
            await writer.drain()
            host = rest.split(b" ", 1)[0].rsplit(b":", 1)[0].decode("ascii", "replace")
            await writer.start_tls(self._context(host))
        await self._tunnel(reader, writer)

    def _context(self, host: str) -> ssl.SSLContext:
        context = self._contexts.get(host)
        if context is None:
            context = self._contexts[host] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._authority.issue_cert(host).configure_cert(context)
        return context

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_aws, to_aws = await asyncio.open_connection(_LOOPBACK, self._aws)
        try:
            await asyncio.gather(_pump(reader, to_aws), _pump(from_aws, writer))
        finally:
            to_aws.transport.abort()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while piece := await source.read(_PIECE):
        sink.write(piece)
        await sink.drain()
    sink.close()
