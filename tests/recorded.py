"""Counts what a process asks of AWS and of clusters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import botocore.client
import pytest
import urllib3


@contextmanager
def recorded() -> Iterator[tuple[Counter[str], Counter[tuple[str, str]]]]:
    """Record every AWS operation and every HTTP request (method, path) of this process."""
    operations: Counter[str] = Counter()
    requests: Counter[tuple[str, str]] = Counter()
    call, send = vars(botocore.client.BaseClient)["_make_api_call"], urllib3.HTTPConnectionPool.urlopen

    def _call(self: Any, operation: str, arguments: Any) -> Any:
        operations[f"{self.meta.service_model.service_name}:{operation}"] += 1
        return call(self, operation, arguments)

    def _send(self: Any, method: str, url: str, *arguments: Any, **options: Any) -> Any:
        if self.scheme == "https":
            requests[(method, urlsplit(url).path)] += 1
        return send(self, method, url, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", _call)
        patch.setattr(urllib3.HTTPConnectionPool, "urlopen", _send)
        yield operations, requests
