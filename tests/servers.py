"""Real servers in the tests: which tests need them, whether they can be had, and how many ran on them."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from iamrbac.sandbox.controlplane.binaries import ASSETS, BINARIES, missing
from tests.ci import tools

REQUIRED = "IAMRBAC_E2E"
"""Set to `required`, it makes the servers' absence a failure."""
HOW = f"install Go (https://go.dev/dl), or set {ASSETS} to a folder that has them; then `make test`"
_ran = 0


def pytest_sessionstart() -> None:
    if os.environ.get(REQUIRED) == "required" and missing():
        pytest.exit(f"no real API server: {_absent()}; {HOW}", returncode=1)
    if os.environ.get(REQUIRED) == "required" and tools.missing():
        pytest.exit(f"nothing judges the workflows: {_no_tools()}", returncode=1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if missing():
        skip = pytest.mark.skip(reason=f"no real API server: {_absent()}")
        for item in items:
            if item.get_closest_marker("e2e") is not None:
                item.add_marker(skip)
    if tools.missing():
        skip = pytest.mark.skip(reason=_no_tools())
        for item in items:
            if item.get_closest_marker("go_tool") is not None:
                item.add_marker(skip)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count what ran to its end, in this process or in its workers."""
    global _ran  # a hook of reports gets no config
    if report.when == "call" and "e2e" in report.keywords:
        _ran += 1


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Say it in the last line, after pytest's own last one."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(session.config, "workerinput"):
        return
    if tools.missing():
        reporter.write_line(f"No test judged the workflows: {_no_tools()}. Next: install Go (https://go.dev/dl)")
    if missing():
        reporter.write_line(f"No test ran on a real API server: {_absent()}. Next: {HOW}")
    else:
        reporter.write_line(f"{_ran} tests ran on real servers ({', '.join(BINARIES)}).")


def _absent() -> str:
    return f"{', '.join(missing())} neither in {ASSETS} nor built before, and Go is not on the PATH"


def _no_tools() -> str:
    return f"{', '.join(tools.missing())} not built before, and Go is not on the PATH"
