"""Wait for what something else does, widely bounded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

_PATIENCE_SECONDS = 180.0


def until(ask: Callable[[], Any], expected: Any) -> None:
    """Ask until the answer is the expected one."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (got := ask()) != expected:
        assert time.monotonic() < deadline, got
        time.sleep(0.05)
