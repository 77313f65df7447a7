"""eksctl's own JSON schema, out of its Go module, which Go downloads once and checks by its sum."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

EKSCTL = "github.com/weaveworks/eksctl@v0.215.0"
SUM = "h1:oCPoubT3UsW4Y2J43Y4dNRvXHEIsgg03Y3e6wv6bKG4="
SCHEMA = "pkg/apis/eksctl.io/v1alpha5/assets/schema.json"


@lru_cache(maxsize=1)
def eksctl_schema() -> dict[str, Any]:
    """Return the schema of a ClusterConfig, which lets no unknown field through."""
    with tempfile.TemporaryDirectory() as outside:
        done = subprocess.run(
            ["go", "mod", "download", "-json", EKSCTL],
            cwd=outside,
            env=os.environ | {"GOWORK": "off", "GOFLAGS": "-mod=mod"},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    module = json.loads(done.stdout)
    assert module["Sum"] == SUM
    schema: dict[str, Any] = json.loads((Path(module["Dir"]) / SCHEMA).read_text())
    return schema
