"""Ask a server on loopback whether it is of use yet."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable
from typing import Final

READY_SECONDS: Final = 90.0
_POLL_SECONDS: Final = 0.05


def get(port: int, path: str, ca_pem: str, token: str = "") -> bytes | None:
    """Return the body of a 200; None for anything else, also for a server that is not there yet."""
    context = ssl.create_default_context(cadata=ca_pem)
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=5)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return body if response.status == 200 else None


def wait(done: Callable[[], bool], check: Callable[[], None], seconds: float = READY_SECONDS) -> bool:
    """Wait until `done`, asking `check` (which raises where waiting is in vain) in between; False: in vain."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        check()
        if done():
            return True
        time.sleep(_POLL_SECONDS)
    return False
