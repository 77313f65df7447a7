"""A private endpoint: through the config's proxy, by the name in its certificate."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme

from iamrbac.kube.client import KubeApi
from iamrbac.kube.transport import Transport
from iamrbac.model.errors import KubeError
from iamrbac.plan.observed import Target
from tests.kube.server import FakeApi, serving

NAME = "0123.gr7.eu-west-1.eks.amazonaws.com"


@contextmanager
def proxy(to: int) -> Iterator[tuple[str, list[str]]]:
    """A proxy that knows where every host is: on loopback. Yields its URL, and what it is asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            with socket.create_connection(("127.0.0.1", to), 30) as there:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=_pump, args=(there, self.connection), daemon=True)
                back.start()
                _pump(self.connection, there)
                back.join(30)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Keep tests quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def namespaces(target: Target) -> frozenset[str]:
    kube = KubeApi(target, lambda: "token", timeout=(10, 10), sleep=lambda _: None)
    try:
        return kube.state()[0]
    finally:
        kube.close()


def test_through_the_proxy_by_the_name_of_the_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    """As client-go with proxy-url and tls-server-name: what the environment says of proxies counts for nothing."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    api, authority = FakeApi(), trustme.CA()
    api.lists["/api/v1/namespaces"] = [{"metadata": {"name": "payments"}}]
    with serving(api, authority, NAME) as found, proxy(int(found.endpoint.rpartition(":")[2])) as (url, asked):
        private = replace(
            found,
            endpoint="https://private.example.internal",
            certificate_authority=authority.cert_pem.bytes().decode(),
            proxy_url=url,
            tls_server_name=NAME,
        )
        assert namespaces(private) == {"payments"}
        assert set(asked) == {"private.example.internal:443"}
        with pytest.raises(KubeError, match="does not answer"):
            namespaces(replace(private, tls_server_name=None))
        with pytest.raises(KubeError, match="does not answer"):
            namespaces(replace(private, tls_server_name="another.example.com"))


def test_a_socks_proxy_without_the_package_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "urllib3.contrib.socks", None)
    with serving(FakeApi()) as found, pytest.raises(KubeError) as caught:
        Transport(replace(found, proxy_url="socks5://proxy.example:1080"), lambda: "token", (1, 1))
    assert str(caught.value) == (
        "development: its proxyUrl socks5://proxy.example:1080 is a SOCKS proxy, which needs the package PySocks."
        " Next: pip install pysocks, beside iamrbac"
    )
