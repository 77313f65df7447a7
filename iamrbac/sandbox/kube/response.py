"""What the API answers: a body, or a stream of lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from iamrbac.sandbox.kube.status import StatusError
from iamrbac.sandbox.kube.store import Stored

JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer. With `stream`, `body` is not looked at: its pieces are sent as they come."""

    code: int
    body: bytes = b""
    media_type: str = JSON_TYPE
    warnings: tuple[str, ...] = ()
    stream: Iterator[bytes] | None = None


def json_response(value: Any, code: int = 200, media_type: str = JSON_TYPE) -> Response:
    """Any JSON value."""
    return Response(code, json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(), media_type)


def text_response(text: str, code: int = 200) -> Response:
    """Plain text."""
    return Response(code, text.encode(), "text/plain; charset=utf-8")


def object_response(stored: Stored, code: int = 200, warnings: tuple[str, ...] = ()) -> Response:
    """A stored object, from the bytes that it keeps of itself."""
    head = f'{{"kind":"{stored.kind.kind}","apiVersion":"{stored.kind.api_version}",'
    return Response(code, head.encode() + stored.json[1:], warnings=warnings)


def error_response(error: StatusError) -> Response:
    """An error as its Status."""
    return json_response(error.body(), error.code)
