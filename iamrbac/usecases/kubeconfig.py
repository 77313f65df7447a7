"""Contexts for the clusters where the caller has access, into the caller's own kubeconfig."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from iamrbac.findings.finding import Finding
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import IamrbacError, UsageError
from iamrbac.model.suggest import did_you_mean
from iamrbac.plan.observed import Target
from iamrbac.usecases.context_names import Names
from iamrbac.usecases.granted import Grant
from iamrbac.usecases.load import load
from iamrbac.usecases.own_rights import may_something
from iamrbac.usecases.ports import (
    Context,
    Kubeconfig,
    OwnAccess,
    Preview,
    Progress,
    Prune,
    WantedContexts,
    Written,
)
from iamrbac.usecases.select import select
from iamrbac.usecases.states import CLUSTERS_AT_ONCE
from iamrbac.usecases.whoami import ClusterAccess, OwnEdges, who_am_i

_TEAM = 2
"""Where the team stands in a group's name, iamrbac:INSTANCE:TEAM:SET."""


@dataclass(frozen=True, slots=True)
class KubeconfigRequest:
    """What the person asks for."""

    at: datetime
    clusters: tuple[str, ...] = ()
    """Names; empty means all of the config. A single one becomes the current context."""
    everything: bool = False
    """All clusters of the config, without asking whether the caller has access."""
    namespace_contexts: bool = False
    """A context for each namespace, too."""
    profile: str | None = None
    """The AWS profile that the session has."""
    role_arn: str | None = None
    """The role that kubectl's token is for; None: the caller's own."""
    names: Names = field(default_factory=Names)
    """What contexts are called."""
    current: str | None = None
    """The context that becomes the current one."""
    prune: bool = False
    """Remove contexts that were written for this instance and are no longer granted."""


@dataclass(frozen=True, slots=True)
class ClusterContexts:
    """What was done for one cluster."""

    cluster: str
    contexts: tuple[Context, ...] = ()
    """None where the caller has no access, or it is not known."""
    namespaces: tuple[str, ...] = ()
    """Namespaces that the policies give and the cluster confirms; not asked with `everything`."""
    error: IamrbacError | None = None
    reach: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Context → its own part of the namespaces, where there are several ways into the cluster."""
    judged: bool = True
    """Whether it is known what is granted there, so that whatever else the file has of it may go."""


@dataclass(frozen=True, slots=True)
class KubeconfigResult:
    """The whole answer; without clusters, `findings` say why the documents mean nothing."""

    clusters: tuple[ClusterContexts, ...]
    written: Written | None
    """None when there was nothing to write, or only a preview was asked for."""
    findings: tuple[Finding, ...]
    preview: Preview | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Where the caller has access, before anything is written."""

    clusters: tuple[ClusterContexts, ...]
    findings: tuple[Finding, ...] = ()
    instance: str | None = None
    unasked: frozenset[str] = frozenset()
    """Clusters of the config that were not asked for."""


def make_contexts(
    edges: OwnEdges, kubeconfig: Kubeconfig, request: KubeconfigRequest, progress: Progress
) -> KubeconfigResult:
    """Find out where the caller has access and write these contexts, all in one go.

    A cluster that cannot be asked has an `error`, and whatever the file has of it stays. Raises UsageError,
    RepositoryError, KubeconfigError, and AwsError when AWS does not know the caller.
    """
    return write_found(find_contexts(edges, request, progress), kubeconfig, request)


def preview_contexts(
    edges: OwnEdges, kubeconfig: Kubeconfig, request: KubeconfigRequest, progress: Progress
) -> KubeconfigResult:
    """Find out the same and say what would be written. Raises as `make_contexts` does."""
    return preview_found(find_contexts(edges, request, progress), kubeconfig, request)


def write_found(found: Found, kubeconfig: Kubeconfig, request: KubeconfigRequest) -> KubeconfigResult:
    """Write the contexts that were found, wherever they were found. Raises UsageError, KubeconfigError."""
    wanted = wanted_contexts(found, request)
    written = kubeconfig.write(wanted) if wanted is not None else None
    return KubeconfigResult(found.clusters, written, found.findings)


def preview_found(found: Found, kubeconfig: Kubeconfig, request: KubeconfigRequest) -> KubeconfigResult:
    """Say what would be written of them. Raises UsageError, KubeconfigError."""
    wanted = wanted_contexts(found, request)
    preview = kubeconfig.preview(wanted) if wanted is not None else None
    return KubeconfigResult(found.clusters, None, found.findings, preview)


def find_contexts(edges: OwnEdges, request: KubeconfigRequest, progress: Progress) -> Found:
    """Return which contexts the caller should have. Raises as `make_contexts` does."""
    if request.everything:
        return _everything(edges, request)
    who = who_am_i(edges, request.at, request.clusters, progress)
    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
        clusters = tuple(pool.map(lambda one: _confirmed(edges, one, request, who.instance), who.clusters))
    return Found(clusters, who.findings, who.instance, _unasked(edges, request))


def wanted_contexts(found: Found, request: KubeconfigRequest) -> WantedContexts | None:
    """Return what the kubeconfig should have; None where there is nothing to write or to remove.

    Raises UsageError for two contexts of one name, and for a `current` that is none of them.
    """
    contexts = tuple(context for one in found.clusters for context in one.contexts)
    prune = _prune(found) if request.prune else None
    if not contexts:
        return WantedContexts((), prune=prune) if prune is not None else None
    names = [context.name for context in contexts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"several contexts would be called {', '.join(twice)}",
            hint="let --name-template tell them apart, e.g. '{namespace}@{cluster}'",
        )
    if request.current is not None and request.current not in names:
        raise UsageError(
            f"--current {request.current} is none of the contexts that are written",
            hint=did_you_mean(request.current, names, f"use one of {', '.join(names)}"),
        )
    alone = names[0] if request.clusters and len(found.clusters) == 1 else None
    return WantedContexts(contexts, request.current or alone, names[0], prune)


def _prune(found: Found) -> Prune | None:
    if found.instance is None:
        return None
    unknown = frozenset(one.cluster for one in found.clusters if not one.judged)
    granted = frozenset(
        (context.target.arn, context.role_arn, namespace)
        for one in found.clusters
        for context in one.contexts
        for namespace in one.reach.get(context.name, one.namespaces)
    )
    return Prune(found.instance, unknown | found.unasked, granted)


def _unasked(edges: OwnEdges, request: KubeconfigRequest) -> frozenset[str]:
    """Return the clusters of the config that this run says nothing about."""
    if not (request.prune and request.clusters) or (readable := load(edges.repository).readable) is None:
        return frozenset()
    every = readable.config.document.clusters
    return frozenset(one.name for one in every) - {one.name for one in select(every, request.clusters)}


def _everything(edges: OwnEdges, request: KubeconfigRequest) -> Found:
    loaded = load(edges.repository)
    if loaded.readable is None:
        return Found((), loaded.findings)
    config = loaded.readable.config.document
    instance = config.metadata.name
    selected = select(config.clusters, request.clusters)

    def describe(cluster: Cluster) -> ClusterContexts:
        try:
            target = edges.aws.target(cluster)
        except IamrbacError as error:
            return ClusterContexts(cluster.name, error=error, judged=False)
        return ClusterContexts(cluster.name, (_context(target, None, request, instance),), judged=False)

    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
        return Found(tuple(pool.map(describe, selected)), loaded.findings, instance, _unasked(edges, request))


def _confirmed(
    edges: OwnEdges, one: ClusterAccess, request: KubeconfigRequest, instance: str | None
) -> ClusterContexts:
    if one.target is None or one.user is None:
        return ClusterContexts(one.cluster, error=one.error, judged=one.error is None)
    wanted = sorted({grant.namespace for grant in one.grants or () if grant.namespace})
    try:
        namespaces = _usable(edges.access(one.target), wanted)
    except IamrbacError as error:
        return ClusterContexts(one.cluster, error=error, judged=False)
    contexts = tuple(_contexts(one.target, namespaces, request, instance, one.grants or ()))
    return ClusterContexts(one.cluster, contexts, namespaces, judged=one.grants is not None)


def _contexts(
    target: Target, namespaces: Sequence[str], request: KubeconfigRequest, instance: str | None, grants: Sequence[Grant]
) -> Iterator[Context]:
    everywhere = _team(grants)
    yield _context(target, namespaces[0] if len(namespaces) == 1 else None, request, instance, everywhere)
    for namespace in namespaces if request.namespace_contexts else ():
        team = _team([grant for grant in grants if grant.namespace == namespace])
        yield _context(target, namespace, request, instance, team, pinned=True)


def _context(
    target: Target,
    namespace: str | None,
    request: KubeconfigRequest,
    instance: str | None,
    team: str | None = None,
    *,
    pinned: bool = False,
) -> Context:
    name = request.names.of(target, namespace if pinned else None, team)
    return Context(
        name, target, request.profile, namespace, pinned=pinned, role_arn=request.role_arn, instance=instance
    )


def _team(grants: Iterable[Grant]) -> str | None:
    """Return the one team by which something is granted; None where there are several."""
    teams = {parts[2] for grant in grants if len(parts := grant.group.split(":")) > _TEAM}
    return teams.pop() if len(teams) == 1 else None


def _usable(access: OwnAccess, namespaces: Sequence[str]) -> tuple[str, ...]:
    """Return the namespaces in which the cluster says that the caller may do something. Raises KubeError."""
    return tuple(namespace for namespace in namespaces if may_something(access, namespace))
