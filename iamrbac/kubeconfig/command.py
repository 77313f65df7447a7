"""How kubectl will run iamrbac: an absolute path, since kubectl's PATH may be another one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


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
