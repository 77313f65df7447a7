"""The AWS CLI in a virtual environment of its own: it brings a botocore of its own, which would take ours' place."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from iamrbac.sandbox.controlplane.binaries import cache

VERSION = "1.46.3"


class CannotInstallError(Exception):
    """There is no AWS CLI, and none can be installed."""


def aws_cli() -> Path:
    """Return the path of `aws` for this interpreter; it is installed where it is not in the cache (a minute).

    Raises CannotInstallError.
    """
    folder = cache() / f"aws-cli-{VERSION}-py{sys.version_info.major}.{sys.version_info.minor}"
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"awscli=={VERSION}"]
            _run([sys.executable, "-m", "venv", str(folder)])
            _run([str(folder / "bin/python"), *install])
            (folder / "done").touch()
    return folder / "bin/aws"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CannotInstallError(f"the AWS CLI {VERSION} cannot be installed: {last}")
