"""The EKS clusters that moto keeps, each with its access, which moto does not know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import RLock
from typing import Any
from weakref import WeakKeyDictionary

from moto.eks.models import eks_backends

from iamrbac.model.arn import partition_of
from iamrbac.sandbox.aws.eks.access import ClusterAccess, Mode
from iamrbac.sandbox.aws.eks.errors import ResourceNotFoundError

VERSION, PLATFORM = "1.36", "eks.9"


class Clusters:
    """Finds clusters; finishes updates whose time has come. Hold `lock` while you look at or change what it gives."""

    def __init__(self, now: Callable[[], datetime], update_time: timedelta) -> None:
        self.lock = RLock()
        self.now = now
        self._update_time = update_time
        self._access: WeakKeyDictionary[Any, ClusterAccess] = WeakKeyDictionary()

    def access(self, account: str, region: str, name: str) -> ClusterAccess:
        """Return a cluster's access, updates settled. Raises as EKS does where there is no such cluster."""
        cluster = self._cluster(account, region, name)
        if cluster not in self._access:
            self.begin(account, region, name, "CONFIG_MAP", True)
        access = self._access[cluster]
        for update in access.updates.values():
            if update.status == "InProgress" and self.now() - update.created_at >= self._update_time:
                access.finish(update)
        self._show(cluster, access)
        return access

    def settle(self, account: str, region: str) -> None:
        """Settle all of a region's clusters, before moto describes one of them."""
        for name in list(eks_backends[account][region].clusters):
            self.access(account, region, name)

    def begin(self, account: str, region: str, name: str, mode: Mode, bootstrap: bool) -> ClusterAccess:
        """Give a cluster that moto has just made its accessConfig."""
        cluster = self._cluster(account, region, name)
        access = ClusterAccess(name, account, region, partition_of(region), mode, bootstrap)
        self._access[cluster] = access
        self._show(cluster, access)
        return access

    def create(self, account: str, region: str, name: str, role_arn: str, mode: Mode) -> ClusterAccess:
        """Make a cluster with no entries, without anybody having asked over HTTP."""
        eks_backends[account][region].create_cluster(
            name=name, version=VERSION, role_arn=role_arn, resources_vpc_config={}
        )
        self._cluster(account, region, name).platformVersion = PLATFORM
        return self.begin(account, region, name, mode, True)

    def connect(self, account: str, region: str, name: str, endpoint: str, ca: str) -> None:
        """Say where a cluster's Kubernetes API is; `ca` is base64 of PEM, as DescribeCluster gives it."""
        cluster = self._cluster(account, region, name)
        cluster.endpoint = endpoint
        cluster.certificate_authority = {"data": ca}

    def everything(self, account: str, region: str) -> Iterator[ClusterAccess]:
        """Yield the access of all clusters of a region."""
        for name in list(eks_backends[account][region].clusters):
            yield self.access(account, region, name)

    def _cluster(self, account: str, region: str, name: str) -> Any:
        cluster = eks_backends[account][region].clusters.get(name)
        if cluster is None:
            raise ResourceNotFoundError(f"No cluster found for name: {name}.")
        return cluster

    def _show(self, cluster: Any, access: ClusterAccess) -> None:
        """Let moto's own DescribeCluster say it: its serializer reads attributes by name."""
        cluster.access_config = {
            "authenticationMode": access.mode,
            "bootstrapClusterCreatorAdminPermissions": access.bootstrap,
        }
        busy = any(update.status == "InProgress" for update in access.updates.values())
        cluster.status = "UPDATING" if busy else "ACTIVE"
