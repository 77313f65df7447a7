"""The edges as use cases see them. `wiring` plugs the real ones in; tests plug in small fakes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Protocol

from iamrbac.compile.desired import Desired, Key, RoleFault, RoleRequest
from iamrbac.findings.finding import Finding
from iamrbac.gitops.deliverer import Asked
from iamrbac.identity.snapshot import IamName, Identities, Unreadable, Wanted, Way
from iamrbac.model.documents import Cluster
from iamrbac.model.origin import Path
from iamrbac.plan.accounts import AccountState
from iamrbac.plan.drift import FieldManager
from iamrbac.plan.observed import AwsAuth, Observed, Target
from iamrbac.rbac.objects import RbacState, Request, Rule, User
from iamrbac.usecases.deliveries import Deliveries
from iamrbac.usecases.home import HomeMaps
from iamrbac.usecases.lease import Leases


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A YAML file's value, not yet judged."""

    file: str
    value: object
    """Mappings as dict, sequences as list, scalars as str, int, float, bool or None."""


@dataclass(frozen=True, slots=True)
class RawRepository:
    """All files of an access repository: what could be read, and findings for what could not."""

    config: RawDocument | None
    documents: tuple[RawDocument, ...]
    findings: tuple[Finding, ...]


class Repository(Protocol):
    """The access repository's files."""

    root: PurePath

    def read(self) -> RawRepository:
        """Read iamrbac.yaml and policies/**. Broken files become findings with line and column, all at once.

        Raises RepositoryError when the repository itself cannot be read.
        """
        ...

    def beside(self, place: str) -> tuple[tuple[RawDocument, ...], tuple[Finding, ...]]:
        """Read a file beside the policies, or all documents below a folder; neither need be there.

        Broken files become findings with line and column, as in `read`.
        """
        ...

    def position(self, file: str, path: Path) -> tuple[int, int] | None:
        """Line and column, from 1, of the value at `path`; of its nearest parent where it is missing."""
        ...

    def scalar(self, file: str, path: Path) -> str | None:
        """The scalar at `path` as written, before YAML made a number or a boolean of it."""
        ...


class NewFolder(Protocol):
    """A folder that becomes an access repository."""

    name: str
    shown: str
    """The folder as it was named."""

    def text(self, name: str) -> str:
        """Return one of the files that are shipped for new repositories."""
        ...

    def there(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return which of these paths are there already. Raises OutputError where something else is in the way."""
        ...

    def create(self, files: Mapping[str, str]) -> None:
        """Write new files, path → text; none that is there is changed. Raises OutputError when the disk refuses."""
        ...


class Roles(Protocol):
    """Role templates."""

    def render(self, request: RoleRequest) -> tuple[Rule, ...] | RoleFault:
        """Return the rules of a template; the same request always gives the same ones."""
        ...

    def names(self) -> tuple[str, ...]:
        """Names of all templates that there are, for "did you mean"."""
        ...


class People(Protocol):
    """IAM, as far as it says who is who."""

    def identities(self, wanted: Wanted) -> Identities:
        """Ask IAM for every wanted name once, every page. A failure is Unreadable in the answer, never an absence."""
        ...

    def existing(
        self, kinds: Collection[IamName], ways: Mapping[str, Way], /
    ) -> Mapping[IamName, frozenset[str] | Unreadable]:
        """Return the names of all users, roles or groups of accounts (account and `user`, `role` or `group`).

        Those of users and roles are in lower case, those of groups as they are.

        Every page, or Unreadable with why. Where nobody is to be asked nothing is answered.
        """
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who AWS says the credentials belong to (sts:GetCallerIdentity)."""

    account: str
    arn: str
    user_id: str


class Aws(Protocol):
    """EKS and STS."""

    def caller(self) -> Caller:
        """Raises AwsError with the next step (expired SSO, no credentials)."""
        ...

    def target(self, cluster: Cluster) -> Target:
        """DescribeCluster. Raises AwsError; also when the account is not the config's."""
        ...

    def mappings(self, target: Target) -> tuple[Observed, ...]:
        """All access entries with their tags and all associations; () when the mode has no entries.

        Raises AwsError unless every page and every entry could be read.
        """
        ...

    def create(self, target: Target, desired: Desired) -> None:
        """Create an entry or associate a policy. An existing entry raises ExistsError."""
        ...

    def update(self, target: Target, observed: Observed, desired: Desired) -> None:
        """Update an entry's groups or username (only what changed), or replace an association's scope.

        Reads the entry again first and raises ConflictError when it is no longer as observed (EKS has no version).
        """
        ...

    def delete(self, target: Target, observed: Observed) -> None:
        """Delete an entry or disassociate a policy; already gone is fine."""
        ...


class Iam(Protocol):
    """IAM, as far as we write to it: roles that groups may assume, and the groups' policies."""

    def account(
        self,
        account: str,
        instance: str,
        roles: Collection[str],
        groups: Collection[str],
        *,
        known: Collection[str],
        way: Way | None = None,
    ) -> AccountState:
        """Read everything of ours in an account, and what has the name of a wanted role. Raises AwsError.

        Who is in a group is asked for groups with a policy of ours and the `groups`, without those in `known`.
        `way` is the role by which the account is entered; it is then written by the same.
        """
        ...

    def create(self, desired: Desired) -> None:
        """Create a role or put a group's policy; one that is there raises ExistsError, AwsError else."""
        ...

    def update(self, observed: Observed, desired: Desired) -> None:
        """Change it; raises ConflictError when it is no longer as observed (IAM has no version), AwsError else."""
        ...

    def delete(self, observed: Observed) -> None:
        """Delete it; already gone is fine. Raises ConflictError, AwsError."""
        ...


class Witness(Protocol):
    """What one cluster's Kubernetes API says beside RBAC."""

    def managers(self, key: Key) -> tuple[FieldManager, ...]:
        """Who wrote which fields of an RBAC object, or for a row of aws-auth; () where it is gone. Raises KubeError."""
        ...

    def custom(self, asked: Asked) -> Mapping[str, Any]:
        """Read an object of the deliverer's. Raises KubeError, also where the API says that it has none."""
        ...


class Kube(Witness, Leases, HomeMaps, Protocol):
    """One cluster's Kubernetes API."""

    def state(self) -> tuple[frozenset[str], tuple[Observed, ...], AwsAuth | None]:
        """Namespaces, RBAC objects and aws-auth: one paged LIST per kind. Raises KubeError unless all could be read."""
        ...

    def create(self, desired: Desired) -> None:
        """POST. Raises ExistsError when there is one already, KubeError else."""
        ...

    def update(self, observed: Observed, desired: Desired) -> None:
        """PUT with the observed resourceVersion. Raises ConflictError when it is stale.

        Labels and annotations of others on the object are kept.
        """
        ...

    def delete(self, observed: Observed) -> None:
        """DELETE with the observed resourceVersion as precondition; already gone is fine."""
        ...

    def aws_auth(self) -> AwsAuth | None:
        """Read the ConfigMap alone; None when it is absent."""
        ...

    def write_aws_auth(self, before: AwsAuth, data: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        """PUT with `before`'s resourceVersion. Raises ConflictError when stale."""
        ...


class OwnAccess(Protocol):
    """One cluster's answers about the caller, which anybody who is mapped may ask for."""

    def whoami(self) -> User:
        """Whom the cluster takes the caller for. Raises NotMappedError for nobody, KubeError when it is not known."""
        ...

    def rules(self, namespace: str) -> tuple[tuple[Rule, ...], bool]:
        """What the caller may do in a namespace, and whether that is all of it. Raises KubeError."""
        ...

    def can(self, request: Request) -> bool:
        """Whether the caller may do it. Raises KubeError."""
        ...

    def ruling(self, request: Request) -> tuple[bool, str]:
        """The same, with why, as far as the cluster tells ("" where it does not). Raises KubeError."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """A context as it should be, with the cluster and the user that it joins."""

    name: str
    target: Target
    """The cluster's entry has its name."""
    profile: str | None = None
    """AWS profile for the token; None: whatever the environment says when kubectl runs."""
    namespace: str | None = None
    """Where kubectl works by default."""
    pinned: bool = False
    """The namespace belongs to the context's name; else one that the person has chosen since is kept."""
    user: str | None = None
    """Name of the user's entry; None: the cluster's name."""
    role_arn: str | None = None
    """The role that the exec plug-in assumes first; None: it signs as the caller."""
    instance: str | None = None
    """The instance (the config's metadata.name) whose context it is; `Prune` goes by it."""


@dataclass(frozen=True, slots=True)
class Prune:
    """Remove the contexts of an instance that are neither wanted nor still granted."""

    instance: str
    keep: frozenset[str] = frozenset()
    """ARNs or names of clusters that were not judged (not asked for, or no answer): their contexts stay."""
    granted: frozenset[tuple[str, str | None, str | None]] = frozenset()
    """ARN of a cluster, ARN of a role, namespace: what is granted beside the wanted contexts, so that a namespace's
    context stays also where this run does not ask for contexts of namespaces."""


@dataclass(frozen=True, slots=True)
class WantedContexts:
    """What a kubeconfig should have."""

    contexts: tuple[Context, ...]
    current: str | None = None
    """Becomes the current context."""
    fallback: str | None = None
    """Becomes the current context only where there is none, or one that is not there."""
    prune: Prune | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a kubeconfig."""

    file: str
    changed: bool
    current: str | None
    """The current context, as kubectl reads it now."""
    removed: tuple[str, ...] = ()
    """Names of the contexts that were removed."""
    unset: str | None = None
    """The removed context that was the current one: there is none now."""
    also: tuple[str, ...] = ()
    """Other files of KUBECONFIG that changed, since entries of ours are there."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """What becomes of one file."""

    file: str
    before: str
    """Its text; empty where there is no file."""
    after: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of a kubeconfig."""

    file: str
    before: str
    """Its text; empty where there is no file."""
    after: str
    removed: tuple[str, ...] = ()
    current: str | None = None
    unset: str | None = None
    also: tuple[FileChange, ...] = ()
    """Other files of KUBECONFIG that would change."""


class Kubeconfig(Protocol):
    """The person's kubeconfig, which others write too."""

    def write(self, wanted: WantedContexts) -> Written:
        """Put contexts in, or bring them up to date, and prune; nothing else changes.

        Raises KubeconfigError, and leaves the file as it was.
        """
        ...

    def preview(self, wanted: WantedContexts) -> Preview:
        """Say what `write` would do: nothing is written, no lock is taken. Raises KubeconfigError as `write` does.

        The texts are to look at: without the credentials of others, and with long data cut short, if they differ.
        """
        ...


class Progress(Protocol):
    """Where long work says what it does (stderr)."""

    def step(self, text: str) -> None:
        """Say one line."""
        ...

    def note(self, text: str) -> None:
        """Say a detail to whoever asked for more."""
        ...


@dataclass(frozen=True, slots=True)
class Edges:
    """All edges that plan and apply need, as `wiring` plugs them in."""

    repository: Repository
    roles: Roles
    people: People
    aws: Aws
    kube: Callable[[Target], Kube]
    """Opens a client on a cluster's API with the caller's own EKS token; used from several threads."""
    deliveries: Deliveries
    builtin: Callable[[], RbacState]
    """What every cluster has of Kubernetes itself, for clusters that are not asked."""
    iam: Iam
