"""HTTP to one cluster through the official client: raw JSON, kept-alive connections, bounded retries."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import urllib3.exceptions
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException

from iamrbac import __version__
from iamrbac.kube.errors import refusal, unreachable, unreadable
from iamrbac.model.errors import KubeError
from iamrbac.plan.observed import Target

CONNECTIONS: Final = 16
TOKEN_LIFE: Final = 13 * 60.0
"""Seconds; EKS takes a token for 15 minutes, and a request may wait a little."""
WAITS: Final = (0.5, 1.0, 2.0)
"""Seconds between the attempts of one request."""
LONGEST_WAIT: Final = 10.0
NOT_SERVED: Final = b"404 page not found"
"""What an API server says, in plain text, of a group that it does not have (Go's http.NotFound)."""
RETRIED: Final = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with its JSON."""

    status: int
    body: Any


class Transport:
    """Sends requests to one cluster with the caller's token; used from several threads at once."""

    def __init__(
        self,
        target: Target,
        token: Callable[[], str],
        timeout: tuple[float, float],
        sleep: Callable[[float], None] = time.sleep,
        token_life: float = TOKEN_LIFE,
        called: Callable[[], None] = lambda: None,
    ) -> None:
        """`called` is called before every request, also before one is sent again; what it raises keeps it back."""
        self.cluster = target.name
        self._endpoint = target.endpoint
        self._timeout = timeout
        self._sleep = sleep
        self._called = called
        self._tokens = _Tokens(token, token_life)
        self._client = _client(target)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def read(self, doing: str, path: str, query: Mapping[str, str] | None = None, *, optional: bool = False) -> Answer:
        """GET, again after faults that pass. Returns 200, 404 and 410; raises KubeError for the rest.

        `doing` names the request in errors, e.g. `list roles`. `optional`: the API may well not have the group, and
        saying so (404, the body is None then) is no fault that passes.
        """
        url = f"{path}?{urlencode(query)}" if query else path
        if optional:
            return self._retried(lambda: self._send(doing, "GET", url, None, (200, 404), optional=True), reading=True)
        return self._retried(lambda: self._send(doing, "GET", url, None, (200, 404, 410)), reading=True)

    def write(self, doing: str, method: str, path: str, body: object) -> Answer:
        """POST, PUT or DELETE. Returns 200, 201, 202 and 404; raises KubeError for the rest.

        Sent again only when it surely was not looked at (429, no connection).
        """
        return self._retried(lambda: self._send(doing, method, path, body, (200, 201, 202, 404)), reading=False)

    def _retried(self, send: Callable[[], Answer], *, reading: bool) -> Answer:
        waits = iter(WAITS)
        while True:
            try:
                return send()
            except _PassingError as fault:
                wait = next(waits, None)
                if wait is None or not (reading or fault.unseen):
                    raise fault.error from fault.__cause__
                self._sleep(max(wait, min(fault.after, LONGEST_WAIT)))

    def _send(
        self, doing: str, method: str, url: str, body: object, wanted: tuple[int, ...], *, optional: bool = False
    ) -> Answer:
        """Send one request, twice if the token turns out to be too old. Raises _PassingError or KubeError."""
        token, fresh = self._tokens.current()
        status, text, after = self._exchange(doing, method, url, body, token)
        if status == 401 and not fresh:
            status, text, after = self._exchange(doing, method, url, body, self._tokens.renew(token))
        value = _parsed(text)
        if status in RETRIED:
            raise _PassingError(refusal(self.cluster, doing, status, value), after, unseen=status == 429)
        if status not in wanted:
            raise refusal(self.cluster, doing, status, value)
        if optional and status == 404 and text.strip() == NOT_SERVED:
            return Answer(status, None)
        if value is None:
            why = f"the answer ({status}) is not whole JSON"
            raise _PassingError(unreadable(self.cluster, doing, why), 0.0, unseen=False)
        return Answer(status, value)

    def _exchange(self, doing: str, method: str, url: str, body: object, token: str) -> tuple[int, bytes, float]:
        """Return status, whole body and Retry-After in seconds. Raises _PassingError without a whole answer."""
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "User-Agent": f"iamrbac/{__version__}",
        }
        self._called()
        try:
            response = self._client.call_api(
                method, self._endpoint + url, header_params=headers, body=body, _request_timeout=self._timeout
            )
            return response.status, response.read(), _seconds(response.headers.get("Retry-After"))
        except (urllib3.exceptions.HTTPError, ApiException) as error:
            shown = unreachable(self.cluster, self._endpoint, doing, error, writing=method != "GET")
            unseen = isinstance(error, urllib3.exceptions.NewConnectionError)
            raise _PassingError(shown, 0.0, unseen=unseen) from error


def _client(target: Target) -> ApiClient:
    """Return the official client. Raises KubeError for a proxy that it cannot speak to."""
    proxy = target.proxy_url
    configuration = Configuration(
        host=target.endpoint,
        ca_cert_data=target.certificate_authority,
        connection_pool_maxsize=CONNECTIONS,
        tls_server_name=target.tls_server_name,
        # As client-go does with a kubeconfig's proxy-url: names are the proxy's affair, and NO_PROXY says nothing.
        proxy=proxy.replace("socks5://", "socks5h://", 1) if proxy is not None else None,
        no_proxy="" if proxy is not None else None,
    )
    # Retries are ours: urllib3's would send a write again whose outcome is not known.
    configuration.retries = False
    try:
        return ApiClient(configuration)
    except ImportError as error:
        raise KubeError(
            f"its proxyUrl {proxy} is a SOCKS proxy, which needs the package PySocks",
            where=target.name,
            hint="pip install pysocks, beside iamrbac",
        ) from error


class _PassingError(Exception):
    """A fault that may be over at the next attempt."""

    def __init__(self, error: KubeError, after: float, *, unseen: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.after = after
        """Seconds that the server asks to wait, 0 when it does not say."""
        self.unseen = unseen
        """The server surely did nothing with the request."""


class _Tokens:
    """The caller's token, made anew before it ends or when the cluster refuses it."""

    def __init__(self, make: Callable[[], str], life: float = TOKEN_LIFE) -> None:
        self._make = make
        self._life = life
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def current(self) -> tuple[str, bool]:
        """Return a token, and whether it was made just now."""
        with self._lock:
            if self._token and time.monotonic() < self._until:
                return self._token, False
            return self._renewed(), True

    def renew(self, refused: str) -> str:
        """Return another token than the refused one; of several threads that were refused only one makes it."""
        with self._lock:
            return self._token if self._token != refused else self._renewed()

    def _renewed(self) -> str:
        self._token, self._until = self._make(), time.monotonic() + self._life
        return self._token


def _parsed(text: bytes) -> Any:
    """Return the JSON, None when it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _seconds(text: str | None) -> float:
    return float(text) if text is not None and text.isdigit() else 0.0
