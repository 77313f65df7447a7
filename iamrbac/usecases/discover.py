"""Contexts without a repository and without an index: every cluster of the region is asked who the caller is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from iamrbac.model.documents import Cluster
from iamrbac.model.errors import AwsError, IamrbacError, NotMappedError, UsageError
from iamrbac.plan.observed import Target
from iamrbac.usecases.kubeconfig import ClusterContexts, Found, KubeconfigRequest
from iamrbac.usecases.ports import Aws, Context, OwnAccess, Progress
from iamrbac.usecases.states import CLUSTERS_AT_ONCE, count


@dataclass(frozen=True, slots=True)
class DiscoveryEdges:
    """What is needed where nothing but AWS says which clusters there are."""

    aws: Aws
    names: Callable[[str], Sequence[str]]
    """The names of a region's clusters (ListClusters, every page). Raises AwsError."""
    access: Callable[[Target], OwnAccess]
    regions: tuple[str, ...]


def discovered_contexts(edges: DiscoveryEdges, request: KubeconfigRequest, progress: Progress) -> Found:
    """Return a context for each cluster of the regions that takes the caller for somebody.

    With `everything` none is asked. A cluster that cannot be described or asked has an `error`. Raises AwsError, also
    where there is no cluster at all, and UsageError for a name that no cluster has, and for `prune`.
    """
    if request.prune:
        message = "--prune removes what is no longer granted, and here nothing says what that is"
        raise UsageError(message, hint="use it with the access repository (--repo) or an access index (--index)")
    account = edges.aws.caller().account
    progress.step(f"No access repository and no index: asking EKS in {', '.join(edges.regions)}")
    found = [(region, name) for region in edges.regions for name in sorted(edges.names(region))]
    if not found:
        raise AwsError(
            f"EKS has no cluster in account {account}, region {' or '.join(edges.regions)}",
            hint="name another with --region, the access repository with --repo, or an access index with --index",
        )
    clusters = _selected(_clusters(account, found), request.clusters)
    progress.step(f"Asking {count(len(clusters), 'cluster')}")
    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
        return Found(tuple(pool.map(lambda one: _asked(edges, one, request), clusters)))


def _clusters(account: str, found: Sequence[tuple[str, str]]) -> tuple[Cluster, ...]:
    """Return the clusters under names that tell them apart: two regions may have one of the same name."""
    names = Counter(name for _, name in found)
    return tuple(
        Cluster(
            name=name if names[name] == 1 else f"{name}-{region}",
            eks_name=name,
            account=account,
            region=region,
        )
        for region, name in found
    )


def _selected(clusters: tuple[Cluster, ...], asked: Sequence[str]) -> tuple[Cluster, ...]:
    unknown = sorted(set(asked) - {one.name for one in clusters})
    if unknown:
        known = ", ".join(one.name for one in clusters)
        raise UsageError(f"no such cluster: {', '.join(unknown)}", hint=f"EKS has {known}")
    return tuple(one for one in clusters if not asked or one.name in asked)


def _asked(edges: DiscoveryEdges, cluster: Cluster, request: KubeconfigRequest) -> ClusterContexts:
    try:
        target = edges.aws.target(cluster)
        if not request.everything:
            edges.access(target).whoami()
    except NotMappedError:
        return ClusterContexts(cluster.name)
    except IamrbacError as error:
        return ClusterContexts(cluster.name, error=error, judged=False)
    name = request.names.of(target, None, None)
    return ClusterContexts(cluster.name, (Context(name, target, request.profile, role_arn=request.role_arn),))
