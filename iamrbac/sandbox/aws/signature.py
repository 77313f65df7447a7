"""The SigV4 signature of a request that is signed in its query, recomputed from the stored secret."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import quote

EMPTY_BODY = hashlib.sha256(b"").hexdigest()
SIGNATURE = "X-Amz-Signature"


def query_signature(parameters: Sequence[tuple[str, str]], headers: Mapping[str, str], secret: str) -> str:
    """Return the hexadecimal signature of `GET /` with these query parameters (decoded, all that were sent).

    `headers` are the values that the server itself sees, names in lower case; a signed header that is missing counts
    as empty, so that the signature cannot match. The parameters must have passed the checks of `sts`.
    """
    by_name = dict(parameters)
    _, day, region, service, end = by_name["X-Amz-Credential"].split("/")
    signed = by_name["X-Amz-SignedHeaders"].split(";")
    canonical = "\n".join(
        (
            "GET",
            "/",
            "&".join(sorted(f"{_encode(name)}={_encode(value)}" for name, value in parameters if name != SIGNATURE)),
            *(f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed),
            "",
            ";".join(signed),
            EMPTY_BODY,
        )
    )
    scope = f"{day}/{region}/{service}/{end}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(("AWS4-HMAC-SHA256", by_name["X-Amz-Date"], scope, digest))
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, end):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")
