"""One HTTP request to AWS as the front door reads it, and one answer."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

Environ = dict[str, Any]
NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: HTTP status, body and headers (Content-Length is added when it is sent)."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AwsRequest:
    """A request, signed in its Authorization header, in its query, or not at all."""

    method: str
    path: str
    """As sent, still percent-encoded: an ARN's slash must not look like the path's own."""
    query_text: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    service: str
    """From the credential scope: eks, iam, sts; "" for an unsigned request."""
    region: str
    access_key: str

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's parts, decoded."""
        return tuple(unquote(part) for part in self.path.strip("/").split("/"))

    @property
    def query(self) -> dict[str, str]:
        """Query parameters, decoded; the first value of each."""
        return {name: values[0] for name, values in parse_qs(self.query_text, keep_blank_values=True).items()}

    @property
    def query_lists(self) -> dict[str, list[str]]:
        """Query parameters, decoded, all values of each."""
        return parse_qs(self.query_text, keep_blank_values=True)

    @property
    def form(self) -> dict[str, str]:
        """The body of an IAM or STS call: parameters by name."""
        text = self.body.decode("utf-8", "replace")
        return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}


def read_request(environ: Environ) -> AwsRequest:
    """Read a request off WSGI; its body is put back, so that moto can read it again."""
    body = _body(environ)
    headers = {
        name[5:].replace("_", "-").lower(): str(value) for name, value in environ.items() if name.startswith("HTTP_")
    }
    query_text = str(environ.get("QUERY_STRING", ""))
    access_key, region, service = _scope(headers.get("authorization", ""), query_text)
    return AwsRequest(
        method=str(environ["REQUEST_METHOD"]),
        path=str(environ.get("RAW_URI") or environ["PATH_INFO"]).partition("?")[0],
        query_text=query_text,
        headers=headers,
        body=body,
        service=service,
        region=region,
        access_key=access_key,
    )


def _body(environ: Environ) -> bytes:
    length = str(environ.get("CONTENT_LENGTH") or "0")
    body: bytes = environ["wsgi.input"].read(int(length)) if length.isdigit() else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _scope(authorization: str, query_text: str) -> tuple[str, str, str]:
    """Return access key, region and service of a SigV4 credential scope, in the header or in the query."""
    _, found, rest = authorization.partition("Credential=")
    credential = rest.split(",", 1)[0].strip() if found else ""
    if not credential:
        credential = parse_qs(query_text).get("X-Amz-Credential", [""])[0]
    parts = credential.split("/")
    return (parts[0], parts[2], parts[3]) if len(parts) == 5 else ("", "", "")
