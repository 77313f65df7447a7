"""What EKS checks of a bearer token before it asks STS (aws-iam-authenticator, pkg/token/token.go, Verify)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

PREFIX = "k8s-aws-v1."
LONGEST = 4096
MAX_AGE = timedelta(minutes=15)
CLUSTER_HEADER = "x-k8s-aws-id"
_PARAMETERS = frozenset(
    {
        "action",
        "version",
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
    }
)
# Partition → DNS suffix of its regional hosts, and of its dual-stack ones where they differ (pkg/endpoints).
_SUFFIXES = {
    "aws": ("amazonaws.com", "api.aws"),
    "aws-cn": ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    "aws-us-gov": ("amazonaws.com", "api.aws"),
    "aws-iso": ("c2s.ic.gov", ""),
    "aws-iso-b": ("sc2s.sgov.gov", ""),
    "aws-iso-e": ("cloud.adc-e.uk", ""),
    "aws-iso-f": ("csp.hci.ic.gov", ""),
    "aws-eusc": ("amazonaws.eu", "api.amazonwebservices.eu"),
}
_REGIONS = {
    "aws": r"(?!cn-|us-gov-|us-iso|eu-isoe|eusc-)[a-z]{2,}(?:-[a-z]+)+-[0-9]+",
    "aws-cn": r"cn-[a-z]+-[0-9]+",
    "aws-us-gov": r"us-gov-[a-z]+-[0-9]+",
    "aws-iso": r"us-iso-[a-z]+-[0-9]+",
    "aws-iso-b": r"us-isob-[a-z]+-[0-9]+",
    "aws-iso-e": r"eu-isoe-[a-z]+-[0-9]+",
    "aws-iso-f": r"us-isof-[a-z]+-[0-9]+",
    "aws-eusc": r"eusc-[a-z]+(?:-[a-z]+)*-[0-9]+",
}


class TokenError(Exception):
    """The token is not one, or is not for here. The text holds no part of the signature."""


@dataclass(frozen=True, slots=True)
class Presigned:
    """The request to STS that a token carries."""

    host: str
    query_text: str


def read_token(token: str, partition: str, now: datetime) -> Presigned:
    """Return the request that a token carries. Raises TokenError for whatever EKS refuses before it asks STS."""
    try:
        url = urlsplit(_decoded(token))
    except ValueError:
        raise TokenError("the pre-signed URL is not one") from None
    if url.scheme != "https":
        raise TokenError(f"unexpected scheme {url.scheme!r} in pre-signed URL")
    if not _is_sts(url.netloc, partition):
        raise TokenError(f"unexpected hostname {url.netloc!r} in pre-signed URL")
    if url.path != "/":
        raise TokenError("unexpected path in pre-signed URL")
    _check_parameters(_parameters(url.query), now)
    return Presigned(url.netloc, url.query)


def _decoded(token: str) -> str:
    if len(token) > LONGEST:
        raise TokenError("token is too large")
    if not token.startswith(PREFIX):
        raise TokenError(f'token is missing expected "{PREFIX}" prefix')
    text = token.removeprefix(PREFIX)
    # Go's RawURLEncoding: no padding, none of the other alphabet's letters.
    if re.fullmatch(r"[A-Za-z0-9_-]+", text) is None:
        raise TokenError("token is not base64url without padding")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise TokenError("token is not base64url of a URL") from None


def _is_sts(host: str, partition: str) -> bool:
    """Any region of the cluster's partition will do, the global host in `aws` alone."""
    if host == "sts.amazonaws.com":
        return partition == "aws"
    regional, dual = _SUFFIXES[partition]
    region = _REGIONS[partition]
    patterns = [rf"sts(?:-fips)?\.{region}\.{re.escape(regional)}"]
    if dual:
        patterns.append(rf"sts\.{region}\.{re.escape(dual)}")
    return any(re.fullmatch(pattern, host) for pattern in patterns)


def _parameters(query_text: str) -> dict[str, str]:
    """Return the parameters by name in lower case; each stands there once, and no others."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query_text, keep_blank_values=True):
        key = name.lower()
        if key not in _PARAMETERS:
            raise TokenError(f"non-whitelisted query parameter {name!r}")
        if key in found:
            raise TokenError(f"query parameter with multiple values not supported: {name!r}")
        found[key] = value
    return found


def _check_parameters(parameters: Mapping[str, str], now: datetime) -> None:
    if parameters.get("action") != "GetCallerIdentity":
        raise TokenError("unexpected action parameter in pre-signed URL")
    if CLUSTER_HEADER not in parameters.get("x-amz-signedheaders", "").lower().split(";"):
        raise TokenError(f"client did not sign the {CLUSTER_HEADER} header in the pre-signed URL")
    expires = parameters.get("x-amz-expires", "")
    if re.fullmatch(r"[0-9]{1,6}", expires) is None or int(expires) > MAX_AGE.total_seconds():
        raise TokenError("invalid X-Amz-Expires parameter in pre-signed URL")
    try:
        signed = datetime.strptime(parameters.get("x-amz-date", ""), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise TokenError("error parsing X-Amz-Date parameter in pre-signed URL") from None
    if now > signed + MAX_AGE:
        raise TokenError(f"X-Amz-Date parameter is expired ({MAX_AGE.total_seconds():.0f} s)")
