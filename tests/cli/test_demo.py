"""The demo holds without kubectl too: the official Python client with the same kubeconfig."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def path_without(tool: str) -> str:
    """Return a PATH on which a tool is not found."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not (Path(folder) / tool).exists())


def demo(path: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "iamrbac", "demo"]
    environment = os.environ | {"PATH": path, "NO_COLOR": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)


def test_every_step_holds_with_the_python_client() -> None:
    done = demo(path_without("kubectl"))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "with the official Python client" in done.stdout
    assert "All 40 checks held in " in done.stdout


def test_every_step_holds_with_what_is_on_the_path() -> None:
    done = demo(os.environ.get("PATH", os.defpath))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "All 40 checks held in " in done.stdout
