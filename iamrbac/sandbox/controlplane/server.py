"""A real Kubernetes control plane on loopback: etcd, kube-apiserver and the controllers that RBAC depends on."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from iamrbac.sandbox.controlplane import arguments, binaries, probe
from iamrbac.sandbox.controlplane.errors import ControlPlaneError, tail
from iamrbac.sandbox.controlplane.files import Files, StaticUser, kubeconfig, write, write_files
from iamrbac.sandbox.controlplane.guard import Guard
from iamrbac.sandbox.controlplane.ports import free_ports
from iamrbac.sandbox.controlplane.program import Program

_CONTROLLERS: Final = StaticUser("iamrbac-sandbox-controllers", ("system:masters",), "controllers")
_ATTEMPTS: Final = 3
_VIEW: Final = "/apis/rbac.authorization.k8s.io/v1/clusterroles/view"


class Front(Protocol):
    """What stands between callers and the API server."""

    programs: Sequence[str]
    """What it will run."""

    def arguments(self, files: Files) -> Sequence[str]:
        """Write what the API server has to read into the private folder; return its arguments for that."""
        ...

    def begin(self, plane: ControlPlane) -> None:
        """The API server is ready: start what serves it."""
        ...


class Plain:
    """No front: static tokens, RBAC, and these further arguments of kube-apiserver."""

    programs: Sequence[str] = ()

    def __init__(self, *more: str) -> None:
        self._more = more

    def arguments(self, _files: Files) -> Sequence[str]:
        """RBAC alone, and these."""
        return ("--authorization-mode=RBAC", *self._more)

    def begin(self, _plane: ControlPlane) -> None:
        """Nothing to start."""


class ControlPlane:
    """One control plane with its own ports, certificate authority and private folder (0700), gone with `stop`.

    `users` may log in with a static token each. What is missing is built first (binaries.find). Nothing outlives this
    process, even where it is killed.
    """

    def __init__(self, name: str, users: Sequence[StaticUser], front: Front | None = None) -> None:
        self.name = name
        self._users = tuple(users)
        self._front = front or Plain()
        self._files: Files | None = None
        self._guard: Guard | None = None
        self._programs: list[Program] = []
        self._port = 0

    @property
    def url(self) -> str:
        """https://127.0.0.1:PORT. Raises RuntimeError before `launch`."""
        self._running()
        return f"https://127.0.0.1:{self._port}"

    @property
    def ca_pem(self) -> str:
        """The certificate authority of the API's certificate, PEM. Raises RuntimeError before `launch`."""
        return self._running().ca_pem

    @property
    def tokens(self) -> Mapping[str, str]:
        """User name → token. Raises RuntimeError before `launch`."""
        tokens = self._running().tokens
        return {user.name: tokens[user.name] for user in self._users}

    @property
    def logs(self) -> Path:
        """The folder of the logs, one NAME.log for each program. Raises RuntimeError before `launch`."""
        return self._running().logs

    @property
    def admin_config(self) -> str:
        """A kubeconfig file of a member of system:masters. Raises RuntimeError before `launch`."""
        return self._running()["controllers.json"]

    def start(self) -> None:
        """Launch, and wait until everything is of use. Raises what these two raise."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start etcd and the API server, without waiting for them. Raises BinaryError where one cannot be had."""
        for name in ("etcd", "kube-apiserver", "kube-controller-manager", *self._front.programs):
            binaries.find(name)
        try:
            self._launch()
        except BaseException:
            self._end()
            raise

    def wait(self) -> None:
        """Wait until everything is of use.

        Raises BinaryError where a program cannot be had, ControlPlaneError with the end of the log where one does not
        get ready; the logs stay then.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                if attempt > 1:
                    self._launch()
                self._settle()
            except ControlPlaneError as error:
                self._end(keep_logs=True)
                # Somebody took a port between our choice and its use.
                if "address already in use" not in error.message or attempt == _ATTEMPTS:
                    raise
            except BaseException:
                self._end()
                raise
            else:
                return

    def run(
        self, name: str, more: Sequence[str], environment: Mapping[str, str] | None = None, *, polite: bool = True
    ) -> Program:
        """Run one more program; `stop` ends the last one first. Raises BinaryError. `polite` as Program has it."""
        if self._guard is None:
            raise RuntimeError(f"the control plane {self.name} is not running")
        log = self._running().logs / f"{name}.log"
        program = Program(name, (str(binaries.find(name)), *more), log, self._guard, environment, polite=polite)
        self._programs.append(program)
        return program

    def end(self, program: Program) -> None:
        """End a program of `run` before the others."""
        self._programs.remove(program)
        program.stop()

    def check(self) -> None:
        """Raise ControlPlaneError, with the end of its log, for a program that has ended by itself."""
        for program in tuple(self._programs):
            program.check()

    def expect(self, what: str, done: Callable[[], bool]) -> None:
        """Wait for something that the last program has to do. Raises ControlPlaneError where it is in vain."""
        if not probe.wait(done, self.check):
            last = self._programs[-1]
            raise ControlPlaneError(
                f"waited {probe.READY_SECONDS:.0f} s in vain for {what}; its log ends:{tail(last.log)}",
                where=last.name,
                hint=f"read the logs in {self.logs}",
            )

    def stop(self) -> None:
        """End the programs, the API server before etcd (which it would wait for), and remove the folder."""
        self._end()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        dead = [program for program in self._programs if not program.running]
        try:
            if dead and error is None:
                dead[0].check()
        finally:
            self._end(keep_logs=bool(dead))

    def _running(self) -> Files:
        if self._files is None:
            raise RuntimeError(f"the control plane {self.name} is not running")
        return self._files

    def _launch(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="iamrbac-controlplane-"))
        self._guard = Guard(folder)
        files = self._files = write_files(folder, self.name, self._users, _CONTROLLERS)
        self._port, client, peer = free_ports(3)
        config = kubeconfig(self.url, files["ca.crt"], files.tokens[_CONTROLLERS.name])
        write(folder / "controllers.json", config.encode())
        more = self._front.arguments(files)
        self.run("etcd", arguments.etcd(files, client, peer))
        self.run("kube-apiserver", (*arguments.api_server(files, self._port, client), *more))

    def _settle(self) -> None:
        self.expect("kube-apiserver to be ready", lambda: self._get("/readyz") == b"ok")
        self.run("kube-controller-manager", arguments.controllers(self._running()))
        self.expect("the aggregated roles", lambda: bool(json.loads(self._get(_VIEW) or b"{}").get("rules")))
        self._front.begin(self)

    def _get(self, path: str) -> bytes | None:
        files = self._running()
        return probe.get(self._port, path, files.ca_pem, files.tokens[_CONTROLLERS.name])

    def _end(self, keep_logs: bool = False) -> None:
        # An API server whose etcd is gone waits for it.
        whole = all(program.running for program in self._programs)
        for program in reversed(self._programs):
            program.stop(wait=whole)
        self._programs.clear()
        if self._files is not None:
            _remove(self._files, keep_logs)
        self._files = None
        if self._guard is not None:
            self._guard.close()
        self._guard = None


def _remove(files: Files, keep_logs: bool) -> None:
    """Remove the folder, or all of it but the logs."""
    if not keep_logs:
        shutil.rmtree(files.folder, ignore_errors=True)
        return
    for path in files.folder.iterdir():
        if path.is_dir() and path != files.logs:
            shutil.rmtree(path, ignore_errors=True)
        elif path.is_file():
            path.unlink()
