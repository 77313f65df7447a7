"""Run somebody's command in a sandbox: its signals, its exit code, and the codes that are ours (as env has them)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from iamrbac.model.errors import IamrbacError

CANNOT_START, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CommandError(IamrbacError):
    """The command cannot be executed."""

    code = "ERR602"
    exit_code = NOT_EXECUTABLE


class StoppedError(BaseException):
    """A signal asks to stop. Not an Exception, so that nothing on the way takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM and SIGHUP into StoppedError, so that whatever was started is stopped on the way out."""

    def stop(number: int, _frame: FrameType | None) -> None:
        ignore_signals()
        raise StoppedError(number)

    with _handlers(stop):
        yield


def ignore_signals() -> None:
    """From here on nothing interrupts the cleaning up, until `stoppable` ends."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def find(command: str, environment: Mapping[str, str]) -> int:
    """Return 0 for a command that can be run, else 126 or 127."""
    path = environment.get("PATH", os.defpath)
    if shutil.which(command, path=path) is not None:
        return 0
    there = [Path(command)] if os.sep in command else [Path(folder) / command for folder in path.split(os.pathsep)]
    return NOT_EXECUTABLE if any(one.exists() for one in there) else NOT_FOUND


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command (no shell) and return its exit code; 128 + n where a signal ended it.

    Raises CommandError where the system does not execute it (`find` sees most of that before).

    SIGTERM and SIGHUP are passed on. So is SIGINT, except where the terminal has sent it to the command already.
    """
    path = environment.get("PATH", os.defpath)
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if child is None:
            early.append(number)
        elif number != signal.SIGINT or not _in_foreground():
            child.send_signal(number)

    with _handlers(pass_on):
        try:
            child = subprocess.Popen(
                list(command), env=dict(environment), executable=shutil.which(command[0], path=path)
            )
        except OSError as error:
            raise CommandError(f"cannot be executed: {error.strerror}", where=command[0]) from error
        for number in early:
            child.send_signal(number)
        code = child.wait()
    return code if code >= 0 else 128 - code


@contextmanager
def _handlers(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _in_foreground() -> bool:
    """Return whether a terminal's Ctrl-C goes to us and our children alike."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
