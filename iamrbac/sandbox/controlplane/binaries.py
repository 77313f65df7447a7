"""Find the programs of a real control plane: where the user has them, in the cache, or built from the Go modules here.

Kubernetes is published as Go modules, not on PyPI; the versions and their checksums are pinned in `go/*/go.mod` and
`go.sum`. A build happens once for each content of those files.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock

from iamrbac.sandbox.controlplane.errors import BinaryError, tail
from iamrbac.sandbox.controlplane.guard import Guard, allow

ASSETS: Final = "KUBEBUILDER_ASSETS"
MODULES: Final = Path(__file__).parent / "go"
_SOURCES: Final = (".mod", ".sum", ".go")
_REPORT_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.2
_KUBERNETES: Final = ("1", "36", "3")
_VERSION: Final = "k8s.io/component-base/version"


@dataclass(frozen=True, slots=True)
class Binary:
    """One program: the folder of its module, its package there, what the linker sets, and how long a build takes."""

    name: str
    module: str
    package: str
    minutes: int
    link: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """Everything after `go build` but the output."""
        flags = " ".join(("-s", "-w", *(f"-X {value}" for value in self.link)))
        return "-trimpath", "-mod=readonly", "-buildvcs=false", f"-ldflags={flags}", self.package


def _kubernetes(name: str, minutes: int) -> Binary:
    major, minor, patch = _KUBERNETES
    # Without these the server says that it is v0.0.0-master.
    values = (f"gitVersion=v{major}.{minor}.{patch}", f"gitMajor={major}", f"gitMinor={minor}")
    return Binary(name, "kubernetes", f"./{name}", minutes, tuple(f"{_VERSION}.{value}" for value in values))


GITOPS: Final = "gitops-sync"
"""Argo CD's own sync engine (github.com/argoproj/gitops-engine) with a small command around it."""
_AUTHENTICATOR: Final = "sigs.k8s.io/aws-iam-authenticator/cmd/aws-iam-authenticator"
BINARIES: Final[Mapping[str, Binary]] = {
    binary.name: binary
    for binary in (
        Binary("etcd", "etcd", ".", 1),
        _kubernetes("kube-apiserver", 6),
        _kubernetes("kube-controller-manager", 2),
        Binary("aws-iam-authenticator", "authenticator", _AUTHENTICATOR, 2),
        Binary(GITOPS, "gitops", ".", 2),
    )
}
SERVERS: Final = tuple(name for name in BINARIES if name != GITOPS)
"""What a cluster is made of; the other one is for who wants to see a cluster follow a Git repository."""


def find(name: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the path of a program (a key of BINARIES); build it, with progress on stderr, where it is nowhere.

    It is looked for in the folder that KUBEBUILDER_ASSETS names (the convention of the field's envtest), then in the
    cache. Raises BinaryError where Go is missing or the build fails, with the end of the build's log.
    """
    binary = BINARIES[name]
    assets = environment.get(ASSETS)
    if assets and os.access(Path(assets) / name, os.X_OK):
        return Path(assets) / name
    folder = cache(environment) / _key(binary)
    built = folder / name
    if built.exists():
        return built
    _make_private(folder)
    lock = FileLock(folder / f"{name}.lock")
    with lock:
        if not built.exists():
            _build(binary, built, environment)
    return built


def available(name: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether `find` would need no build."""
    assets = environment.get(ASSETS)
    places = [cache(environment) / _key(BINARIES[name]) / name, *([Path(assets) / name] if assets else [])]
    return any(os.access(place, os.X_OK) for place in places)


def missing(names: Iterable[str] = SERVERS, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return those of the programs that `find` can neither find nor build, since there is no Go."""
    if _go(environment) is not None:
        return ()
    return tuple(name for name in names if not available(name, environment))


def cache(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of what was built, XDG_CACHE_HOME/iamrbac/controlplane."""
    home = environment.get("XDG_CACHE_HOME", "")
    # The specification says to ignore a relative path.
    base = Path(home) if home.startswith("/") else Path.home() / ".cache"
    return base / "iamrbac" / "controlplane"


def _key(binary: Binary) -> str:
    """Hash of all that a build depends on, but the Go toolchain."""
    digest = hashlib.sha256("\0".join((platform.system(), platform.machine(), *binary.arguments)).encode())
    module = MODULES / binary.module
    for path in sorted(path for path in module.rglob("*") if path.suffix in _SOURCES):
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(module).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BinaryError(
            f"the cache folder cannot be made: {error.strerror}",
            where=str(folder),
            hint="set XDG_CACHE_HOME to a folder that you can write",
        ) from error


def _build(binary: Binary, built: Path, environment: Mapping[str, str]) -> None:
    go = _go(environment)
    if go is None:
        raise BinaryError(
            f"it is neither in {ASSETS} nor in {built.parent}, and Go, which would build it, is not on the PATH",
            where=binary.name,
            hint=f"install Go (https://go.dev/dl), or set {ASSETS} to a folder that has it",
        )
    temporary, log = built.with_name(f".{binary.name}.new"), built.with_name(f"{binary.name}.log")
    _say(f"Building {binary.name} with Go, once (about {binary.minutes} min on two cores); log: {log}")
    began = time.monotonic()
    code = _run_go([go, "build", "-o", str(temporary), *binary.arguments], binary, log, environment)
    if code != 0 or not temporary.exists():
        temporary.unlink(missing_ok=True)
        raise BinaryError(
            f"the build failed (go build ended with {code}):{tail(log)}",
            where=binary.name,
            hint=f"read {log}; modules come through GOPROXY, and need about 3 GB of disk",
        )
    temporary.replace(built)
    _say(f"Built {binary.name} in {time.monotonic() - began:.0f} s: {built}")


def _go(environment: Mapping[str, str]) -> str | None:
    return shutil.which("go", path=environment.get("PATH", os.defpath))


def _run_go(command: list[str], binary: Binary, log: Path, environment: Mapping[str, str]) -> int:
    """Run go in a process group of its own, so that its compilers end with it; return its exit code."""
    settings = dict(environment) | {"CGO_ENABLED": "0", "GOWORK": "off"}
    guard = Guard()
    try:
        with log.open("wb") as file:
            process = guard.start(command, file, settings, MODULES / binary.module)
        try:
            allow(process)
            return _wait(process, binary)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    finally:
        guard.close()


def _wait(process: subprocess.Popen[bytes], binary: Binary) -> int:
    began = reported = time.monotonic()
    while (code := process.poll()) is None:
        time.sleep(_POLL_SECONDS)
        now = time.monotonic()
        if now - reported >= _REPORT_SECONDS:
            reported = now
            _say(f"Still building {binary.name}: {now - began:.0f} s")
    return code


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
