"""The locks of a kubeconfig: client-go's, which every kubectl takes, and a queue of iamrbac's own before it.

client-go creates FILE.lock and fails at once where that is there already (tools/clientcmd/loader.go: lockFile); nobody
waits in turn for a file to go. So those who run iamrbac wait for each other at the folder (flock), where the kernel
wakes one after the other and forgets those that were killed, and only the first of them asks for FILE.lock.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from iamrbac.model.errors import KubeconfigError

PATIENCE: Final = 10.0
"""Seconds to wait for another program's lock; for our own kind, as much for each of a few."""
_QUEUE: Final = 6
_POLL: Final = 0.02
_NO_ENTRY: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR})
"""Whoever cannot make a lock there cannot write there either, and says so when it comes to that."""


@contextmanager
def locked(paths: Sequence[Path], patience: float = PATIENCE) -> Iterator[None]:
    """Hold the locks of these files, by the names they are called by and those that links lead to.

    In kubectl's order (sorted), so that nobody waits for the other. Raises KubeconfigError after `patience` seconds.
    """
    try:
        names = sorted({*map(str, paths), *(str(path.resolve()) for path in paths)})
    except (OSError, RuntimeError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise KubeconfigError(
            f"it cannot be written: {reason}", where=str(paths[0]), hint="name another file with --kubeconfig FILE"
        ) from error
    folders = sorted({str(Path(name).absolute().parent.resolve()) for name in names})
    with ExitStack() as stack:
        turns = [stack.enter_context(_turn(folder, patience * _QUEUE, names[0])) for folder in folders]
        for name in names:
            stack.enter_context(_lock(Path(f"{name}.lock"), patience, name, alone=all(turns)))
        yield


@contextmanager
def _turn(folder: str, patience: float, name: str) -> Iterator[bool]:
    """Wait for every other iamrbac at this folder; say whether that is sure (some file systems have no such lock)."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    state = _Flock(handle)
    if not state.take(patience):
        raise KubeconfigError(
            f"other iamrbac processes have been writing it for {patience:g} seconds",
            where=name,
            hint="try again when they are done",
        )
    try:
        yield state.held
    finally:
        os.close(handle)


class _Flock:
    """A lock of the kernel's, waited for in a thread, since such a wait has no bound of its own."""

    def __init__(self, handle: int) -> None:
        self.held = False
        self._handle = handle
        self._given_up = False
        self._guard = threading.Lock()

    def take(self, patience: float) -> bool:
        """Wait; False when it took too long. The handle closes itself then."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._waited(patience)
        except OSError:
            return True
        self.held = True
        return True

    def _waited(self, patience: float) -> bool:
        waiting = threading.Thread(target=self._wait, daemon=True)
        waiting.start()
        waiting.join(patience)
        with self._guard:
            self._given_up = waiting.is_alive() and not self.held
            return not self._given_up

    def _wait(self) -> None:
        with suppress(OSError):
            fcntl.flock(self._handle, fcntl.LOCK_EX)
            with self._guard:
                self.held = not self._given_up
        if self._given_up:
            os.close(self._handle)


@contextmanager
def _lock(lock: Path, patience: float, name: str, *, alone: bool) -> Iterator[None]:
    """Hold client-go's lock. With `alone`, one that an iamrbac of this machine left is of one that was killed."""
    ours = f"iamrbac {socket.gethostname()}\n".encode()
    deadline = time.monotonic() + patience
    made = False
    while not made:
        try:
            handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            made = True
        except FileExistsError as error:
            if alone and _content(lock) == ours:
                lock.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise KubeconfigError(
                    f"it is locked by another program: {lock} is there since {_age(lock)}",
                    where=name,
                    hint=f"if no kubectl or iamrbac is writing it, one that was killed left the lock: rm {lock}",
                ) from error
            else:
                time.sleep(_POLL)
        except OSError as error:
            if error.errno in _NO_ENTRY:
                break
            reason = os.strerror(error.errno or 0)
            raise KubeconfigError(
                f"it cannot be locked: {reason}", where=name, hint="name another file with --kubeconfig FILE"
            ) from error
    try:
        if made:
            with suppress(OSError):
                os.write(handle, ours)
            os.close(handle)
        yield
    finally:
        if made:
            lock.unlink(missing_ok=True)


def _content(lock: Path) -> bytes:
    try:
        return lock.read_bytes()
    except OSError:
        return b""


def _age(lock: Path) -> str:
    """Return how old a lock is, in words."""
    try:
        seconds = max(0, int(time.time() - lock.stat().st_mtime))
    except OSError:
        return "a moment"
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            number = seconds // size
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"
