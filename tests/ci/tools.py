"""Programs that judge our workflows and our chart, written in Go.

actionlint; gojq, which is the jq inside `gh`; Helm; and Prometheus' own promqltest, which is a Go test.

Built once from the modules that are pinned in a go.mod, as the real servers are; Helm is taken from the PATH where it
is there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from iamrbac.sandbox.controlplane.binaries import cache

_TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Tool:
    """One program: the folder of its module, its package there, and what the linker sets."""

    module: Path
    package: str
    link: tuple[str, ...] = ()
    from_path: bool = False
    """A user's own will do."""
    test: bool = False
    """It is a Go test, made a program."""

    @property
    def _files(self) -> list[Path]:
        return [self.module / "go.mod", self.module / "go.sum", *sorted(self.module.glob("*.go"))]

    @property
    def folder(self) -> Path:
        """Where it is built, for just this content of its module."""
        content = b"".join(file.read_bytes() for file in self._files)
        content += "\0".join(self.link).encode()
        return cache() / f"{self.module.name}-{hashlib.sha256(content).hexdigest()[:16]}"


HELM = "helm"
PROMQL = "promqltest"
# What its Makefile sets, or it takes every cluster for v1.20.
_HELM_LINK = tuple(
    f"-X helm.sh/helm/v3/{name}"
    for name in (
        "internal/version.version=v3.22.0",
        *(
            f"pkg/{package}.k8sVersion{part}"
            for package in ("chartutil", "lint/rules")
            for part in ("Major=1", "Minor=37")
        ),
    )
)
TOOLS = {
    "actionlint": Tool(_TESTS / "ci" / "tools", "github.com/rhysd/actionlint/cmd/actionlint"),
    "gojq": Tool(_TESTS / "ci" / "tools", "github.com/itchyny/gojq/cmd/gojq"),
    HELM: Tool(_TESTS / "deploy" / "helm", "helm.sh/helm/v3/cmd/helm", _HELM_LINK, from_path=True),
    PROMQL: Tool(_TESTS / "deploy" / "promql", ".", test=True),
}
WORKFLOWS = ("actionlint", "gojq")


def missing(names: Iterable[str] = TOOLS) -> tuple[str, ...]:
    """Return those of the tools that can neither be found nor built, since there is no Go."""
    return () if shutil.which("go") else tuple(name for name in names if _found(name) is None)


def tool(name: str) -> Path:
    """Return the path of a tool; build it where it is nowhere (a minute or two, the first time)."""
    found = _found(name)
    if found is not None:
        return found
    about = TOOLS[name]
    folder = about.folder
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    built = folder / name
    with FileLock(folder / f"{name}.lock"):
        if not built.exists():
            temporary = folder / f".{name}.new"
            build = [
                "go",
                *(("test", "-c") if about.test else ("build",)),
                "-mod=readonly",
                "-buildvcs=false",
                "-trimpath",
                "-o",
                str(temporary),
            ]
            build += [f"-ldflags={' '.join(('-s', '-w', *about.link))}", about.package]
            environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off"}
            done = subprocess.run(build, cwd=about.module, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            temporary.replace(built)
    return built


def _found(name: str) -> Path | None:
    about = TOOLS[name]
    own = shutil.which(name) if about.from_path else None
    if own is not None:
        return Path(own)
    built = about.folder / name
    return built if built.exists() else None


def main() -> int:
    """Build what is missing, so that no test has to wait for it."""
    absent = missing()
    if absent:
        sys.stderr.write(f"Without Go there is no {', '.join(absent)}; what it judges is not judged.\n")
    for name in TOOLS:
        if name not in absent:
            tool(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
