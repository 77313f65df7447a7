"""A sandbox: AWS and the EKS clusters of a config on loopback, with people, until it is stopped."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from moto.core.base_backend import BackendDict

from iamrbac.compile.documents import Documents
from iamrbac.sandbox import shell
from iamrbac.sandbox.aws.server import AwsServer
from iamrbac.sandbox.clusters import Cluster, connect, make_cluster
from iamrbac.sandbox.errors import SandboxError
from iamrbac.sandbox.people import Directory, Profile
from iamrbac.sandbox.spec import SandboxSpec
from iamrbac.sandbox.world import World, world

if TYPE_CHECKING:
    from iamrbac.sandbox.controlplane.sts import StsProxy

KubeKind: TypeAlias = Literal["embedded", "real"]
# moto keeps its state in the process, so a process has one sandbox; several sandboxes are several processes.
_ONE_PER_PROCESS = Lock()


class Sandbox:
    """Start with `with`, or `start` and `stop`. Nothing outside loopback is contacted.

    `root` is the access repository's folder, which sandbox.yaml's manifests are relative to. `kube` says what the
    clusters are: the embedded API, or real servers behind EKS's own authenticator, which are built first where they
    are nowhere.
    """

    def __init__(self, documents: Documents, spec: SandboxSpec | None, root: Path, kube: KubeKind = "embedded") -> None:
        self.world: World = world(documents, spec)
        self.admin: str = self.world.admins[0].user
        """The platform engineer, whose credentials a command gets."""
        self.region: str = self.world.clusters[0].cluster.region
        self.aws = AwsServer()
        self.kube: KubeKind = kube
        self.clusters: dict[str, Cluster] = {}
        """By their names in the config."""
        self._sts: StsProxy | None = None
        self._root = root
        self._folder: Path | None = None
        self._directory: Directory | None = None
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._holds_process = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything. Raises SandboxError; nothing is left behind then."""
        if not _ONE_PER_PROCESS.acquire(blocking=False):
            raise SandboxError("a sandbox is running in this process", hint="stop it, or start another process")
        self._holds_process = True
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything and remove the private folder. Does nothing when it is not started."""
        for cluster in self.clusters.values():
            cluster.stop()
        self.clusters = {}
        if self._sts is not None:
            self._sts.stop()
            self._sts = None
        self._clients = {}
        self.aws.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        self._directory = None
        if self._holds_process:
            self._holds_process = False
            _ONE_PER_PROCESS.release()

    @property
    def folder(self) -> Path:
        """The private folder (0700) with credentials, config and kubeconfigs."""
        if self._folder is None:
            raise SandboxError("the sandbox is not running")
        return self._folder

    @property
    def people(self) -> Directory:
        """Users, groups and roles."""
        if self._directory is None:
            raise SandboxError("the sandbox is not running")
        return self._directory

    @property
    def profiles(self) -> Iterable[Profile]:
        """All profiles of the credentials file."""
        return tuple(self.people.profiles.values())

    @property
    def intact(self) -> bool:
        """Whether the admin is still there: false after somebody has reset moto in this process."""
        return self.admin in self.people

    def check(self) -> None:
        """Raise ControlPlaneError, with the end of its log, where a real server has ended by itself."""
        for cluster in self.clusters.values():
            cluster.check()

    def cluster(self, name: str) -> Cluster:
        """Return a cluster's API by its name in the config."""
        try:
            return self.clusters[name]
        except KeyError:
            raise SandboxError(f"no cluster {name}", hint=f"one of {', '.join(self.clusters)}") from None

    def profile(self, person: str) -> Profile:
        """Return a person's profile: access key and ARN."""
        try:
            return self.people.profiles[person]
        except KeyError:
            raise SandboxError(f"nobody is called {person}", hint=f"one of {', '.join(self.people.profiles)}") from None

    def arn(self, person: str) -> str:
        """Return a person's ARN, path included."""
        return self.profile(person).arn

    def add_to_group(self, user: str, group: str) -> None:
        """Let somebody join an IAM group."""
        self.people.add_to_group(user, group)

    def remove_from_group(self, user: str, group: str) -> None:
        """Let somebody leave an IAM group."""
        self.people.remove_from_group(user, group)

    def variables(self, person: str | None = None) -> dict[str, str]:
        """Return the variables that a person's shell has to set (the admin's without one)."""
        name = self.profile(person or self.admin).name
        kubeconfig = "kubeconfig" if name == self.admin else f"kubeconfig-{name}"
        return shell.variables(self.folder, self.aws.url, name, self.region, kubeconfig)

    def environment(self, person: str | None = None) -> dict[str, str]:
        """Return the whole environment of a person's shell: ours without other AWS settings, plus `variables`."""
        return shell.environment(os.environ, self.variables(person))

    def client(self, service: str, person: str | None = None, region: str | None = None) -> Any:
        """Return a boto3 client of a person (the admin without one) for this sandbox, always the same one."""
        key = (service, person or self.admin, region or self.region)
        if key not in self._clients:
            self._clients[key] = self._make_client(*key)
        return self._clients[key]

    def _make_client(self, service: str, person: str, region: str) -> Any:
        """Make a client that takes nothing from the environment: no profile, no proxy, no other endpoint."""
        import boto3
        import botocore.session
        from botocore.config import Config

        core = botocore.session.Session()
        core.set_config_variable("config_file", str(self.folder / "config"))
        core.set_config_variable("credentials_file", str(self.folder / "credentials"))
        core.set_config_variable("profile", self.profile(person).name)
        # The overloads of boto3-stubs want a literal service name.
        make: Any = boto3.Session(botocore_session=core).client
        return make(service, endpoint_url=self.aws.url, region_name=region, config=Config(proxies={}))

    def _start(self) -> None:
        BackendDict.reset()
        self.aws = AwsServer()
        self._folder = Path(tempfile.mkdtemp(prefix="iamrbac-sandbox-"))
        self.aws.start()
        self._directory = Directory(self.world)
        if self.kube == "real":
            self._sts = _sts(self.aws)
        eks = self.aws.front.eks
        for plan in self.world.clusters:
            cluster = make_cluster(plan, self.world, self._directory, eks, self._root, self._sts)
            self.clusters[plan.cluster.name] = cluster
        # All of them first: real servers take their time, side by side.
        for cluster in self.clusters.values():
            cluster.launch()
        for plan in self.world.clusters:
            cluster = self.clusters[plan.cluster.name]
            cluster.wait()
            connect(plan, cluster, eks)
        shell.write_files(self._folder, self.profiles, self._role_arns(), self.admin, self.region)

    def _role_arns(self) -> Mapping[str, str]:
        return {role.name: self.people.role_arn(role.name, self.world.account) for role in self.world.roles}


def _sts(aws: AwsServer) -> StsProxy:
    """Start what lets real authenticators ask our STS."""
    from iamrbac.sandbox.controlplane.sts import StsProxy

    proxy = StsProxy(aws.port)
    proxy.start()
    return proxy
