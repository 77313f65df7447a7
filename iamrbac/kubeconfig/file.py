"""Kubeconfigs on disk: read, merged and replaced under the locks that kubectl takes too; whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from iamrbac.kubeconfig.locks import PATIENCE, locked
from iamrbac.model.errors import KubeconfigError

_OTHER: Final = "name another file with --kubeconfig FILE"
_TRIES: Final = 20
Texts = tuple[str, ...]


def locate(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the files that kubectl reads: KUBECONFIG's, each once, or ~/.kube/config. Raises KubeconfigError."""
    named = dict.fromkeys(part for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part)
    try:
        return tuple(map(Path, named)) or (Path("~/.kube/config").expanduser(),)
    except RuntimeError as error:
        raise KubeconfigError("there is no home directory", hint="set KUBECONFIG") from error


def home_of(paths: Sequence[Path]) -> int:
    """Return which file kubectl puts new entries into: the first that is there, else the last.

    Source: client-go, tools/clientcmd/config.go, GetDefaultFilename.
    """
    return next((index for index, path in enumerate(paths) if path.exists()), len(paths) - 1)


def read(paths: Sequence[Path]) -> Texts:
    """Return the files' texts, empty for a missing file. Raises KubeconfigError."""
    return tuple(_read(path)[0] for path in paths)


def rewrite(
    paths: Sequence[Path], change: Callable[[Texts], Sequence[str]], patience: float = PATIENCE
) -> tuple[Texts, Texts]:
    """Replace the files' texts by `change` of them; return them before and after. A missing file is an empty text.

    Without a change nothing is locked. A link stays a link, an existing file keeps its mode and owner, a new one is
    readable by its owner only. Raises KubeconfigError, and leaves the files as they were, when one cannot be read,
    changed, locked or written.
    """
    with suppress(KubeconfigError):
        # Unlocked, it may be half written; what it is then judged to be counts only if there is nothing to do.
        texts = read(paths)
        if tuple(change(texts)) == texts:
            return texts, texts
    home = paths[home_of(paths)]
    with _explained(home):
        home.resolve().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(paths, patience):
        for _ in range(_TRIES):
            found = [_read(path) for path in paths]
            before = tuple(text for text, _ in found)
            after = tuple(change(before))
            if all(_state(path) == state for path, (_, state) in zip(paths, found, strict=True)):
                for path, was, will in zip(paths, before, after, strict=True):
                    if will != was:
                        with _explained(path):
                            _replace(path.resolve(), will)
                return before, after
    raise KubeconfigError("another program keeps writing it", where=str(home), hint="try again")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except KubeconfigError as error:
        raise KubeconfigError(error.message, where=error.where or str(path), hint=error.hint) from error
    except (OSError, RuntimeError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise KubeconfigError(f"it cannot be written: {reason}", where=str(path), hint=_OTHER) from error


def _state(path: Path) -> tuple[int, int, int] | None:
    """Return what changes whenever a file is written or replaced; None for a missing one."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _read(path: Path) -> tuple[str, tuple[int, int, int] | None]:
    """Return the text, empty for a missing file, and its state before it was read. Raises KubeconfigError."""
    state = _state(path)
    with _explained(path):
        try:
            mode = path.resolve().stat().st_mode
            if not stat.S_ISREG(mode):
                kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
                raise KubeconfigError(f"it is {kind}", hint="name a file with --kubeconfig or KUBECONFIG")
            return path.read_bytes().decode("utf-8"), state
        except FileNotFoundError:
            return "", state
        except UnicodeDecodeError as error:
            raise KubeconfigError("it is not UTF-8 text", hint=_OTHER) from error
        except PermissionError as error:
            raise KubeconfigError("it cannot be read: Permission denied", hint=_OTHER) from error


def _replace(path: Path, text: str) -> None:
    """Put a new file in the place of the old one at once, so that nobody ever reads half of it."""
    old = path.stat() if path.exists() else None
    if old is not None and not (old.st_mode & 0o222 and os.access(path, os.W_OK)):
        raise KubeconfigError("it is read-only", hint=f"let yourself write it: chmod u+w {path}; or {_OTHER}")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            if old is not None:
                _own(file.fileno(), old)
                os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode))
                _copy_attributes(path, name)
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _own(handle: int, old: os.stat_result) -> None:
    """Give the new file the owner and the group of the old one. Raises KubeconfigError where that cannot be."""
    new = os.fstat(handle)
    if (new.st_uid, new.st_gid) == (old.st_uid, old.st_gid):
        return
    try:
        os.fchown(handle, old.st_uid, old.st_gid)
    except PermissionError as error:
        if old.st_uid == new.st_uid and not old.st_mode & 0o070:
            return
        whose = f"user {old.st_uid}, group {old.st_gid}"
        raise KubeconfigError(f"it belongs to {whose}, and would not any more", hint=_OTHER) from error


def _copy_attributes(old: Path, new: str) -> None:
    """Keep access lists and security labels, where there are any and the file system lets us."""
    if sys.platform == "linux":
        with suppress(OSError):
            for name in os.listxattr(old):
                os.setxattr(new, name, os.getxattr(old, name))


def _sync_directory(path: Path) -> None:
    """Let the new name survive a power cut, where the file system can."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
