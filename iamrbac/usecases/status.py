"""Is it in sync? From the policy's commit over the delivered one to what each cluster has. Reads, writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from iamrbac.findings.finding import Finding, Level
from iamrbac.gitops.deliverer import Asked, Said, asked_of, said_of
from iamrbac.gitops.delivery import Delivery, deliveries
from iamrbac.model.documents import Cluster, Config
from iamrbac.model.errors import IamrbacError
from iamrbac.plan.drift import FieldManager, changed_by
from iamrbac.plan.observed import Observed
from iamrbac.plan.synced import Gap, gap, otherwise
from iamrbac.usecases.branch import BranchFiles
from iamrbac.usecases.deliveries import Deliveries, Landed, PolicyRevision, Tip
from iamrbac.usecases.fetched import Branches
from iamrbac.usecases.load import load
from iamrbac.usecases.plan import CATALOGUE
from iamrbac.usecases.ports import Edges, Kube, Progress
from iamrbac.usecases.select import select
from iamrbac.usecases.sides import branch_side, cluster_side
from iamrbac.usecases.states import CLUSTERS_AT_ONCE, failed

POLL_SECONDS: Final = 5.0
_MOST_ASKED: Final = 20
"""Objects of a cluster that are asked who changed them."""
_NOT_ASKED: Final = f"only the first {_MOST_ASKED} are asked for"


class Sync(StrEnum):
    """How a cluster stands."""

    IN_SYNC = "in-sync"
    OUT_OF_SYNC = "out-of-sync"
    NOT_DELIVERED = "not-delivered"
    UNKNOWN = "unknown"
    DIRECT = "direct"
    """It is written directly, which `plan` compares."""


@dataclass(frozen=True, slots=True)
class Otherwise:
    """An object that is not as the branch says."""

    branch: Observed
    live: Observed
    parts: tuple[str, ...]
    """Fields, and labels as `labels.KEY`."""
    by: FieldManager | None = None
    """Who wrote these parts last, where it was not the deliverer."""
    unread: str = ""
    """Why nobody knows who."""


@dataclass(frozen=True, slots=True)
class DeliveredPolicy:
    """Which state of the access repository a delivered commit is of."""

    said: str
    """As the commit says it; "" where it does not."""
    newer: int | None
    """Commits here that changed the policies since; None where the commit is not in the history here."""


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """One cluster."""

    name: str
    sync: Sync
    code: str = ""
    reason: str = ""
    """Why it is unknown."""
    hint: str = ""
    delivery: Delivery | None = None
    tip: str | None = None
    """The branch's commit."""
    delivered: Landed | None = None
    """The last commit that touched the cluster's files."""
    policy: DeliveredPolicy | None = None
    objects: int = 0
    """How many the branch has."""
    gap: Gap = field(default_factory=Gap)
    otherwise: tuple[Otherwise, ...] = ()
    deliverer: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """All selected clusters."""

    instance: str
    revision: PolicyRevision
    clusters: tuple[ClusterStatus, ...]

    def exit_code(self) -> int:
        """Return 0 for in sync, 1 where it is not known, 3 where it is known not to be (design §4)."""
        states = {one.sync for one in self.clusters}
        if Sync.UNKNOWN in states:
            return 1
        return 3 if states - {Sync.IN_SYNC, Sync.DIRECT} else 0


@dataclass(frozen=True, slots=True)
class Watching:
    """How long to look, and how."""

    progress: Progress
    pause: Callable[[float], None]
    """Waits for some seconds."""
    wait: float = 0
    """Seconds to wait at most until all are in sync."""


def look(edges: Edges, names: Collection[str], how: Watching) -> tuple[Status | None, tuple[Finding, ...]]:
    """Return how the selected clusters stand; None, with findings, where the documents mean nothing.

    With a wait it looks again until all are in sync or the time is over. Raises UsageError, RepositoryError.
    """
    loaded = load(edges.repository, edges.roles.names())
    if loaded.documents is None or any(finding.level is Level.ERROR for finding in loaded.findings):
        return None, tuple(finding for finding in loaded.findings if finding.id != CATALOGUE)
    config = loaded.documents.config.document
    selected = select(config.clusters, names)
    left = how.wait
    how.progress.step(f"Reading {len(selected)} cluster{'' if len(selected) == 1 else 's'}")
    while True:
        status = Status(config.metadata.name, edges.deliveries.revision(), _read(edges, config, selected))
        late = [one.name for one in status.clusters if one.sync not in (Sync.IN_SYNC, Sync.DIRECT)]
        if not late or left <= 0:
            return status, ()
        how.progress.step(f"Waiting until {', '.join(late)} {'is' if len(late) == 1 else 'are'} in sync")
        how.pause(min(POLL_SECONDS, left))
        left -= POLL_SECONDS


def _read(edges: Edges, config: Config, clusters: Sequence[Cluster]) -> tuple[ClusterStatus, ...]:
    places = deliveries(config)
    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
        # First, since what reads a cluster waits for its branch.
        branches = Branches(edges.deliveries, [places[one.name] for one in clusters if one.name in places], pool)
        found = [
            pool.submit(_cluster, edges, config, one, places[one.name], branches) if one.name in places else None
            for one in clusters
        ]
        return tuple(
            ClusterStatus(one.name, Sync.DIRECT) if future is None else future.result()
            for one, future in zip(clusters, found, strict=True)
        )


def _cluster(edges: Edges, config: Config, cluster: Cluster, delivery: Delivery, branches: Branches) -> ClusterStatus:
    landed: Landed | None = None
    policy: DeliveredPolicy | None = None
    tip: Tip | None = None
    said: tuple[Said, ...] = ()
    try:
        repository, tip = branches.of(delivery)
        if tip.commit is not None:
            landed = repository.history(tip.commit, (delivery.path, delivery.entries_path))
            policy = _policy(edges.deliveries, landed)
        files = BranchFiles(edges.deliveries, repository, delivery, tip)
        ours = files.inventory()
        if not ours:
            return ClusterStatus(
                cluster.name, Sync.NOT_DELIVERED, delivery=delivery, tip=tip.commit, delivered=landed, policy=policy
            )
        said = _deliverer(edges, config, cluster, delivery, ours)
        branch = branch_side(files, ours)
        live, kube = cluster_side(edges, cluster, delivery, branch)
    except IamrbacError as error:
        why = failed(cluster.name, error)
        return ClusterStatus(
            cluster.name,
            Sync.UNKNOWN,
            why.code,
            why.message,
            why.hint,
            delivery,
            tip.commit if tip is not None else None,
            landed,
            policy,
            deliverer=said,
        )
    found = gap(branch, live)
    sync = Sync.OUT_OF_SYNC if found.words() else Sync.IN_SYNC
    return ClusterStatus(
        cluster.name,
        sync,
        delivery=delivery,
        tip=tip.commit,
        delivered=landed,
        policy=policy,
        objects=len(branch),
        gap=found,
        otherwise=_changed(kube, found.changed),
        deliverer=said,
    )


def _policy(deliveries_: Deliveries, landed: Landed | None) -> DeliveredPolicy | None:
    if landed is None:
        return None
    said = landed.trailer("Policy-Commit") or ""
    commit, _, more = said.partition(" ")
    # With changes that nobody committed it is no state that the history has.
    return DeliveredPolicy(said, None if more or not commit else deliveries_.since(commit))


def _changed(kube: Kube, pairs: Sequence[tuple[Observed, Observed]]) -> tuple[Otherwise, ...]:
    with ThreadPoolExecutor(max_workers=_MOST_ASKED) as pool:
        asked = pool.map(lambda pair: _asked(kube, *pair), pairs[:_MOST_ASKED])
        rest = (Otherwise(*pair, otherwise(*pair), unread=_NOT_ASKED) for pair in pairs[_MOST_ASKED:])
        return (*asked, *rest)


def _asked(kube: Kube, branch: Observed, live: Observed) -> Otherwise:
    parts = otherwise(branch, live)
    if branch.key.kind not in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"):
        return Otherwise(branch, live, parts)
    try:
        return Otherwise(branch, live, parts, changed_by(parts, kube.managers(branch.key)))
    except IamrbacError as error:
        return Otherwise(branch, live, parts, unread=error.message)


def _deliverer(
    edges: Edges, config: Config, cluster: Cluster, delivery: Delivery, ours: Iterable[str]
) -> tuple[Said, ...]:
    """Ask Argo CD or Flux; what is not readable here may be there all the same."""
    asked = asked_of(delivery, ours)
    home = delivery.argocd.cluster if delivery.layout == "argocd" else None
    where = next((one for one in config.clusters if one.name == home), cluster)
    if not asked:
        return ()
    try:
        kube = edges.kube(edges.aws.target(where))
    except IamrbacError as error:
        return tuple(Said(one, unread=error.message) for one in asked)
    with ThreadPoolExecutor(max_workers=len(asked)) as pool:
        return tuple(pool.map(lambda one: _told(kube, one), asked))


def _told(kube: Kube, asked: Asked) -> Said:
    try:
        return said_of(asked, kube.custom(asked))
    except IamrbacError as error:
        return Said(asked, unread=error.message)
