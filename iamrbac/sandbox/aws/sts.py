"""sts:GetCallerIdentity signed in the query, verified for real: the secret that moto keeps has to fit.

moto itself takes such a request for one to S3, and would answer for a user "moto" without looking at the signature.
Error codes and texts are those of STS as clients report them.
"""

from __future__ import annotations

import hmac
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from iamrbac.model.arn import partition_of
from iamrbac.sandbox.aws.http import AwsRequest, Reply
from iamrbac.sandbox.aws.keys import Identity, Key, find_key
from iamrbac.sandbox.aws.signature import SIGNATURE, query_signature

MAX_AGE = timedelta(minutes=15)
"""How long STS takes a signature, whatever X-Amz-Expires says (eks-facts §3.1)."""
MAX_AHEAD = timedelta(minutes=5)
NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_STAMP = "%Y%m%dT%H%M%SZ"
_NEEDED = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", SIGNATURE)
_REGIONAL_HOST = re.compile(r"sts(?:-fips)?\.([a-z]+(?:-[a-z]+)+-[0-9]+)\.[a-z.]+")


class RefusedError(Exception):
    """STS says no. `code` is the AWS error code; the text holds no secret."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Verified:
    """Who signed, and with which key."""

    identity: Identity
    access_key: str


def verify(query_text: str, headers: Mapping[str, str], now: datetime) -> Verified:
    """Return who signed `GET /?query_text`, given the headers that the server sees (lower case, with `host`).

    Raises RefusedError as STS would answer.
    """
    parameters = parse_qsl(query_text, keep_blank_values=True)
    by_name = dict(parameters)
    if len(by_name) != len(parameters) or any(not by_name.get(name) for name in _NEEDED):
        raise RefusedError("MissingAuthenticationToken", "Request is missing Authentication Token")
    if by_name["X-Amz-Algorithm"] != "AWS4-HMAC-SHA256":
        raise RefusedError("IncompleteSignature", f"Unsupported AWS 'algorithm': '{by_name['X-Amz-Algorithm']}'.")
    region = _check_scope(by_name, headers.get("host", ""))
    _check_date(by_name["X-Amz-Date"], now)
    access_key = by_name["X-Amz-Credential"].split("/")[0]
    key = find_key(access_key, partition_of(region))
    if key is None or (key.token or "") != by_name.get("X-Amz-Security-Token", ""):
        raise RefusedError("InvalidClientTokenId", "The security token included in the request is invalid.")
    if key.expired:
        raise RefusedError("ExpiredToken", "The security token included in the request is expired")
    if not _fits(parameters, headers, key):
        raise RefusedError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
        )
    return Verified(key.identity, access_key)


def is_presigned(request: AwsRequest) -> bool:
    """Return whether a request is a GetCallerIdentity signed in its query."""
    query = request.query
    return (
        request.method == "GET"
        and "authorization" not in request.headers
        and query.get("Action") == "GetCallerIdentity"
        and "X-Amz-Credential" in query
    )


def answer(request: AwsRequest, now: datetime) -> Reply:
    """Answer a presigned GetCallerIdentity: JSON to whoever accepts it, else XML."""
    as_json = "application/json" in request.headers.get("accept", "")
    try:
        identity = verify(request.query_text, request.headers, now).identity
    except RefusedError as refused:
        return refusal(refused, as_json=as_json)
    fields = {"Arn": identity.arn, "UserId": identity.user_id, "Account": identity.account}
    request_id = str(uuid.uuid4())
    if as_json:
        body = {"GetCallerIdentityResult": fields, "ResponseMetadata": {"RequestId": request_id}}
        return Reply(200, json.dumps({"GetCallerIdentityResponse": body}).encode(), "application/json")
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    text = (
        f'<GetCallerIdentityResponse xmlns="{NAMESPACE}"><GetCallerIdentityResult>{inner}</GetCallerIdentityResult>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )
    return Reply(200, text.encode(), "text/xml")


def _check_scope(by_name: Mapping[str, str], host: str) -> str:
    """Return the region of the credential scope, which must fit the date, the service and the host."""
    parts = by_name["X-Amz-Credential"].split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise RefusedError("IncompleteSignature", "Credential must have five parts and end with 'aws4_request'.")
    _, day, region, service, _ = parts
    regional = _REGIONAL_HOST.fullmatch(host)
    expected = "us-east-1" if host == "sts.amazonaws.com" else regional.group(1) if regional else region
    if service != "sts" or region != expected or not by_name["X-Amz-Date"].startswith(day):
        raise RefusedError("SignatureDoesNotMatch", "Credential should be scoped to a valid date, region and service.")
    return region


def _check_date(stamp: str, now: datetime) -> None:
    try:
        signed = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise RefusedError("IncompleteSignature", "Date must be in ISO-8601 'basic format'.") from error
    limits = {"early": now - MAX_AGE, "late": now + MAX_AHEAD}
    if signed < limits["early"]:
        text = f"Signature expired: {stamp} is now earlier than {limits['early'].strftime(_STAMP)}"
        raise RefusedError("SignatureDoesNotMatch", f"{text} ({now.strftime(_STAMP)} - 15 min.)")
    if signed > limits["late"]:
        text = f"Signature not yet current: {stamp} is still later than {limits['late'].strftime(_STAMP)}"
        raise RefusedError("SignatureDoesNotMatch", f"{text} ({now.strftime(_STAMP)} + 5 min.)")


def _fits(parameters: list[tuple[str, str]], headers: Mapping[str, str], key: Key) -> bool:
    by_name = dict(parameters)
    if "host" not in by_name["X-Amz-SignedHeaders"].split(";"):
        return False
    expected = query_signature(parameters, headers, key.secret)
    return hmac.compare_digest(expected.encode(), by_name[SIGNATURE].encode())


def refusal(refused: RefusedError, *, as_json: bool) -> Reply:
    """Return a refusal as STS sends it."""
    status = 400 if refused.code == "IncompleteSignature" else 403
    request_id = str(uuid.uuid4())
    if as_json:
        error = {"Code": refused.code, "Message": refused.text, "Type": "Sender"}
        body = json.dumps({"Error": error, "RequestId": request_id}).encode()
        return Reply(status, body, "application/json")
    text = (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{refused.code}</Code>'
        f"<Message>{escape(refused.text)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return Reply(status, text.encode(), "text/xml")
