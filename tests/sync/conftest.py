"""The stage of rounds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from iamrbac.sandbox.runner import Sandbox
from tests.sync.stage import Stage


@pytest.fixture
def stage(
    tmp_path: Path,
    fresh_sandbox: Sandbox,
    admin_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Stage:
    """Everything that may go wrong comes after the first round, which went well."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setattr("iamrbac.kube.transport.WAITS", (0.0, 0.0))
    stage = Stage(tmp_path, fresh_sandbox, capsys)
    assert set(stage.results().values()) == {"done"}
    return stage
