"""The EKS token: a GetCallerIdentity URL that only the holder of the credentials can sign (SigV4 in the query).

Format and rules: aws-iam-authenticator `pkg/token/token.go`. Signing is byte for byte what
`botocore.auth.SigV4QueryAuth` does (a property test holds the two together), without its 0.4 s of imports.
"""

from __future__ import annotations

from binascii import b2a_base64

from iamrbac.token.lean import hmac_sha256, percent, sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

PREFIX = "k8s-aws-v1."
LIFETIME = 14 * 60
"""Seconds that a token may be used: the server takes it for 15 minutes, whatever X-Amz-Expires says."""
MAX_TOKEN = 4096
"""Characters; EKS refuses a longer token."""

# Region prefix → DNS suffix of the partition (botocore's partitions.json); the longest prefix wins.
_SUFFIXES = (
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("us-iso-", "c2s.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
    ("cn-", "amazonaws.com.cn"),
)
_EMPTY_BODY = sha256(b"").hexdigest()
_SIGNED_HEADERS = "host;x-k8s-aws-id"


class Credentials:
    """An AWS key pair, with the session token of temporary ones."""

    __slots__ = ("access_key", "secret_key", "token")

    def __init__(self, access_key: str, secret_key: str, token: str | None = None) -> None:
        self.access_key = access_key
        self.secret_key = secret_key
        self.token = token

    def __repr__(self) -> str:
        return f"Credentials({self.access_key!r})"


def sts_host(region: str) -> str:
    """Return the partition's own STS host of a region; no setting ever changes it, since EKS takes no other."""
    suffix = next((suffix for prefix, suffix in _SUFFIXES if region.startswith(prefix)), "amazonaws.com")
    return f"sts.{region}.{suffix}"


def presign(credentials: Credentials, region: str, cluster_name: str, now: datetime, expires: int = 60) -> str:
    """Return the signed URL for a cluster (its name at EKS). `now` has an offset; `expires` is in seconds."""
    from datetime import UTC  # not needed where `signed_url` is used, and slow

    return signed_url(credentials, region, cluster_name, now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"), expires)


def signed_url(credentials: Credentials, region: str, cluster_name: str, stamp: str, expires: int = 60) -> str:
    """Return the same as `presign`, with the time as SigV4 writes it (UTC, `20261124T083005Z`)."""
    host = sts_host(region)
    scope = f"{stamp[:8]}/{region}/sts/aws4_request"
    parameters = {
        "Action": "GetCallerIdentity",
        "Version": "2011-06-15",
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{credentials.access_key}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(expires),
        "X-Amz-SignedHeaders": _SIGNED_HEADERS,
    }
    if credentials.token is not None:
        parameters["X-Amz-Security-Token"] = credentials.token
    pairs = [f"{name}={percent(value)}" for name, value in parameters.items()]
    headers = f"host:{host}\nx-k8s-aws-id:{cluster_name}\n"
    # botocore sorts the pairs after encoding, and sends them in the order in which they were made.
    request = "\n".join(("GET", "/", "&".join(sorted(pairs)), headers, _SIGNED_HEADERS, _EMPTY_BODY))
    to_sign = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, sha256(request.encode()).hexdigest()))
    signature = _key(credentials.secret_key, stamp[:8], region)
    signed = hmac_sha256(signature, to_sign.encode()).hex()
    return f"https://{host}/?{'&'.join(pairs)}&X-Amz-Signature={signed}"


def token(url: str) -> str:
    """Return the bearer token of a signed URL: base64url without padding."""
    text = b2a_base64(url.encode(), newline=False).decode()
    return PREFIX + text.rstrip("=").replace("+", "-").replace("/", "_")


def _key(secret: str, day: str, region: str) -> bytes:
    """Derive the signing key (SigV4: secret, day, region, service)."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, "sts", "aws4_request"):
        key = hmac_sha256(key, part.encode())
    return key
