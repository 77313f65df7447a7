"""Faults at random in front of the Kubernetes API and of AWS, and a hurry that makes them bearable."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import pytest
from botocore.config import Config

from iamrbac.aws import session
from iamrbac.kube import lease, transport
from iamrbac.kube.client import KubeApi
from tests.aws.conftest import query_refusal, refusal
from tests.kube.server import status
from tests.torture.middle import is_write
from tests.torture.proxy import Asked, Forward, Said

TIMEOUT: Final = 1.0
"""Seconds that iamrbac waits for an answer, in a hurry."""
_SLOW: Final = TIMEOUT * 1.5
_LONGEST_SLEEP: Final = 0.02
_MOSTLY: Final = 0.9
"""botocore does not ask again for half an answer, so that seldom anything would come of a run."""
_NEVER: Final = threading.Event()
JSON: Final = {"Content-Type": "application/json"}


@contextmanager
def hurry() -> Iterator[None]:
    """Wait shortly where iamrbac and botocore wait: between attempts, and for answers."""
    real = time.sleep
    options: Any = KubeApi.__init__.__kwdefaults__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", lambda seconds: real(min(seconds, _LONGEST_SLEEP)))
        patch.setattr(transport, "WAITS", (0.0, 0.01, 0.02))
        patch.setattr(lease, "TIMEOUT", (TIMEOUT, TIMEOUT))
        patch.setitem(options, "timeout", (TIMEOUT, TIMEOUT))
        patch.setitem(options, "sleep", time.sleep)
        patch.setattr(session, "CONFIG", session.CONFIG.merge(Config(read_timeout=TIMEOUT)))
        # How it slows down when it is throttled is botocore's own affair.
        patch.setattr("botocore.retries.bucket.TokenBucket.acquire", lambda *_, **__: True)
        yield


class Faulty:
    """Of all requests breaks `rate`, in one way or another; `late`: only from the first write on.

    Some seeds have lists come in small pages.
    """

    def __init__(self, seed: int, *, rate: float = 0.3, late: bool = False) -> None:
        self.counts: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._rate = rate
        self._small_pages = self._random.random() < 0.5
        self._begun = not late
        self._lock = threading.Lock()

    def __call__(self, asked: Asked, forward: Forward) -> Said | None:
        if self._small_pages and asked.method == "GET":
            asked = replace(asked, path=asked.path.replace("limit=500", "limit=7"))
        with self._lock:
            self._begun = self._begun or is_write(asked)
            fault = self._random.choice(list(FAULTS)) if self._random.random() < self._rate * self._begun else None
            if fault == "half an answer" and asked.server == "aws" and self._random.random() < _MOSTLY:
                fault = "cut off"
            if fault is not None:
                self.counts[fault] += 1
        return forward(asked) if fault is None else FAULTS[fault](asked, forward)


def throttled(asked: Asked, _forward: Forward) -> Said | None:
    if asked.server != "aws":
        return kube_refusal(429, "TooManyRequests", **{"Retry-After": "1"})
    return aws_refusal(
        asked, 429 if _is_rest(asked) else 400, "ThrottlingException" if _is_rest(asked) else "Throttling"
    )


def broken(asked: Asked, _forward: Forward) -> Said | None:
    if asked.server != "aws":
        return kube_refusal(503, "ServiceUnavailable")
    return aws_refusal(asked, 500, "ServerException" if _is_rest(asked) else "InternalFailure")


def reset(_asked: Asked, _forward: Forward) -> Said | None:
    """The connection breaks before the server has seen anything."""
    return None


def answer_lost(asked: Asked, forward: Forward) -> Said | None:
    """The connection breaks after the server has done it."""
    forward(asked)
    return None


def slow(asked: Asked, forward: Forward) -> Said | None:
    """The answer comes when nobody waits for it any more."""
    said = forward(asked)
    _NEVER.wait(_SLOW)
    return said


def cut_off(asked: Asked, forward: Forward) -> Said | None:
    """The connection breaks in the middle of the answer."""
    said = forward(asked)
    half = len(said.body) // 2
    return replace(said, body=said.body[:half], missing=len(said.body) - half)


def half(asked: Asked, forward: Forward) -> Said | None:
    """The answer ends in the middle, and says that this is all."""
    said = forward(asked)
    return replace(said, body=said.body[: len(said.body) // 2])


def gone(asked: Asked, forward: Forward) -> Said | None:
    """The rest of a list is no longer to be had."""
    if asked.server != "aws" and "continue=" in asked.path:
        return kube_refusal(410, "Expired")
    return forward(asked)


FAULTS: Final[Mapping[str, Callable[[Asked, Forward], Said | None]]] = {
    "throttled": throttled,
    "5xx": broken,
    "reset before": reset,
    "answer lost": answer_lost,
    "too slow": slow,
    "cut off": cut_off,
    "half an answer": half,
    "list expired": gone,
}


def kube_refusal(code: int, reason: str, message: str = "injected", **headers: str) -> Said:
    """A refusal as an API server says it."""
    return Said(code, json.dumps(status(code, reason, message)).encode(), JSON | headers)


def aws_refusal(asked: Asked, code: int, name: str) -> Said:
    """A refusal as EKS says it, or IAM and STS."""
    reply = refusal(code, name, "injected") if _is_rest(asked) else query_refusal(code, name, "injected")
    return Said(reply.status, reply.body, {"Content-Type": reply.content_type, **reply.headers})


def _is_rest(asked: Asked) -> bool:
    """EKS has paths; IAM and STS are asked at the root."""
    return asked.path != "/"
