"""Programs that read a kubeconfig as their libraries do: Go's client-go and Python's official client."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Final

from filelock import FileLock

from iamrbac.sandbox.controlplane.binaries import cache

_MODULE: Final = Path(__file__).parent / "goclient"
PYTHON: Final = """\
import sys
from kubernetes import client, config

api = client.CoreV1Api(config.new_client_from_config(context=sys.argv[1]))
try:
    api.list_namespaced_pod(sys.argv[2])
except client.ApiException as error:
    print(error.status)
else:
    print(200)
"""
"""Prints the HTTP status of a list of pods: CONTEXT NAMESPACE."""


def goclient() -> Path:
    """Return the program with client-go; build it where it is not in the cache (a minute, the first time)."""
    content = b"".join((_MODULE / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))
    folder = cache() / f"goclient-{hashlib.sha256(content).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    built = folder / "goclient"
    with FileLock(folder / "goclient.lock"):
        if not built.exists():
            temporary = folder / ".goclient.new"
            build = ["go", "build", "-trimpath", "-mod=readonly", "-buildvcs=false", "-o", str(temporary), "."]
            environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off"}
            done = subprocess.run(build, cwd=_MODULE, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            temporary.replace(built)
    return built
