"""Tests on a real API server and of how it is built and run: `make e2e`, nothing else, collects them."""

from __future__ import annotations

from tests.sandbox.kube.conftest import admin, login, target
from tests.sandbox.kube.http import REAL

__all__ = ["admin", "login", "target"]

collect_ignore_glob = [] if REAL else ["*"]
