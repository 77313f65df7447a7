"""A world of git repositories for each test that asks for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.git.delivery import World
from tests.git.delivery import world as make_world


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)
