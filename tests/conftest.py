"""Fixtures that any test may want: a running sandbox of the sample repository, one per test process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from iamrbac.sandbox.runner import Sandbox

pytest_plugins = ["tests.servers", "tests.web"]
_RUNNING: list[Sandbox] = []
_USED: list[Sandbox] = []
ROOT = Path(__file__).parents[1]
# A machine that is busy with other tests is no reason to call one slow.
# CI judges a change by the same examples each time: what it finds is the change's. New ones are looked for by whoever
# works here, and by `make fuzz`.
settings.register_profile(
    "shared",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("IAMRBAC_E2E") == "required",
)
settings.load_profile("shared")


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where local backups go: not to the home of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("state")
        patch.setenv("XDG_STATE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """AWS and the sample's three clusters, shared by a process's tests: use names of your own, undo what you do."""
    from iamrbac.documents.files import FileRepository
    from iamrbac.sandbox.runner import Sandbox
    from iamrbac.sandbox.spec import read_spec
    from iamrbac.usecases.load import load

    documents = load(FileRepository(ROOT)).readable
    assert documents is not None
    with Sandbox(documents, read_spec(ROOT), ROOT) as running:
        _RUNNING.append(running)
        yield running
        _RUNNING.clear()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Start the sandbox anew where a test has had it for itself, or has wiped moto, whose state is the process's.

    Here, before any fixture, so that no fixture keeps what it knew of the one before.
    """
    names = getattr(item, "fixturenames", ())
    for running in _RUNNING if "sandbox" in names else ():
        if _USED or "fresh_sandbox" in names or not running.intact:
            running.stop()
            running.start()
            _USED.clear()


@pytest.fixture
def fresh_sandbox(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The same sandbox, started anew for this test (0.1 s): nothing of earlier tests is left, nor of this one after."""
    yield sandbox
    _USED.append(sandbox)


@pytest.fixture
def admin_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of the sandbox's admin, set in this process too, so that boto3's defaults find it."""
    environment = sandbox.environment()
    for name in set(os.environ) - set(environment):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # boto3 reads the environment once, for all that do not bring a session.
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    return environment
