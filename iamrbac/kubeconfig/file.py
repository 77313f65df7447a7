"""The kubeconfig on disk: read, merged and replaced under the lock that kubectl takes too; whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from iamrbac.model.errors import KubeconfigError

PATIENCE = 10.0
"""Seconds to wait for another program's lock."""
_POLL = 0.05


def locate(environ: Mapping[str, str]) -> Path:
    """Return the file that kubectl writes to: the first of KUBECONFIG, or ~/.kube/config. Raises KubeconfigError."""
    named = [part for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    try:
        return Path(named[0]) if named else Path("~/.kube/config").expanduser()
    except RuntimeError as error:
        raise KubeconfigError("there is no home directory", hint="set KUBECONFIG") from error


def rewrite(path: Path, change: Callable[[str], str], patience: float = PATIENCE) -> bool:
    """Replace the file's text by `change` of it; say whether it changed at all. A missing file is an empty text.

    A link stays a link, an existing file keeps its mode, a new one is readable by its owner only. Raises
    KubeconfigError, and leaves the file as it was, when it cannot be read, changed, locked or written.
    """
    with _explained(path, "written"):
        real = path.resolve()
        real.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(path, patience):
            before = _read(real)
            after = change(before or "")
            if after == before:
                return False
            _replace(real, after)
            return True


def read(path: Path) -> str:
    """Return the file's text, empty for a missing file. Raises KubeconfigError."""
    with _explained(path, "read"):
        return _read(path.resolve()) or ""


@contextmanager
def _explained(path: Path, doing: str) -> Iterator[None]:
    try:
        yield
    except KubeconfigError as error:
        raise KubeconfigError(error.message, where=error.where or str(path), hint=error.hint) from error
    except (OSError, RuntimeError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise KubeconfigError(
            f"it cannot be {doing}: {reason}", where=str(path), hint="name another file with --kubeconfig FILE"
        ) from error


def _read(path: Path) -> str | None:
    """Return the text, None for a missing file. Raises KubeconfigError or OSError."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
        raise KubeconfigError(f"it is {kind}", hint="name a file with --kubeconfig or KUBECONFIG")
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise KubeconfigError("it is not UTF-8 text", hint="name another file with --kubeconfig FILE") from error


def _replace(path: Path, text: str) -> None:
    """Put a new file in the place of the old one at once, so that nobody ever reads half of it."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            with suppress(FileNotFoundError):
                old = path.stat()
                os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode))
                if old.st_uid != os.geteuid():
                    os.fchown(file.fileno(), old.st_uid, old.st_gid)
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    """Let the new name survive a power cut, where the file system can."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _locked(path: Path, patience: float) -> Iterator[None]:
    """Hold client-go's lock: a file beside the kubeconfig that only one program can create."""
    lock = path.with_name(f"{path.name}.lock")
    deadline = time.monotonic() + patience
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL, 0))
            break
        except FileExistsError as error:
            if time.monotonic() > deadline:
                raise KubeconfigError(
                    f"another program holds its lock since {patience:g} seconds",
                    hint=f"if none is running, delete {lock}",
                ) from error
            time.sleep(_POLL)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
