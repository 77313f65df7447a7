"""One anonymous request to a cluster's endpoint, step by step: its name, a connection, TLS, an answer of an API."""

from __future__ import annotations

import base64
import http.client
import ipaddress
import os
import socket
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from iamrbac import __version__
from iamrbac.diagnosis.facts import Probe, ProbeFault

TIMEOUT: Final = 10.0
"""Seconds for each step."""
# OpenSSL's X509_V_ERR_*: certificate not yet valid, expired; name and address that do not match.
_NOT_NOW: Final = frozenset({9, 10})
_WRONG_NAME: Final = frozenset({62, 64})
_API: Final = frozenset({200, 401, 403, 429, 503})
"""What a Kubernetes API says to somebody without a token."""


def probe(
    endpoint: str,
    authority: str,
    *,
    proxy_url: str = "",
    tls_server_name: str = "",
    insecure: bool = False,
    timeout: float = TIMEOUT,
) -> Probe:
    """Ask for /version and say how far that came. `authority` is PEM, "" for the machine's own authorities.

    The proxy is the kubeconfig's, or HTTPS_PROXY's, as kubectl takes them. Nothing is raised: what goes wrong is the
    answer.
    """
    url = urlsplit(endpoint)
    host, port = url.hostname or "", url.port or 443
    proxy = _proxy(host, proxy_url)
    found = Probe(endpoint, proxy=_shown(proxy))
    try:
        reached = proxy.hostname if proxy is not None else host
        address = socket.getaddrinfo(reached, None, type=socket.SOCK_STREAM)[0][4][0]
    except (OSError, UnicodeError):
        return _with(found, "unresolved", f"the name {reached} does not resolve")
    if proxy is None:
        found = _placed(found, str(address))
    try:
        context = _context(authority, insecure=insecure)
    except ssl.SSLError:
        return _with(found, "untrusted", "the certificate authority is not a certificate")
    try:
        raw = _connected(host, port, proxy, timeout)
    except _ProxyError as error:
        return _with(found, "proxy", str(error))
    except OSError as error:
        return _with(found, *_connection(error))
    with raw:
        try:
            secure = context.wrap_socket(raw, server_hostname=tls_server_name or host)
        except ssl.SSLCertVerificationError as error:
            return _with(found, *_verification(error))
        except (ssl.SSLError, OSError) as error:
            return _with(found, "tls", f"no TLS: {getattr(error, 'reason', None) or type(error).__name__}")
        with secure:
            return _asked(found, secure, host)


class _ProxyError(Exception):
    """The proxy would not connect."""


def _asked(found: Probe, secure: ssl.SSLSocket, host: str) -> Probe:
    try:
        head = (
            f"GET /version HTTP/1.1\r\nHost: {host}\r\nUser-Agent: iamrbac/{__version__}\r\nConnection: close\r\n\r\n"
        )
        secure.sendall(head.encode("ascii"))
        answer = http.client.HTTPResponse(secure, method="GET")
        answer.begin()
        body = answer.read(4096)
    except (OSError, http.client.HTTPException) as error:
        return _with(found, "not-kubernetes", f"the answer broke off ({type(error).__name__})")
    date = answer.getheader("Date")
    found = replace(found, offset=offset_of(date, datetime.now(UTC)))
    kind = answer.getheader("Content-Type") or ""
    if answer.status not in _API or "html" in kind or (answer.status == 503 and b"Status" not in body):
        return _with(found, "not-kubernetes", f"HTTP {answer.status}, {kind or 'without a type'}")
    return found


def offset_of(date: str | None, now: datetime) -> timedelta | None:
    """Return an answer's clock minus ours, by its Date header; None without a readable one."""
    if not date:
        return None
    try:
        said = parsedate_to_datetime(date)
    except ValueError:
        return None
    return (said if said.tzinfo else said.replace(tzinfo=UTC)) - now


def _context(authority: str, *, insecure: bool) -> ssl.SSLContext:
    if insecure:
        # As the kubeconfig has it (insecure-skip-tls-verify); nothing secret is sent.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    return ssl.create_default_context(cadata=authority or None)


def _connected(host: str, port: int, proxy: SplitResult | None, timeout: float) -> socket.socket:
    if proxy is None:
        return socket.create_connection((host, port), timeout)
    raw = socket.create_connection((proxy.hostname or "", proxy.port or 3128), timeout)
    try:
        raw.sendall(
            f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{_authorization(proxy)}\r\n".encode("ascii")
        )
        answer = http.client.HTTPResponse(raw, method="CONNECT")
        answer.begin()
    except http.client.HTTPException as error:
        raw.close()
        raise _ProxyError("the proxy does not speak HTTP") from error
    except BaseException:
        raw.close()
        raise
    if answer.status != 200:
        raw.close()
        raise _ProxyError(f"the proxy says {answer.status} {answer.reason}")
    return raw


def _authorization(proxy: SplitResult) -> str:
    if proxy.username is None:
        return ""
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"


def _proxy(host: str, named: str, environ: Mapping[str, str] = os.environ) -> SplitResult | None:
    if named:
        return urlsplit(named)
    variable = environ.get("HTTPS_PROXY") or environ.get("https_proxy") or ""
    if not variable or urllib.request.proxy_bypass(host):
        return None
    return urlsplit(variable if "://" in variable else f"http://{variable}")


def _shown(proxy: SplitResult | None) -> str:
    """Return host and port, without the credentials that a proxy's URL may hold."""
    return "" if proxy is None else f"{proxy.hostname}:{proxy.port or 3128}"


def _placed(found: Probe, address: str) -> Probe:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return found
    return replace(found, address=address, private=parsed.is_private and not parsed.is_loopback)


def _connection(error: OSError) -> tuple[ProbeFault, str]:
    if isinstance(error, TimeoutError):
        return "timeout", "no connection in time"
    if isinstance(error, ConnectionRefusedError):
        return "refused", "the connection is refused"
    return "unreachable", f"no connection ({os.strerror(error.errno) if error.errno else type(error).__name__})"


def _verification(error: ssl.SSLCertVerificationError) -> tuple[ProbeFault, str]:
    if error.verify_code in _NOT_NOW:
        return "not-now", f"its certificate: {error.verify_message}"
    if error.verify_code in _WRONG_NAME:
        return "wrong-name", "its certificate is for another name"
    return "untrusted", f"its certificate is not of the expected authority ({error.verify_message})"


def _with(found: Probe, fault: ProbeFault, detail: str) -> Probe:
    return replace(found, fault=fault, detail=detail)
