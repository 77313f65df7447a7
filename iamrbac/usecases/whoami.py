"""Who AWS says I am, and what that gets me on each cluster: as the cluster answers, and as the policies say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from iamrbac.compile.documents import Documents
from iamrbac.compile.iam import roles_on
from iamrbac.compile.sets import access_sets
from iamrbac.diagnosis.differences import Difference
from iamrbac.diagnosis.facts import Identity, Source
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.snapshot import Way
from iamrbac.identity.ways import ways
from iamrbac.index.index import AccessIndex
from iamrbac.model.accounts import AssumeRole
from iamrbac.model.documents import Cluster, Config
from iamrbac.model.errors import IamrbacError, NotMappedError
from iamrbac.plan.observed import Target
from iamrbac.rbac.objects import RbacState, User
from iamrbac.usecases.granted import Grant, granted
from iamrbac.usecases.load import Loaded, load
from iamrbac.usecases.policy_says import PolicySide
from iamrbac.usecases.ports import Aws, Caller, OwnAccess, Progress, Repository, Roles
from iamrbac.usecases.select import select
from iamrbac.usecases.states import CLUSTERS_AT_ONCE
from iamrbac.usecases.whoami_expected import Comparing, Expected, expected_on


@dataclass(frozen=True, slots=True)
class OwnEdges:
    """The edges that a developer's commands need: nothing that only an administrator may ask."""

    repository: Repository
    roles: Roles
    aws: Aws
    access: Callable[[Target], OwnAccess]
    entered: Callable[[AssumeRole, str], Caller] | None = None
    """Assumes a role, in a region of its partition, and says who that is; None: nothing is to be assumed."""
    identity: Callable[[], Identity] | None = None
    """Says by which chain the credentials come about; None where that is not wanted."""
    index: Callable[[Config, datetime], AccessIndex | None] = lambda _config, _at: None
    """The access index that the config names, as it is at a time; None without one. Raises IamrbacError."""
    builtin: Callable[[], RbacState] = RbacState


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """What one cluster says of the caller."""

    cluster: str
    target: Target | None = None
    """None when EKS could not describe the cluster."""
    user: User | None = None
    """None when the cluster takes the caller for nobody, or it is not known."""
    grants: tuple[Grant, ...] | None = ()
    """What the policies give to the user's groups; None when the policies cannot be compiled for this cluster."""
    roles: tuple[str, ...] = ()
    """Where it takes the caller for nobody: ARNs of roles that groups may assume to get in there (`via: role`)."""
    error: IamrbacError | None = None
    """Why it is not known; None when it is."""
    role: AssumeRole | None = None
    """The role by which plan and apply come, and by which the cluster was asked where roles are assumed."""
    asked: bool = True
    """False where the index alone was: then `user` is None, and that says nothing."""
    expected: Expected | None = None
    """What the access index says; None without one."""
    differs: Difference | None = None
    """Where the cluster says otherwise; only with `live`."""


@dataclass(frozen=True, slots=True)
class PeopleWay:
    """Where the people are, and by which role plan and apply ask who they are."""

    role: AssumeRole
    caller: Caller | None = None
    """Who that is; None where the role was not to be assumed, or could not."""
    error: IamrbacError | None = None


@dataclass(frozen=True, slots=True)
class WhoAmI:
    """The whole answer, or (with `caller` None) the findings that say why the documents mean nothing."""

    caller: Caller | None
    clusters: tuple[ClusterAccess, ...]
    findings: tuple[Finding, ...]
    """What is wrong with the documents. With errors in a policy, clusters are still asked, but no grants are known."""
    people: PeopleWay | None = None
    """None where whoever runs iamrbac asks about people."""
    assumed: bool = False
    """Whether the roles were assumed, as plan and apply do; else everything was asked by the caller."""
    instance: str | None = None
    """The instance that the documents are of."""
    source: Source | None = None
    """The chain by which the credentials come about, where it was wanted."""
    index: datetime | None = None
    """When the access index was written that was asked; None without one."""
    live: bool = False
    """Every cluster was asked, and compared with what is expected."""


def who_am_i(
    edges: OwnEdges, at: datetime, names: tuple[str, ...], progress: Progress, *, live: bool = False
) -> WhoAmI:
    """Ask AWS once and every cluster. A cluster that cannot be asked has an `error`; the others go on.

    Where there is an access index that is asked in the clusters' place. With `live` the clusters are asked anyway, and
    where one says something else than the index, or than the policies where they name the caller, that differs.

    `names` are clusters, all without them. Raises UsageError for an unknown one, RepositoryError, AccessIndexError, and
    AwsError when AWS does not know the caller.
    """
    loaded = load(edges.repository, edges.roles.names())
    if loaded.readable is None:
        return WhoAmI(None, (), loaded.findings)
    selected = select(loaded.readable.config.document.clusters, names)
    caller = edges.aws.caller()
    index = edges.index(loaded.readable.config.document, at)
    if index is not None and not live:
        return _by_index(edges, index, caller, selected, at, loaded)
    progress.step(f"Asking {len(selected)} {'cluster' if len(selected) == 1 else 'clusters'} about {caller.arn}")
    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
        asked = tuple(pool.map(lambda cluster: _ask(edges, cluster, index), selected))
    broken = any(finding.level is Level.ERROR for finding in loaded.findings)
    documents = None if broken else loaded.documents
    people = _people(edges, loaded.readable.config.document)
    assumed = edges.entered is not None
    instance = loaded.readable.config.document.metadata.name
    identity = edges.identity() if edges.identity is not None else None
    told = _with_grants(edges, documents, asked, at)
    if live:
        offset = identity.offset if identity is not None else None
        policies = PolicySide(documents, edges.roles, edges.builtin(), at) if documents is not None else None
        told = _compared(Comparing(caller.arn, instance, offset, policies), selected, told, caller, index, at)
    return WhoAmI(
        caller,
        told,
        loaded.findings,
        people,
        assumed,
        instance,
        identity.source if identity is not None else None,
        index.written if index is not None else None,
        live,
    )


def _by_index(
    edges: OwnEdges, index: AccessIndex, caller: Caller, selected: Iterable[Cluster], at: datetime, loaded: Loaded
) -> WhoAmI:
    identity = edges.identity() if edges.identity is not None else None
    clusters = tuple(
        ClusterAccess(one.name, role=one.role, asked=False, expected=expected_on(index, one.name, caller.arn, at))
        for one in selected
    )
    source = identity.source if identity is not None else None
    return WhoAmI(caller, clusters, loaded.findings, instance=index.instance, source=source, index=index.written)


def _compared(
    comparing: Comparing,
    selected: Iterable[Cluster],
    asked: Iterable[ClusterAccess],
    caller: Caller,
    index: AccessIndex | None,
    at: datetime,
) -> tuple[ClusterAccess, ...]:
    """Return the clusters' answers, each with what is expected there and what differs."""
    clusters = {cluster.name: cluster for cluster in selected}
    found = []
    for one in asked:
        expected = expected_on(index, one.cluster, caller.arn, at) if index is not None else None
        differs = None
        if one.error is None:
            differs = comparing.differs(clusters[one.cluster], caller.account, one.user, expected)
        found.append(replace(one, expected=expected, differs=differs))
    return tuple(found)


def _people(edges: OwnEdges, config: Config) -> PeopleWay | None:
    way = _people_way(config)
    if way is None or edges.entered is None:
        return PeopleWay(way.role) if way is not None else None
    try:
        return PeopleWay(way.role, edges.entered(way.role, way.region))
    except IamrbacError as error:
        return PeopleWay(way.role, error=error)


def _people_way(config: Config) -> Way | None:
    identity = config.identity
    return ways(config)[identity.account] if identity is not None and identity.role is not None else None


def _ask(edges: OwnEdges, cluster: Cluster, index: AccessIndex | None) -> ClusterAccess:
    """Ask a cluster, where the index says that it is; whoever goes by one needs no right on EKS."""
    found = ClusterAccess(cluster.name, role=cluster.role)
    try:
        indexed = index.cluster(cluster.name) if index is not None else None
        target = indexed.target() if indexed is not None else edges.aws.target(cluster)
        found = replace(found, target=target)
        return replace(found, user=edges.access(target).whoami())
    except NotMappedError:
        return found
    except IamrbacError as error:
        return replace(found, error=error)


def _with_grants(
    edges: OwnEdges, documents: Documents | None, asked: tuple[ClusterAccess, ...], at: datetime
) -> tuple[ClusterAccess, ...]:
    groups = {one.cluster: one.user.groups for one in asked if one.user is not None}
    found: dict[str, tuple[Grant, ...] | None] = (
        dict.fromkeys(groups) if documents is None else granted(documents, groups, at, edges.roles.render)
    )
    told = (replace(one, grants=found[one.cluster]) if one.cluster in found else one for one in asked)
    return tuple(told) if documents is None else tuple(_with_roles(documents, at, told))


def _with_roles(documents: Documents, at: datetime, asked: Iterable[ClusterAccess]) -> Iterator[ClusterAccess]:
    """Whoever is in a group with `via: role` gets in by its role alone: no access as oneself is not the whole truth."""
    config = documents.config.document
    clusters = {cluster.name: cluster for cluster in config.clusters if cluster.mapping != "external"}
    sets = access_sets(documents, at)
    for one in asked:
        nobody = one.user is None and one.error is None and one.cluster in clusters
        yield replace(one, roles=roles_on(config, sets, clusters[one.cluster])) if nobody else one
