"""Programs that judge our workflows, written in Go: actionlint, and gojq, which is the jq inside `gh`.

Built once from the modules that are pinned in tools/go.mod, as the real servers are.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from filelock import FileLock

from iamrbac.sandbox.controlplane.binaries import cache

MODULE = Path(__file__).parent / "tools"
TOOLS = {"actionlint": "github.com/rhysd/actionlint/cmd/actionlint", "gojq": "github.com/itchyny/gojq/cmd/gojq"}


def missing() -> tuple[str, ...]:
    """Return the tools that can neither be found nor built, since there is no Go."""
    return () if shutil.which("go") else tuple(name for name in TOOLS if not (_folder() / name).exists())


def tool(name: str) -> Path:
    """Return the path of a tool; build it where it is not in the cache (a minute, the first time)."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    built = folder / name
    with FileLock(folder / f"{name}.lock"):
        if not built.exists():
            temporary = folder / f".{name}.new"
            build = ["go", "build", "-mod=readonly", "-buildvcs=false", "-o", str(temporary), TOOLS[name]]
            environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off"}
            done = subprocess.run(build, cwd=MODULE, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            temporary.replace(built)
    return built


def _folder() -> Path:
    content = b"".join((MODULE / name).read_bytes() for name in ("go.mod", "go.sum"))
    return cache() / f"tools-{hashlib.sha256(content).hexdigest()[:16]}"
