"""Plugs the edges into the use cases: the only module that imports edges. Each is imported when it is asked for."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iamrbac.model.errors import UsageError

if TYPE_CHECKING:
    from iamrbac.aws.accounts import Accounts
    from iamrbac.backup.backup import Run
    from iamrbac.documents.identities import SavedPeople
    from iamrbac.documents.output import OutputFolder
    from iamrbac.findings.finding import Finding
    from iamrbac.identity.snapshot import Identities
    from iamrbac.kube.client import KubeApi
    from iamrbac.model.accounts import AssumeRole
    from iamrbac.model.origin import Origin
    from iamrbac.plan.change import Plan
    from iamrbac.plan.observed import Target
    from iamrbac.rbac.objects import Binding, Role
    from iamrbac.roles.builtin import Builtin
    from iamrbac.usecases.backups import Places
    from iamrbac.usecases.deliveries import Deliveries
    from iamrbac.usecases.fleet_state import FleetStore
    from iamrbac.usecases.keep import BackedUp, Keeping
    from iamrbac.usecases.lock import Locking
    from iamrbac.usecases.plan import PlanRequest
    from iamrbac.usecases.ports import Edges, Kubeconfig, NewFolder, People, Progress, Repository, Roles
    from iamrbac.usecases.recording import Recording
    from iamrbac.usecases.whoami import OwnEdges


def repository(root: Path | None) -> Repository:
    """Return the access repository at `root`, or the nearest one upwards from here. Raises RepositoryError."""
    from iamrbac.documents.files import FileRepository, find_root

    return FileRepository(root if root is not None else find_root(Path.cwd()))


def roles(root: Path | None) -> Roles:
    """Return the role templates of a repository and the shipped ones."""
    from iamrbac.roles.templates import TemplateRoles

    return TemplateRoles(root)


def builtin() -> Builtin:
    """Return what every cluster has of Kubernetes itself: roles, bindings, resources."""
    from iamrbac.roles.builtin import builtin as read

    return read()


def me() -> str:
    """Return the ARN of whoever the credentials of the environment belong to. Raises AwsError."""
    from iamrbac.aws.accounts import Accounts
    from iamrbac.aws.session import session

    return Accounts(session()).caller().arn


def manifests(path: Path) -> tuple[tuple[Role | Binding, ...], tuple[Finding, ...]]:
    """Return the RBAC objects of a file or folder of manifests, and what is wrong with them. Raises UsageError."""
    from iamrbac.documents.manifests import read_manifests

    return read_manifests(path)


def placed_manifests(path: Path) -> tuple[tuple[tuple[Role | Binding, str, int], ...], tuple[Finding, ...]]:
    """Return the same with the file and line of each object. Raises UsageError."""
    from iamrbac.documents.manifests import read_placed

    return read_placed(path)


def saved_people(path: Path) -> SavedPeople:
    """Return who was who when a file was written, in IAM's place. Raises UsageError."""
    from iamrbac.documents.identities import parse_identities

    return parse_identities(read_text(path), str(path))


def edges(
    root: Path | None,
    saved: SavedPeople | None = None,
    aws: Accounts | None = None,
    gate: Callable[[str], None] | None = None,
) -> Edges:
    """Return everything that plan and apply need, with the credentials of the environment, or those of `aws`.

    With `saved` people are those of a file, and IAM is asked only about roles of ours that the policies want. `gate` is
    asked before every request about a cluster of this name, and raises where it may not be sent.
    """
    from iamrbac.aws.accounts import Accounts
    from iamrbac.aws.eks import EksApi
    from iamrbac.aws.gate import Gate
    from iamrbac.aws.iam import IamApi
    from iamrbac.aws.people import IamPeople
    from iamrbac.aws.session import session
    from iamrbac.usecases.offline import WantedOnly
    from iamrbac.usecases.ports import Edges

    files = repository(root)
    aws = aws or Accounts(session(), gate=Gate(gate) if gate is not None else None)
    root = Path(files.root)
    return Edges(
        files,
        roles(root),
        IamPeople(aws) if saved is None else saved,
        EksApi(aws),
        kube_opener(aws, gate=gate),
        deliveries(root),
        lambda: builtin().rbac,
        IamApi(aws) if saved is None else WantedOnly(IamApi(aws)),
    )


def own_edges(
    root: Path | None, *, assume: bool = False, profile: str | None = None, role_arn: str | None = None
) -> OwnEdges:
    """Return what a developer's commands need, with the credentials of the environment or of a profile.

    With `assume`, by the roles that the config assumes, as plan and apply come. With `role_arn`, clusters are asked as
    that role, and AWS as whoever runs this, as `aws eks update-kubeconfig` does. Raises AwsError and UsageError.
    """
    from iamrbac.aws.accounts import Accounts
    from iamrbac.aws.eks import EksApi
    from iamrbac.aws.session import session
    from iamrbac.usecases.whoami import OwnEdges

    files = repository(root)
    aws = Accounts(session(profile))
    entered = aws.entered if assume else None
    return OwnEdges(
        files, roles(Path(files.root)), EksApi(aws, assume=assume), kube_opener(aws, named_role(role_arn)), entered
    )


def named_role(arn: str | None) -> AssumeRole | None:
    """Return the role that `--role-arn` names. Raises UsageError where it is none."""
    from iamrbac.model.accounts import AssumeRole
    from iamrbac.model.arn import Arn
    from iamrbac.model.errors import UsageError

    if arn is None:
        return None
    try:
        if Arn.parse(arn).kind == "role":
            return AssumeRole(role_arn=arn)
        reason = "it is no role"
    except ValueError as error:
        reason = str(error)
    raise UsageError(f"--role-arn {arn}: {reason}", hint="write e.g. arn:aws:iam::111122223333:role/payments")


def kubeconfig(file: Path | None, plugin: str = "iamrbac") -> Kubeconfig:
    """Return a kubeconfig: the file that is named, or those that kubectl reads and writes. Raises KubeconfigError.

    `plugin` gets kubectl its token: `iamrbac` or `aws`.
    """
    from iamrbac.kubeconfig.client import KubeconfigFile
    from iamrbac.kubeconfig.command import plugin_of
    from iamrbac.kubeconfig.file import locate

    return KubeconfigFile((file,) if file is not None else locate(os.environ), plugin_of(plugin))


def printed_kubeconfig(plugin: str = "iamrbac") -> Kubeconfig:
    """Return a kubeconfig that is in no file."""
    from iamrbac.kubeconfig.client import KubeconfigText
    from iamrbac.kubeconfig.command import plugin_of

    return KubeconfigText(plugin_of(plugin))


def aws_profile() -> str | None:
    """Return the profile that the environment names, in botocore's order; None without one."""
    return os.environ.get("AWS_DEFAULT_PROFILE") or os.environ.get("AWS_PROFILE") or None


def deliveries(root: Path) -> Deliveries:
    """Return where the access repository at `root` is delivered by Git, through the person's own git."""
    from iamrbac.documents.delivered import DeliveredFiles
    from iamrbac.git.delivery.deliveries import GitDeliveries

    return GitDeliveries(root, DeliveredFiles().value)


def people() -> People:
    """Return IAM, with the credentials of the environment. Raises AwsError when there are none."""
    from iamrbac.aws.accounts import Accounts
    from iamrbac.aws.people import IamPeople
    from iamrbac.aws.session import session

    return IamPeople(Accounts(session()))


def output_folder(root: Path) -> OutputFolder:
    """Return a folder for generated files, which need not exist yet."""
    from iamrbac.documents.output import OutputFolder

    return OutputFolder(root)


def new_folder(root: Path) -> NewFolder:
    """Return a folder that becomes an access repository; it need not be there yet."""
    from iamrbac.documents.scaffold import NewFolder

    return NewFolder(root)


def kube_opener(
    aws: Accounts,
    role: AssumeRole | None = None,
    called: Callable[[], None] = lambda: None,
    gate: Callable[[str], None] | None = None,
) -> Callable[[Target], KubeApi]:
    """Return a function that opens a cluster's API with tokens signed by the credentials that reach the cluster.

    With `role`, by those of that role. `called` is called before each request, and `gate` with the cluster's name; what
    it raises keeps the request from being sent.
    """
    from iamrbac.kube.client import KubeApi
    from iamrbac.token.sign import Credentials, presign, token

    def open_(target: Target) -> KubeApi:
        def fresh() -> str:
            found = aws.keys(role or target.role, target.region)
            credentials = Credentials(found.access_key or "", found.secret_key or "", found.token)
            return token(presign(credentials, target.region, target.eks_name, datetime.now(UTC)))

        def before() -> None:
            if gate is not None:
                gate(target.name)
            called()

        return KubeApi(target, fresh, called=before)

    return open_


def fleet_store(instance: str, part: str) -> FleetStore:
    """Return where a run over a part of the fleet ("" for all) is kept. Raises FleetStateError."""
    from iamrbac.state.fleet import FleetFile, locate

    return FleetFile(locate(os.environ, instance, part))


def locking(timeout: float, progress: Progress, recheck: Callable[[], None]) -> Locking:
    """Return how this run locks clusters: a name that no other run has, and the clocks."""
    import secrets
    import socket
    import time

    from iamrbac.usecases.lock import Locking

    who = f"{socket.gethostname()}/{secrets.token_hex(4)}"
    return Locking(timeout, who, lambda: datetime.now(UTC), time.monotonic, time.sleep, progress, recheck)


def places() -> Places:
    """Return where backups are kept beside the clusters: on this machine and, with the environment's keys, in S3."""
    import threading

    from iamrbac.state.local import LocalStore, locate
    from iamrbac.state.s3 import S3Client, S3Store
    from iamrbac.usecases.backups import BackupStore, Places

    lock = threading.Lock()
    made: list[S3Client] = []

    def client() -> S3Client:
        from iamrbac.aws.session import ANY_REGION, CONFIG, session

        # Making a client is not safe from several threads; using it is.
        with lock:
            if not made:
                aws = session()
                made.append(aws.client("s3", region_name=aws.region_name or ANY_REGION, config=CONFIG))
            return made[0]

    def bucket(place: str, owner: str, instance: str, cluster: str) -> BackupStore:
        return S3Store(client, place, owner, instance, cluster)

    return Places(lambda instance, cluster: LocalStore(locate(os.environ), instance, cluster), bucket)


def this_run(edges: Edges, plan: Plan, doing: str, allowed: tuple[tuple[str, str], ...]) -> Run:
    """Return who runs this, when, where and from which commit, with an id that no other run has. Raises AwsError."""
    import secrets
    import socket

    from iamrbac.usecases.run import make_run

    return make_run(edges, plan, doing, allowed, datetime.now(UTC), socket.gethostname(), secrets.token_hex(3))


def recording(run: Run, warn: Callable[[str], None], note: Callable[[str], None]) -> Recording:
    """Return how a run leaves word of itself on clusters."""
    from iamrbac.usecases.recording import Recording

    return Recording(run, warn, note)


def keeping(
    run: Run,
    progress: Progress,
    warn: Callable[[str], None],
    line: Callable[[Origin], str],
    told: Callable[[BackedUp], None],
) -> Keeping:
    """Return how a run keeps backups."""
    from iamrbac.usecases.keep import Keeping

    return Keeping(run, places(), line, lambda: datetime.now(UTC), progress, warn, told)


def identities_json(identities: Identities, at: datetime) -> dict[str, Any]:
    """Return a snapshot of identities, taken `at`, as it is kept."""
    from iamrbac.documents.identities import identities_json as as_json

    return as_json(identities, at)


def save_plan(path: Path, plan: Plan, request: PlanRequest, document: Mapping[str, Any]) -> None:
    """Write a plan for `apply FILE`. Raises OutputError when the place cannot be written."""
    from iamrbac.usecases.saved import saved_json

    write_whole(path, json.dumps(saved_json(plan, request, document), indent=2, ensure_ascii=False) + "\n")


def suspend(root: Path, arn: str) -> None:
    """Put a principal under suspended: in the iamrbac.yaml of a repository. Raises OutputError."""
    from iamrbac.documents.suspend import suspend as write

    write(root, arn)


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises OutputError when the place cannot be written."""
    from iamrbac.documents import whole

    whole.write_whole(path, text)


def lines(file: str) -> Iterator[bytes]:
    """Yield the lines of a file, or of stdin for `-`, as they come. Raises UsageError."""
    try:
        if file == "-":
            yield from sys.stdin.buffer
            return
        with Path(file).open("rb") as opened:
            yield from opened
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise UsageError(
            f"cannot be read: {reason}", where=file, hint="name an existing file, or - for stdin"
        ) from error


def read_text(path: Path) -> str:
    """Read a file that was named on the command line. Raises UsageError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = os.strerror(error.errno or 0) if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"cannot be read: {reason}", where=str(path), hint="name an existing file") from error
