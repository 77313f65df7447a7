"""A change to one object, and the plan of one cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from iamrbac.access.delta import AccessChange
from iamrbac.compile.desired import Desired, Form, Key, Kind
from iamrbac.findings.finding import Finding
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.files import KUBERNETES
from iamrbac.gitops.standing import FileChange
from iamrbac.model.backups import Backups
from iamrbac.model.origin import Origin
from iamrbac.plan.observed import ClusterState, Observed


class Action(StrEnum):
    """What happens to an object. Replace is delete and create, for what the API cannot change."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"


@dataclass(frozen=True, slots=True)
class Change:
    """One object's way from `before` (None: not there) to `after` (None: gone)."""

    key: Key
    action: Action
    before: Observed | None
    after: Desired | None
    partly: bool = False
    """The first of two writes, which only takes away (`order.phases`); no plan holds such a change."""

    @property
    def because(self) -> tuple[Origin, ...]:
        """The policy lines that ask for it; empty for a removal, which no line asks for."""
        return self.after.origins if self.after is not None else ()


@dataclass(frozen=True, slots=True)
class GitHalf:
    """What of a cluster's plan goes through Git: a commit, which Argo CD or Flux brings to the cluster."""

    delivery: Delivery
    tip: str | None
    """The branch's commit that it was compared with; None where the branch is not there yet."""
    files: tuple[FileChange, ...]
    """Sorted by path, the inventory among them; () where nothing is to be committed."""
    entries: bool
    """Access entries go through Git too; else they, and rows of aws-auth, are written directly."""
    unsynced: frozenset[str] = frozenset()
    """Kubernetes groups whose bindings or roles the cluster does not have as the branch says."""

    def carries(self, kind: Kind) -> bool:
        """Say whether objects of a kind go through Git."""
        return kind in KUBERNETES or (self.entries and kind in ("AccessEntry", "AccessPolicyAssociation"))


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """What would change on one cluster. Error findings in it refuse its apply; they never hide the changes."""

    state: ClusterState
    form: Form
    changes: tuple[Change, ...]
    """In the order of their keys; `order.phases` gives the order of writing."""
    access: tuple[AccessChange, ...]
    findings: tuple[Finding, ...]
    wanted: int
    """How many objects the policies want here, changed or not."""
    groups: frozenset[str]
    """The Kubernetes groups of the sets that the policies still give something here."""
    aws_auth: Mapping[str, str] | None = None
    """The aws-auth data after the changes; None when it does not change."""
    git: GitHalf | None = None
    """Only of a cluster with delivery: gitops."""

    @property
    def name(self) -> str:
        """The cluster's name in the config."""
        return self.state.target.name

    @property
    def changed(self) -> bool:
        """Whether an apply would write anything: objects, or files that hold none of them."""
        return bool(self.changes) or (self.git is not None and bool(self.git.files))


@dataclass(frozen=True, slots=True)
class FailedCluster:
    """A cluster that could not be planned: nothing is known to be absent, nothing is written."""

    name: str
    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """What would change in one AWS account's IAM: of no cluster, and so for all of them."""

    account: str
    changes: tuple[Change, ...]
    """In the order of their keys; `iam_order.ordered` gives the order of writing."""
    findings: tuple[Finding, ...] = ()
    wanted: int = 0
    """How many objects the policies want here, changed or not."""
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The tags of our roles, those that come and those that go, by ARN: whose they are."""


@dataclass(frozen=True, slots=True)
class FailedAccount:
    """An account whose IAM could not be read: nothing is known to be absent, nothing is written."""

    account: str
    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All clusters of one run, and the accounts whose roles people use there."""

    instance: str
    clusters: tuple[ClusterPlan | FailedCluster, ...]
    findings: tuple[Finding, ...]
    """What concerns no single cluster."""
    policy_digest: str
    """SHA-256 of all documents, as parsed."""
    home: str = "iamrbac-system"
    """The namespace where our own objects live on each cluster."""
    backups: Backups = field(default_factory=Backups)
    """Where else what changes is kept, and how long."""
    accounts: tuple[AccountPlan | FailedAccount, ...] = ()
    """Accounts in whose IAM we want something, or have something."""

    @property
    def planned(self) -> tuple[ClusterPlan, ...]:
        """The clusters that could be planned."""
        return tuple(cluster for cluster in self.clusters if isinstance(cluster, ClusterPlan))

    @property
    def failed(self) -> tuple[FailedCluster, ...]:
        """The clusters that could not."""
        return tuple(cluster for cluster in self.clusters if isinstance(cluster, FailedCluster))

    @property
    def planned_accounts(self) -> tuple[AccountPlan, ...]:
        """The accounts that could be planned."""
        return tuple(one for one in self.accounts if isinstance(one, AccountPlan))

    @property
    def failed_accounts(self) -> tuple[FailedAccount, ...]:
        """The accounts that could not."""
        return tuple(one for one in self.accounts if isinstance(one, FailedAccount))

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes: of the accounts, then of all planned clusters."""
        iam = tuple(change for one in self.planned_accounts for change in one.changes)
        return iam + tuple(change for cluster in self.planned for change in cluster.changes)

    @property
    def changed(self) -> bool:
        """Whether an apply would write anything."""
        return any(cluster.changed for cluster in self.planned) or any(one.changes for one in self.planned_accounts)

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """General findings first, then each account's, then each cluster's."""
        iam = tuple(finding for one in self.planned_accounts for finding in one.findings)
        return self.findings + iam + tuple(finding for cluster in self.planned for finding in cluster.findings)
