"""What README shows of delivery by Git is what the commands print; a stand-in for Argo CD syncs between the blocks.

`UPDATE_GOLDEN=1 pytest tests/test_readme_gitops.py` pastes the real output.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from iamrbac.sandbox.gitops.story import prepare, syncing, variables
from iamrbac.sandbox.runner import Sandbox
from tests.conftest import ROOT
from tests.test_readme import README, Session

BLOCK = re.compile(r"```console gitops\n(.*?)```", re.DOTALL)
TIME = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
COMMIT = re.compile(r"(?<![0-9a-f])(?!111122223333)[0-9a-f]{12}(?![0-9a-f])")
"""A short commit, which may be digits alone; the account is none."""


def test_every_block_about_delivery_by_git_prints_what_it_shows(
    fresh_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "repo"
    shutil.copytree(ROOT / "policies", folder / "policies")
    shutil.copy(ROOT / "iamrbac.yaml", folder)
    for name, value in variables(fresh_sandbox).items():
        monkeypatch.setenv(name, value)
    prepare(folder)
    session = Session(fresh_sandbox, folder)
    text = README.read_text()
    true = text
    with syncing(fresh_sandbox, folder) as syncer:
        for match in BLOCK.finditer(text):
            said = TIME.sub("2026-11-26T10:00:00Z", COMMIT.sub("0a1b2c3d4e5f", session.block(match.group(1))))
            true = true.replace(match.group(0), f"```console gitops\n{said}```")
            assert syncer.round().problem is None
    if os.environ.get("UPDATE_GOLDEN"):
        README.write_text(true)
    assert len(BLOCK.findall(text)) > 1
    assert true == text
