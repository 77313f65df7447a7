"""How kubectl will get a token: a program by its absolute path, since kubectl's PATH may be another one."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plugin:
    """An exec plug-in."""

    command: tuple[str, ...]
    """A program and its first arguments."""
    aws: bool = False
    """It is the AWS CLI, not iamrbac."""


def plugin_of(name: str) -> Plugin:
    """Return the plug-in `iamrbac` or `aws`."""
    return Plugin(aws_command(), aws=True) if name == "aws" else Plugin(iamrbac_command())


def iamrbac_command() -> tuple[str, ...]:
    """Return the program and its first arguments.

    The name on the PATH where it is this installation (it may be a link that outlives an upgrade), else the script
    beside this Python, else this Python with `-m iamrbac`.
    """
    script = Path(sys.executable).parent / "iamrbac"
    found = shutil.which("iamrbac")
    if found is not None and script.exists() and Path(found).resolve() == script.resolve():
        return (str(Path(found).absolute()),)
    if script.exists():
        return (str(script),)
    return (sys.executable, "-m", "iamrbac")


def aws_command() -> tuple[str, ...]:
    """Return the AWS CLI on the PATH; without one its bare name, for the machine that the kubeconfig is for."""
    found = shutil.which("aws")
    return (str(Path(found).absolute()) if found is not None else "aws",)
