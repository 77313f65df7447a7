"""A forge's API with a token from the environment; proxies and certificate authorities are the environment's too."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
import urllib3.exceptions as faults

from iamrbac.git.delivery.forge.answer import Answer
from iamrbac.git.delivery.forge.place import Place
from iamrbac.git.delivery.words import without_secrets
from iamrbac.model.errors import DeliveryError

_TIMEOUT: Final = urllib3.Timeout(connect=15, read=60)
_MOST: Final = 8 * 1024 * 1024


class HttpApi:
    """Asks one forge with one token, which never goes anywhere else: no redirect is followed."""

    def __init__(self, place: Place, token: str) -> None:
        self._place = place
        self._headers = {"User-Agent": "iamrbac", **_headers(place, token)}
        self._pool = _pool(place.api)

    def call(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Answer:
        """Ask once: what was sent twice might be opened twice. Raises DeliveryError where no answer comes."""
        try:
            response = self._pool.request(
                method,
                f"{self._place.api}{path}",
                body=json.dumps(body).encode() if body is not None else None,
                headers=self._headers | ({"Content-Type": "application/json"} if body is not None else {}),
                redirect=False,
                retries=False,
                timeout=_TIMEOUT,
                preload_content=False,
            )
            content = response.read(_MOST)
            response.release_conn()
        except faults.HTTPError as error:
            raise _unreached(self._place, error) from error
        return Answer(response.status, content)


def _headers(place: Place, token: str) -> dict[str, str]:
    """Return the headers that each forge documents."""
    if place.kind == "gitlab":
        return {"PRIVATE-TOKEN": token, "Accept": "application/json"}
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }


def _pool(api: str) -> urllib3.PoolManager:
    split = urlsplit(api)
    proxies = {} if proxy_bypass(split.netloc) else getproxies()
    proxy = proxies.get(split.scheme) or proxies.get("all")
    context = ssl.create_default_context()
    if not proxy:
        return urllib3.PoolManager(ssl_context=context)
    given = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    headers = None
    if given.username:
        headers = urllib3.make_headers(proxy_basic_auth=f"{given.username}:{given.password or ''}")
    return urllib3.ProxyManager(given.geturl(), proxy_headers=headers, ssl_context=context)


def _unreached(place: Place, error: faults.HTTPError) -> DeliveryError:
    where = f"{place.project} at {place.host}"
    if isinstance(error, faults.SSLError):
        hint = "set SSL_CERT_FILE to the certificate authority"
        return DeliveryError("the forge's certificate is not trusted", where=where, hint=hint)
    # It is a kind of timeout to urllib3, but nothing was sent.
    if isinstance(error, faults.TimeoutError) and not isinstance(error, faults.NewConnectionError):
        hint = "look whether the pull request is there, then run again"
        return DeliveryError("the forge does not answer in time", where=where, hint=hint)
    reason = without_secrets(str(error.args[-1]) if error.args else type(error).__name__)
    hint = "check the network and the proxy, and run again"
    return DeliveryError(f"the forge cannot be reached: {reason}", where=where, hint=hint)
