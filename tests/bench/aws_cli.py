"""The AWS CLI in a virtual environment of its own: it brings a botocore of its own, which would take ours' place."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from iamrbac.sandbox.controlplane.binaries import cache

VERSION = "1.46.3"


def aws_cli() -> Path:
    """Return the path of `aws` of this interpreter; it is installed where it is not in the cache (a minute)."""
    folder = cache() / f"aws-cli-{VERSION}-py{sys.version_info.major}.{sys.version_info.minor}"
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            install = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*install, f"awscli=={VERSION}"], check=True)
            (folder / "done").touch()
    return folder / "bin/aws"
