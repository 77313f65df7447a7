"""One running program of the control plane: its own process group, its log, its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from iamrbac.sandbox.controlplane.errors import ControlPlaneError, tail
from iamrbac.sandbox.controlplane.guard import Guard, allow

_GRACE_SECONDS: Final = 10.0


class Program:
    """A child that runs from construction to `stop`; its output goes to `log`. One that is not `polite` does nothing on
    SIGTERM.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        guard: Guard,
        environment: Mapping[str, str] | None = None,
        *,
        polite: bool = True,
    ) -> None:
        self.name = name
        self._polite = polite
        self.log = log
        self._guard = guard
        settings = _environment() if environment is None else environment
        with log.open("wb") as file:
            self._process = guard.start(command, file, settings)
        allow(self._process)

    @property
    def pid(self) -> int:
        """The process, which leads its group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def check(self) -> None:
        """Raise ControlPlaneError with the end of its log where it has ended."""
        code = self._process.poll()
        if code is not None:
            raise ControlPlaneError(
                f"it ended by itself with {code}; its log ends:{tail(self.log)}",
                where=self.name,
                hint=f"read {self.log}",
            )

    def stop(self, *, wait: bool = True) -> None:
        """Ask it to end, wait (unless that is in vain), and kill what is left of its group."""
        wait = wait and self._polite
        if wait:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
        try:
            self._process.wait(_GRACE_SECONDS if wait else 0)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._guard.release(self._process.pid)


def _environment() -> dict[str, str]:
    """No proxy, no credentials, no Kubernetes of the user's: only what a program needs to run."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
