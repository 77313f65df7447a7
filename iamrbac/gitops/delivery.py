"""Where and how one cluster is delivered, with every default filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from iamrbac.model.arn import partition_of
from iamrbac.model.documents import Cluster, Config
from iamrbac.model.gitops import ArgoCd, Author, EntriesForm, Flux, Forge, GitOps, Layout, Publish

_CREDENTIALS: Final = re.compile(r"[a-z]+://[^/@]*:[^/@]*@|https?://[^/@]+@")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One cluster's place in Git. Folders are relative to the delivery repository's top, without a slash at the end."""

    instance: str
    cluster: str
    """The cluster's name in the config."""
    eks_name: str
    account: str
    region: str
    repository: str
    """As the config says it; "" where it says nothing, which `validate` refuses."""
    branch: str
    path: str
    """The folder of the cluster's Kubernetes objects."""
    layout: Layout
    publish: Publish
    entries: EntriesForm
    """`direct`: no access entry is kept in Git."""
    entries_path: str
    """The folder of forms that are no Kubernetes objects."""
    entries_namespace: str
    author: Author | None
    forge: Forge | None
    argocd: ArgoCd
    flux: Flux
    path_template: str
    """`path` as the config says it, with {cluster} for the cluster's name."""
    namespaces: tuple[str, ...] | None
    """The cluster's catalogue of namespaces; None where the config has none."""

    @property
    def arn(self) -> str:
        """The ARN of the EKS cluster, as the config alone says it."""
        return f"arn:{self.partition}:eks:{self.region}:{self.account}:cluster/{self.eks_name}"

    @property
    def partition(self) -> str:
        """The partition of the cluster's region: aws, aws-cn, …"""
        return partition_of(self.region)


def deliveries(config: Config) -> Mapping[str, Delivery]:
    """Return the delivery of every cluster with `delivery: gitops`, by the cluster's name in the config."""
    return {one.name: delivery_of(config, one) for one in config.clusters if one.delivery == "gitops"}


def delivery_of(config: Config, cluster: Cluster) -> Delivery:
    """Return where a cluster is delivered: its own keys, else the config's, else the defaults (model/gitops.py)."""
    merged = _merged(config.gitops, cluster.gitops)
    argocd = merged.argocd or ArgoCd()
    flux = merged.flux or Flux()
    path = merged.path or "clusters/{cluster}"
    return Delivery(
        instance=config.metadata.name,
        cluster=cluster.name,
        eks_name=cluster.eks,
        account=cluster.account,
        region=cluster.region,
        repository=merged.repository or "",
        branch=merged.branch or "main",
        path=_folder(path, cluster.name),
        layout=merged.layout or "plain",
        publish=merged.commit or "push",
        entries=merged.access_entries or "direct",
        entries_path=_folder(merged.entries_path or "iam/{cluster}", cluster.name),
        entries_namespace=merged.entries_namespace or "ack-system",
        author=merged.author,
        forge=merged.forge,
        argocd=argocd.model_copy(update={"path": _folder(argocd.path, cluster.name)}),
        flux=flux.model_copy(update={"path": _folder(flux.path, cluster.name)}),
        path_template=path,
        namespaces=cluster.namespaces,
    )


def has_credentials(url: str) -> bool:
    """Say whether a repository's URL has a password or a token in it, for everybody who reads the config."""
    return _CREDENTIALS.match(url) is not None


def _merged(general: GitOps | None, own: GitOps | None) -> GitOps:
    """Return the keys of both; where both have one, the cluster's own."""
    if general is None or own is None:
        return own or general or GitOps()
    return general.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})


def _folder(template: str, cluster: str) -> str:
    return template.replace("{cluster}", cluster)
