"""Torture: kills, races, faults and lock-outs, on real API servers and EKS's authenticator behind proxies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.torture.ground import Ground
from tests.torture.repository import write
from tests.torture.road import Road


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the servers; all of that goes to one worker."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and "ground" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.xdist_group("torture"))


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Two clusters, one of each mapping; leave nothing of yours there."""
    found = Ground(write(tmp_path_factory.mktemp("sandbox") / "repository", "before"))
    yield found
    found.stop()


@pytest.fixture(scope="session")
def road(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Road:
    """The road between two states of a repository; be at one of its ends when you are done."""
    return Road(ground, tmp_path_factory.mktemp("road"))
