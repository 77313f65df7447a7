"""Real servers in the tests: which tests need them, whether they can be had, and how many ran on them."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable

import pytest

from iamrbac.sandbox.controlplane.binaries import ASSETS, BINARIES, GITOPS, SERVERS, missing
from tests.ci import tools

REQUIRED = "IAMRBAC_E2E"
"""Set to `required`, it makes the servers' absence a failure."""
HOW = f"install Go (https://go.dev/dl), or set {ASSETS} to a folder that has them; then `make test`"
_ran = 0


def pytest_sessionstart() -> None:
    if os.environ.get(REQUIRED) == "required" and missing(BINARIES):
        pytest.exit(f"no real API server, or nothing that syncs to it: {_absent(BINARIES)}; {HOW}", returncode=1)
    if os.environ.get(REQUIRED) == "required" and tools.missing():
        pytest.exit(f"nothing judges the workflows or the chart: {_no_tools()}", returncode=1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if missing():
        _skip(items, "e2e", f"no real API server: {_absent(SERVERS)}")
    if missing([GITOPS]):
        _skip(items, "gitops_engine", f"nothing syncs from Git: {_absent([GITOPS])}")
    if tools.missing(tools.WORKFLOWS):
        _skip(items, "go_tool", _no_tools(tools.WORKFLOWS))
    if tools.missing([tools.HELM]):
        _skip(items, "helm", f"nothing renders the chart: {_no_tools([tools.HELM])}")


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
        reporter.write_line(
            f"Nothing judged the workflows or the chart: {_no_tools()}. Next: install Go (https://go.dev/dl)"
        )
    if missing():
        reporter.write_line(f"No test ran on a real API server: {_absent(SERVERS)}. Next: {HOW}")
    else:
        reporter.write_line(f"{_ran} tests ran on real servers ({', '.join(SERVERS)}).")
        if missing([GITOPS]):
            reporter.write_line(f"None had a cluster follow a Git repository: {_absent([GITOPS])}. Next: {HOW}")


def _skip(items: list[pytest.Item], marker: str, reason: str) -> None:
    for item in items:
        if item.get_closest_marker(marker) is not None:
            item.add_marker(pytest.mark.skip(reason=reason))


def _absent(names: Iterable[str]) -> str:
    return f"{', '.join(missing(names))} neither in {ASSETS} nor built before, and Go is not on the PATH"


def _no_tools(names: Iterable[str] = tools.TOOLS) -> str:
    return f"{', '.join(tools.missing(names))} not built before, and Go is not on the PATH"
