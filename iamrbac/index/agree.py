"""Whether an index is that of this repository. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from iamrbac.index.codec import ANEW
from iamrbac.index.index import AccessIndex, IndexCluster
from iamrbac.model.documents import Config
from iamrbac.model.errors import AccessIndexError


def agreed(index: AccessIndex, config: Config, where: str) -> tuple[AccessIndex, Sequence[str]]:
    """Return the part of an index that the config confirms, and the clusters of the config that it does not have yet.

    A cluster that the config has no more is left out. Raises AccessIndexError where the index is of another instance,
    or has a cluster of the config in another place (account, region, name) or behind another proxy.
    """
    instance = config.metadata.name
    if index.instance != instance:
        raise AccessIndexError(
            f"it is the access index of {index.instance}, and iamrbac.yaml is {instance}'s",
            where=where,
            hint="correct `index` in iamrbac.yaml, or --index",
        )
    known = {one.name: one for one in config.clusters}
    for one in index.clusters:
        cluster = known.get(one.name)
        if cluster is None:
            continue
        says = (one.account, one.region, one.eks_name, one.proxy_url, one.tls_server_name)
        if says != (cluster.account, cluster.region, cluster.eks, cluster.proxy_url, cluster.tls_server_name):
            raise AccessIndexError(
                f"the access index says of {one.name} what iamrbac.yaml does not: {one.arn}{_through(one)}",
                where=where,
                hint=f"pull the newest iamrbac.yaml; if it still differs, {ANEW}",
            )
    kept = tuple(one for one in index.clusters if one.name in known)
    if not kept:
        raise AccessIndexError("it has none of the clusters of iamrbac.yaml", where=where, hint=ANEW)
    there = {one.name for one in kept}
    missing = [name for name in known if name not in there]
    return AccessIndex(index.instance, index.written, index.commit, kept), missing


def _through(cluster: IndexCluster) -> str:
    words = {"through the proxy": cluster.proxy_url, "as": cluster.tls_server_name}
    return "".join(f", {how} {what}" for how, what in words.items() if what is not None)
