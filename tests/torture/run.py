"""Runs iamrbac: as a process that may be killed, or here, which spares what a process needs to start."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from iamrbac.cli.main import run as run_cli
from tests.conftest import ROOT

MEANT = ("--allow-removals", "1000")
APPLY = ("apply", "--yes", *MEANT)
UNLOCKED = (*APPLY, "--no-lock")
_SECONDS = 300


@dataclass(frozen=True)
class Ran:
    """How a run ended; a negative code is the signal that killed it."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return f"{self.out}\n{self.err}"


def start(environment: Mapping[str, str], repository: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start iamrbac as a process of its own."""
    command = [sys.executable, "-m", "iamrbac", *arguments, "-C", str(repository)]
    return subprocess.Popen(
        command, cwd=ROOT, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str]) -> Ran:
    """Wait for its end."""
    out, err = process.communicate(timeout=_SECONDS)
    return Ran(process.returncode, out, err)


_HERE = threading.Lock()


def here(environment: Mapping[str, str], repository: Path, *arguments: str) -> Ran:
    """Run iamrbac in this process."""
    out, err = io.StringIO(), io.StringIO()
    with _HERE, _environment(environment), redirect_stdout(out), redirect_stderr(err):
        code = run_cli([*arguments, "-C", str(repository)])
    return Ran(code, out.getvalue(), err.getvalue())


@contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(wanted):
            patch.delenv(name)
        for name, value in wanted.items():
            patch.setenv(name, value)
        patch.setattr("boto3.DEFAULT_SESSION", None)
        yield
