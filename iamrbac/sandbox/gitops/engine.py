"""Argo CD's own sync engine (github.com/argoproj/gitops-engine) on a cluster, in a process of its own.

It does what Argo CD does with an Application that syncs by itself, prunes and heals itself: waves in their order,
`Prune=false` honoured, nothing done where that would wipe out everything, its tracking annotation on every object. It
reads every .yaml, .yml and .json file below a folder, so the folder is one of manifests (no kustomization.yaml).
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from iamrbac.sandbox.controlplane import binaries, probe
from iamrbac.sandbox.controlplane.errors import ControlPlaneError, tail
from iamrbac.sandbox.controlplane.files import kubeconfig, write
from iamrbac.sandbox.controlplane.guard import Guard
from iamrbac.sandbox.controlplane.program import Program
from iamrbac.sandbox.gitops.repository import Checkout, Source
from iamrbac.sandbox.gitops.syncer import Synced, Target

_TIMEOUT_SECONDS: Final = 600.0
_ADDRESS: Final = re.compile(r"^listening on 127\.0\.0\.1:(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Running:
    folder: Path
    checkout: Checkout
    guard: Guard
    program: Program


class Engine:
    """Runs it, built first where it is nowhere; see Syncer. Nothing outlives this process.

    `application` is whose the objects are, in Argo CD's tracking annotation.
    """

    name = "Argo CD's sync engine"

    def __init__(self, source: Source, target: Target, application: str = "sandbox") -> None:
        self._source = source
        self._target = target
        self._application = application
        self._running: _Running | None = None
        self._port = 0

    @property
    def pid(self) -> int | None:
        """Its process; None where it does not run."""
        return None if self._running is None else self._running.program.pid

    def round(self) -> Synced:
        """Pull and sync. Raises SandboxError for git, BinaryError, or ControlPlaneError where it ended."""
        running = self._running or self._start()
        commit = running.checkout.pull()
        if commit is None:
            return Synced(None)
        if not self._port:
            self._port = _port(running.program)
        return _outcome(commit, self._ask(commit, running.program))

    def stop(self) -> None:
        """End it and remove the working copy."""
        running, self._running, self._port = self._running, None, 0
        if running is not None:
            running.program.stop()
            running.guard.close()
            shutil.rmtree(running.folder, ignore_errors=True)

    def _start(self) -> _Running:
        binary = binaries.find(binaries.GITOPS)
        folder = Path(tempfile.mkdtemp(prefix="iamrbac-gitops-"))
        guard = Guard(folder)
        try:
            write(folder / "ca.crt", self._target.ca_pem.encode())
            config = kubeconfig(self._target.url, str(folder / "ca.crt"), self._target.token)
            write(folder / "kubeconfig.json", config.encode())
            checkout = Checkout(self._source, folder / "repository")
            command = (
                *(str(binary), "--kubeconfig", str(folder / "kubeconfig.json")),
                *("--folder", str(checkout.folder / self._source.path), "--application", self._application),
            )
            # No settings of the user's, and kubectl's cache goes where everything else does.
            kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ}
            program = Program(binaries.GITOPS, command, folder / "log", guard, kept | {"HOME": str(folder)})
        except BaseException:
            guard.close()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._running = _Running(folder, checkout, guard, program)
        return self._running

    def _ask(self, commit: str, program: Program) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("POST", f"/sync?{urlencode({'revision': commit})}")
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            program.check()
            raise ControlPlaneError(f"it does not answer: {error}", where=program.name) from error
        finally:
            connection.close()
        return answer


def _port(program: Program) -> int:
    """Wait until it has read the whole cluster and listens. Raises ControlPlaneError."""
    found: list[str] = []

    def listens() -> bool:
        found.extend(_ADDRESS.findall(program.log.read_text(encoding="utf-8", errors="replace")))
        return bool(found)

    if not probe.wait(listens, program.check):
        text = f"waited {probe.READY_SECONDS:.0f} s in vain for it to be ready; its log ends:{tail(program.log)}"
        raise ControlPlaneError(text, where=program.name)
    return int(found[0])


def _outcome(commit: str, answer: dict[str, Any]) -> Synced:
    said = tuple(f"{one['object']}: {one['message'].partition(chr(10))[0]}" for one in answer["results"])
    if answer["phase"] == "Succeeded":
        return Synced(commit, said)
    refused = [one for one in answer["results"] if one["status"] == "SyncFailed"]
    first = f": {refused[0]['object']}: {refused[0]['message']}" if refused else ""
    return Synced(commit, said, f"{answer['message']}{first}")
