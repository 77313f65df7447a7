"""One anonymous request to an endpoint: it says at which step it ended, and sends nothing that is secret."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from iamrbac.kube.probe import offset_of, probe
from tests.kube.server import FakeApi, page_of_a_proxy, refuse, send, serving


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def pem(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()


def api() -> FakeApi:
    found = FakeApi()
    found.objects["/version"] = {"major": "1"}
    return found


def test_an_api_that_answers(authority: trustme.CA) -> None:
    served = api()
    with serving(served, authority) as target:
        found = probe(target.endpoint, pem(authority))
        assert (found.fault, found.address, found.private) == (None, "127.0.0.1", False)
        assert found.offset is not None
        assert abs(found.offset) < timedelta(minutes=5)
        served.faults["/version"].append(refuse(401, "Unauthorized"))
        assert probe(target.endpoint, pem(authority)).fault is None
    assert served.tokens == ["", ""]


def test_what_answers_is_something_else(authority: trustme.CA) -> None:
    served = api()
    with serving(served, authority) as target:
        for fault in (page_of_a_proxy, refuse(502, "BadGateway"), lambda handler: send(handler, 302, {})):
            served.faults["/version"].append(fault)
            assert probe(target.endpoint, pem(authority)).fault == "not-kubernetes"


def test_a_certificate_of_another_authority_or_name(authority: trustme.CA) -> None:
    with serving(api(), authority) as target:
        assert probe(target.endpoint, pem(trustme.CA())).fault == "untrusted"
        assert probe(target.endpoint, "").fault == "untrusted"
        assert probe(target.endpoint, "no certificate").fault == "untrusted"
        assert probe(target.endpoint, pem(authority), tls_server_name="kubernetes").fault == "wrong-name"
        assert probe(target.endpoint, "", insecure=True).fault is None


def test_nobody_there() -> None:
    assert probe("https://cluster.invalid", "").fault == "unresolved"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = probe(f"https://127.0.0.1:{taken.getsockname()[1]}", "")
    assert (found.fault, found.detail) == ("refused", "the connection is refused")


def test_no_tls_at_all() -> None:
    with serving(api()) as target:
        assert probe(target.endpoint.replace("http:", "https:"), "").fault == "tls"


@contextmanager
def proxy(answer: bytes, upstream: int | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """A proxy for one connection."""
    heard: list[bytes] = []

    def serve() -> None:
        client, _ = listening.accept()
        with client:
            heard.append(client.recv(4096))
            client.sendall(answer)
            if upstream is not None:
                with socket.create_connection(("127.0.0.1", upstream)) as server:
                    back = threading.Thread(target=copy, args=(server, client))
                    back.start()
                    copy(client, server)
                    back.join(20)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://me:hunter2@127.0.0.1:{listening.getsockname()[1]}", heard
        thread.join(20)


def copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def test_by_a_proxy(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(api(), authority) as target:
        port = int(target.endpoint.rpartition(":")[2])
        with proxy(b"HTTP/1.1 200 OK\r\n\r\n", port) as (url, heard):
            found = probe(target.endpoint, pem(authority), proxy_url=url)
    assert (found.fault, found.address) == (None, "")
    assert "hunter2" not in repr(found)
    assert b"Proxy-Authorization: Basic bWU6aHVudGVyMg==" in heard[0]
    with proxy(b"HTTP/1.1 407 Authentication Required\r\n\r\n") as (url, _):
        monkeypatch.setenv("HTTPS_PROXY", url)
        monkeypatch.setenv("NO_PROXY", "")
        found = probe("https://cluster.invalid", "")
    assert (found.fault, found.detail) == ("proxy", "the proxy says 407 Authentication Required")
    monkeypatch.setenv("NO_PROXY", "cluster.invalid")
    assert probe("https://cluster.invalid", "").fault == "unresolved"


def test_dates() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert offset_of("Thu, 01 Jan 2026 00:10:00 GMT", now) == timedelta(minutes=10)
    assert offset_of("yesterday", now) is None
    assert offset_of(None, now) is None
