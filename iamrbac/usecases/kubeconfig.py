"""Contexts for the clusters where the caller has access, into the caller's own kubeconfig."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from iamrbac.findings.finding import Finding
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import IamrbacError
from iamrbac.plan.observed import Target
from iamrbac.rbac.objects import Request, Rule
from iamrbac.usecases.load import load
from iamrbac.usecases.ports import Context, Kubeconfig, OwnAccess, Progress, WantedContexts, Written
from iamrbac.usecases.select import select
from iamrbac.usecases.states import CLUSTERS_AT_ONCE
from iamrbac.usecases.whoami import ClusterAccess, OwnEdges, who_am_i

# Everybody may ask these about himself; they are no access (the default ClusterRole system:basic-user).
_ABOUT_ONESELF = frozenset({"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"})
# What is asked where a cluster cannot list all of the caller's rules: EKS's access policies all give it.
_PROBE = Request("list", "pods")


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


@dataclass(frozen=True, slots=True)
class ClusterContexts:
    """What was done for one cluster."""

    cluster: str
    contexts: tuple[Context, ...] = ()
    """None where the caller has no access, or it is not known."""
    namespaces: tuple[str, ...] = ()
    """Namespaces that the policies give and the cluster confirms; not asked with `everything`."""
    error: IamrbacError | None = None


@dataclass(frozen=True, slots=True)
class KubeconfigResult:
    """The whole answer; without clusters, `findings` say why the documents mean nothing."""

    clusters: tuple[ClusterContexts, ...]
    written: Written | None
    """None when there was nothing to write."""
    findings: tuple[Finding, ...]


def make_contexts(
    edges: OwnEdges, kubeconfig: Kubeconfig, request: KubeconfigRequest, progress: Progress
) -> KubeconfigResult:
    """Find out where the caller has access and write these contexts, all in one go.

    A cluster that cannot be asked has an `error`, and whatever the file has of it stays. Raises UsageError,
    RepositoryError, KubeconfigError, and AwsError when AWS does not know the caller.
    """
    if request.everything:
        clusters, findings = _everything(edges, request)
    else:
        who = who_am_i(edges, request.at, request.clusters, progress)
        findings = who.findings
        with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
            clusters = tuple(pool.map(lambda one: _confirmed(edges, one, request), who.clusters))
    contexts = tuple(context for one in clusters for context in one.contexts)
    if not contexts:
        return KubeconfigResult(clusters, None, findings)
    current = contexts[0].name if request.clusters and len(clusters) == 1 else None
    wanted = WantedContexts(contexts, current, contexts[0].name)
    return KubeconfigResult(clusters, kubeconfig.write(wanted), findings)


def _everything(edges: OwnEdges, request: KubeconfigRequest) -> tuple[tuple[ClusterContexts, ...], tuple[Finding, ...]]:
    loaded = load(edges.repository)
    if loaded.readable is None:
        return (), loaded.findings
    selected = select(loaded.readable.config.document.clusters, request.clusters)

    def describe(cluster: Cluster) -> ClusterContexts:
        try:
            target = edges.aws.target(cluster)
        except IamrbacError as error:
            return ClusterContexts(cluster.name, error=error)
        return ClusterContexts(cluster.name, (Context(target.name, target, request.profile),))

    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
        return tuple(pool.map(describe, selected)), loaded.findings


def _confirmed(edges: OwnEdges, one: ClusterAccess, request: KubeconfigRequest) -> ClusterContexts:
    if one.target is None or one.user is None:
        return ClusterContexts(one.cluster, error=one.error)
    wanted = sorted({grant.namespace for grant in one.grants or () if grant.namespace})
    try:
        namespaces = _usable(edges.access(one.target), wanted)
    except IamrbacError as error:
        return ClusterContexts(one.cluster, error=error)
    return ClusterContexts(one.cluster, tuple(_contexts(one.target, namespaces, request)), namespaces)


def _contexts(target: Target, namespaces: Sequence[str], request: KubeconfigRequest) -> Iterator[Context]:
    yield Context(target.name, target, request.profile, namespaces[0] if len(namespaces) == 1 else None)
    for namespace in namespaces if request.namespace_contexts else ():
        yield Context(f"{namespace}@{target.name}", target, request.profile, namespace, pinned=True)


def _usable(access: OwnAccess, namespaces: Sequence[str]) -> tuple[str, ...]:
    """Return the namespaces in which the cluster says that the caller may do something. Raises KubeError."""
    return tuple(namespace for namespace in namespaces if _may_something(access, namespace))


def _may_something(access: OwnAccess, namespace: str) -> bool:
    rules, complete = access.rules(namespace)
    if _more_than_about_oneself(rules):
        return True
    return not complete and access.can(Request(_PROBE.verb, _PROBE.resource, namespace=namespace))


def _more_than_about_oneself(rules: Iterable[Rule]) -> bool:
    return any(not _ABOUT_ONESELF.issuperset(rule.resources) for rule in rules if rule.resources)
