"""One cluster, read whole: what EKS says of it, whom it maps, and what its own API has."""

from __future__ import annotations

from collections.abc import Callable

from iamrbac.model.documents import Cluster
from iamrbac.plan.observed import ClusterState, Target
from iamrbac.usecases.pool import Pool
from iamrbac.usecases.ports import Aws, Kube


def read_cluster(cluster: Cluster, aws: Aws, kube: Callable[[Target], Kube]) -> ClusterState:
    """Describe the cluster, then read its mappings and its API at the same time.

    Raises AwsError or KubeError unless all of it could be read.
    """
    target = aws.target(cluster)
    return read_mappings_and_state(target, aws, kube(target))


def read_mappings_and_state(target: Target, aws: Aws, kube: Kube) -> ClusterState:
    """Read a described cluster's mappings and its API at the same time. Raises as `read_cluster` does."""
    with Pool(max_workers=1) as pool:
        mappings = pool.submit(aws.mappings, target)
        namespaces, objects, aws_auth = kube.state()
        entries = mappings.result()
    return ClusterState(target, namespaces, (*objects, *entries), aws_auth)
