"""A real Kubernetes control plane on loopback: etcd, kube-apiserver and the controllers that RBAC depends on."""

from __future__ import annotations

import http.client
import json
import shutil
import ssl
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from iamrbac.sandbox.controlplane import binaries
from iamrbac.sandbox.controlplane.errors import ControlPlaneError, tail
from iamrbac.sandbox.controlplane.files import Files, StaticUser, kubeconfig, write, write_files
from iamrbac.sandbox.controlplane.guard import Guard
from iamrbac.sandbox.controlplane.ports import free_ports
from iamrbac.sandbox.controlplane.program import Program

_CONTROLLERS: Final = StaticUser("iamrbac-sandbox-controllers", ("system:masters",), "controllers")
# Without them view, edit and admin have no rules, and a deleted namespace stays Terminating.
_NEEDED_CONTROLLERS: Final = "clusterrole-aggregation-controller,namespace-controller,serviceaccount-controller"
_READY_SECONDS: Final = 90.0
_POLL_SECONDS: Final = 0.05
_ATTEMPTS: Final = 3
_VIEW: Final = "/apis/rbac.authorization.k8s.io/v1/clusterroles/view"


class ControlPlane:
    """One control plane with its own ports, certificate authority and private folder (0700), gone with `stop`.

    `users` may log in with a static token each; `arguments` are added to kube-apiserver's. What is missing is built
    first (binaries.find). Nothing outlives this process, even where it is killed.
    """

    def __init__(self, name: str, users: Sequence[StaticUser], arguments: Sequence[str] = ()) -> None:
        self.name = name
        self._users = tuple(users)
        self._arguments = tuple(arguments)
        self._files: Files | None = None
        self._guard: Guard | None = None
        self._programs: list[Program] = []
        self._port = 0

    @property
    def url(self) -> str:
        """https://127.0.0.1:PORT. Raises RuntimeError before `start`."""
        self._running()
        return f"https://127.0.0.1:{self._port}"

    @property
    def ca_pem(self) -> str:
        """The certificate authority of the API's certificate, PEM. Raises RuntimeError before `start`."""
        return self._running().ca_pem

    @property
    def tokens(self) -> Mapping[str, str]:
        """User name → token. Raises RuntimeError before `start`."""
        tokens = self._running().tokens
        return {user.name: tokens[user.name] for user in self._users}

    @property
    def logs(self) -> Path:
        """The folder of the logs, one NAME.log for each program. Raises RuntimeError before `start`."""
        return self._running().logs

    def start(self) -> None:
        """Start everything and wait until it is of use.

        Raises BinaryError where a program cannot be had, ControlPlaneError with the end of the log where one does not
        get ready; the logs stay then.
        """
        paths = {name: binaries.find(name) for name in ("etcd", "kube-apiserver", "kube-controller-manager")}
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._start(paths)
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

    def check(self) -> None:
        """Raise ControlPlaneError, with the end of its log, for a program that has ended by itself."""
        for program in self._programs:
            program.check()

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

    def _start(self, paths: Mapping[str, Path]) -> None:
        folder = Path(tempfile.mkdtemp(prefix="iamrbac-controlplane-"))
        self._guard = Guard(folder)
        files = self._files = write_files(folder, self.name, self._users, _CONTROLLERS)
        self._port, client, peer = free_ports(3)
        config = kubeconfig(self.url, files["ca.crt"], files.tokens[_CONTROLLERS.name])
        write(folder / "controllers.json", config.encode())
        self._run("etcd", paths, _etcd(files, client, peer))
        self._run("kube-apiserver", paths, (*_api_server(files, self._port, client), *self._arguments))
        self._wait("kube-apiserver to be ready", "/readyz", lambda body: body == b"ok")
        self._run("kube-controller-manager", paths, _controllers(files))
        self._wait("the aggregated roles", _VIEW, lambda body: bool(json.loads(body).get("rules")))

    def _run(self, name: str, paths: Mapping[str, Path], arguments: Sequence[str]) -> None:
        files = self._running()
        if self._guard is not None:
            log = files.logs / f"{name}.log"
            self._programs.append(Program(name, (str(paths[name]), *arguments), log, self._guard))

    def _wait(self, what: str, path: str, done: Callable[[bytes], bool]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            self.check()
            answer = self._get(path)
            if answer is not None and done(answer):
                return
            time.sleep(_POLL_SECONDS)
        last = self._programs[-1]
        raise ControlPlaneError(
            f"waited {_READY_SECONDS:.0f} s in vain for {what}; its log ends:{tail(last.log)}",
            where=last.name,
            hint=f"read the logs in {self.logs}",
        )

    def _get(self, path: str) -> bytes | None:
        """Return the body of a 200; None for anything else."""
        files = self._running()
        context = ssl.create_default_context(cadata=files.ca_pem)
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, context=context, timeout=5)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {files.tokens[_CONTROLLERS.name]}"})
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return body if response.status == 200 else None

    def _end(self, keep_logs: bool = False) -> None:
        for program in reversed(self._programs):
            program.stop()
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


def _etcd(files: Files, client: int, peer: int) -> tuple[str, ...]:
    return (
        f"--data-dir={files['etcd']}",
        f"--listen-client-urls=http://127.0.0.1:{client}",
        f"--advertise-client-urls=http://127.0.0.1:{client}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-cluster=default=http://127.0.0.1:{peer}",
        "--unsafe-no-fsync",
    )


def _api_server(files: Files, port: int, etcd: int) -> tuple[str, ...]:
    return (
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        # A loopback address is no endpoint of the service kubernetes.
        "--endpoint-reconciler-type=none",
        f"--secure-port={port}",
        f"--cert-dir={files['certificates']}",
        f"--tls-cert-file={files['server.crt']}",
        f"--tls-private-key-file={files['server.key']}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={files['accounts.key']}",
        f"--service-account-signing-key-file={files['accounts.key']}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",
        f"--token-auth-file={files['tokens.csv']}",
        f"--authentication-config={files['authentication.json']}",
    )


def _controllers(files: Files) -> tuple[str, ...]:
    return (
        f"--kubeconfig={files['controllers.json']}",
        f"--controllers={_NEEDED_CONTROLLERS}",
        "--leader-elect=false",
        "--secure-port=0",
    )
