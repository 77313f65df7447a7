"""Tests on real servers, and nothing else: the sample's sandbox with EKS's own authenticator in front."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.conftest import Target, embedded_target, real_target
from tests.conformance.http import Client
from tests.e2e.real import RealSandbox

__all__ = ["embedded_target", "real_target"]

_GROUP = "real-sandbox"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them all; those that share the sandbox go to one worker."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if "real" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group(_GROUP))


@pytest.fixture(scope="session")
def real() -> Iterator[RealSandbox]:
    """Three clusters, one of each authentication mode; undo what you do."""
    sandbox = RealSandbox()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def admin(real_target: Target) -> Iterator[Client]:
    """A superuser's connection to an API server with RBAC alone."""
    client = Client(real_target.url, real_target.ca_pem, real_target.tokens["admin"], patient=True)
    yield client
    client.close()
