"""The guard: a process that ends others when whoever started them is gone, however that happened.

Run as a script with the folder to remove, if any. It reads `+PID` and `-PID` (process groups that began and ended)
from its standard input; only the owner holds the other end, so the end of input means that the owner was killed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final, TextIO

_WAIT_AND_EXEC: Final = 'read -r go && exec "$0" "$@" </dev/null'


class Guard:
    """Watches over process groups and one folder for as long as this process lives."""

    def __init__(self, folder: Path | None = None) -> None:
        # A session of its own: Ctrl-C in the terminal is for the owner, and this one must outlive it.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, *([str(folder)] if folder else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def start(
        self, command: Sequence[str], log: IO[bytes], environment: Mapping[str, str], folder: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a command, in a process group of its own, that the guard watches before the command does anything.

        `log` takes its output; `folder` is where it runs. Call `allow` then: a child that is not allowed to go on,
        since a signal came between its start and our knowing of it, ends.
        """
        # A group of its own: Ctrl-C in a terminal must not end etcd before the API server.
        child = subprocess.Popen(
            ["/bin/sh", "-c", _WAIT_AND_EXEC, *command],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self._tell(f"+{child.pid}")
        return child

    def release(self, pid: int) -> None:
        """Forget a group that has ended, whose number somebody else may get."""
        self._tell(f"-{pid}")

    def close(self) -> None:
        """End the guard, and whatever it still watches; the folder is its owner's business."""
        self._tell("done")
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        # A guard that somebody has killed can do nothing; what it watched still ends with `stop`.
        with contextlib.suppress(OSError, ValueError):
            if self._process.stdin is not None:
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()


def allow(child: subprocess.Popen[bytes]) -> None:
    """Let a child of `Guard.start` become its command."""
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(b"go\n")
            child.stdin.close()


def stand_guard(lines: TextIO, folder: Path | None) -> None:
    """Read who is there until the end of input; then end who still is, and remove the folder, which holds keys.

    An owner who is done, and says so, has seen to the folder.
    """
    pids: list[int] = []
    done = False
    for line in map(str.strip, lines):
        done = done or line == "done"
        if line.startswith("+"):
            pids.append(int(line[1:]))
        elif line.startswith("-") and int(line[1:]) in pids:
            pids.remove(int(line[1:]))
    for pid in reversed(pids):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    if folder is not None and not done:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    stand_guard(sys.stdin, Path(sys.argv[1]) if sys.argv[1:] else None)
