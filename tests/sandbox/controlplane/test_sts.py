"""STS by its real name through the proxy: what EKS's authenticator does with a token, byte by byte."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from iamrbac.sandbox.controlplane.sts import StsProxy
from iamrbac.token.sign import Credentials, presign

if TYPE_CHECKING:
    from iamrbac.sandbox.runner import Sandbox

HOST, REGION = "sts.eu-west-1.amazonaws.com", "eu-west-1"


@pytest.fixture
def proxy(sandbox: Sandbox) -> Iterator[StsProxy]:
    with StsProxy(sandbox.aws.port) as running:
        yield running


def tunnel(proxy: StsProxy, host: str = HOST) -> http.client.HTTPSConnection:
    address = urlsplit(proxy.url)
    context = ssl.create_default_context(cadata=proxy.ca_pem.decode())
    connection = http.client.HTTPSConnection(str(address.hostname), address.port, context=context, timeout=10)
    connection.set_tunnel(host, 443)
    return connection


def ask(connection: http.client.HTTPSConnection, url: str, cluster: str) -> tuple[int, dict[str, Any]]:
    target = f"/?{urlsplit(url).query}"
    connection.request("GET", target, headers={"x-k8s-aws-id": cluster, "Accept": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_a_signature_is_judged_by_the_real_name(sandbox: Sandbox, proxy: StsProxy) -> None:
    profile = sandbox.profile("alice")
    keys = Credentials(profile.access_key, profile.secret_key)
    url = presign(keys, REGION, "staging", datetime.now(UTC))
    connection = tunnel(proxy)
    code, answer = ask(connection, url, "staging")
    assert (code, answer["GetCallerIdentityResponse"]["GetCallerIdentityResult"]["Arn"]) == (200, profile.arn)
    # The same connection, for another cluster's name: signed otherwise.
    code, answer = ask(connection, url, "production")
    assert (code, answer["Error"]["Code"]) == (403, "SignatureDoesNotMatch")
    connection.close()
    # The same signature for another host, which is signed too.
    other = tunnel(proxy, "sts.us-east-1.amazonaws.com")
    assert ask(other, url, "staging")[0] == 403
    other.close()


def test_its_certificate_is_for_the_host_that_was_asked_for(proxy: StsProxy) -> None:
    connection = tunnel(proxy)
    connection.connect()
    assert isinstance(connection.sock, ssl.SSLSocket)
    names = connection.sock.getpeercert()
    assert names is not None
    assert names["subjectAltName"] == (("DNS", HOST),)
    connection.close()


def test_strangers_do_not_trust_it(proxy: StsProxy) -> None:
    address = urlsplit(proxy.url)
    connection = http.client.HTTPSConnection(str(address.hostname), address.port, timeout=10)
    connection.set_tunnel(HOST, 443)
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.connect()
    connection.close()


@pytest.mark.parametrize("said", [b"GET http://example.com/ HTTP/1.1\r\n\r\n", b"nonsense\r\n\r\n"])
def test_what_is_no_tunnel_is_refused(proxy: StsProxy, said: bytes) -> None:
    address = urlsplit(proxy.url)
    with socket.create_connection((str(address.hostname), address.port or 0), 10) as connection:
        connection.sendall(said)
        assert connection.recv(1000).startswith(b"HTTP/1.1 405 ")


def test_stop_ends_what_is_open(sandbox: Sandbox) -> None:
    proxy = StsProxy(sandbox.aws.port)
    proxy.start()
    connection = tunnel(proxy)
    connection.connect()
    proxy.stop()
    proxy.stop()
    assert connection.sock.recv(10) == b""
    connection.close()
    with pytest.raises(RuntimeError, match="the STS proxy is not running"):
        _ = proxy.url
