"""What README shows of `iamrbac diff` is what it prints, on the sample repository with README's own gates and change.

`UPDATE_GOLDEN=1 pytest tests/test_readme_diff.py` pastes the real output.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from iamrbac.cli.main import run
from tests.cli.changes import AT
from tests.conftest import ROOT
from tests.git.repo import Repo

README = ROOT / "README.md"
BLOCK = re.compile(r"```text\n\$ iamrbac diff --base main\n(.*?)```", re.DOTALL)
BEFORE = "role: {clusterRole: view}"


def test_the_diff_in_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("iamrbac.cli.diff.at_now", lambda: AT)
    text = README.read_text()
    section = text.split("## What a change means: diff", 1)[1].split("\n## ", 1)[0]
    gates = re.search(r"```yaml\n(gates:\n.*?)```", section, re.DOTALL)
    change = re.search(r"gives the developers of payments `(role: [^`]*)`", section)
    assert gates is not None
    assert change is not None
    folder = tmp_path / "acme"
    shutil.copytree(ROOT / "policies", folder / "policies")
    (folder / "iamrbac.yaml").write_text((ROOT / "iamrbac.yaml").read_text() + "\n" + gates.group(1))
    repo = Repo.init(folder)
    repo.commit({})
    policy = (ROOT / "policies" / "payments.yaml").read_text()
    assert policy.count(BEFORE) == 1
    repo.write({"policies/payments.yaml": policy.replace(BEFORE, change.group(1))})
    assert run(["diff", "-C", str(folder), "--base", "main"]) == 3
    true = BLOCK.sub(lambda _: f"```text\n$ iamrbac diff --base main\n{capsys.readouterr().out}```", text)
    if os.environ.get("UPDATE_GOLDEN"):
        README.write_text(true)
    assert BLOCK.search(text) is not None
    assert true == text
