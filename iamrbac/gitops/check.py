"""What the config says about delivery by Git, judged without git: every cluster has a place, and no two share one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import PurePosixPath
from typing import Final

from iamrbac.compile.check.said import error, warning
from iamrbac.compile.documents import Documents
from iamrbac.findings.finding import Finding
from iamrbac.gitops.delivery import Delivery, deliveries, has_credentials
from iamrbac.gitops.layouts import argocd_fault
from iamrbac.model.gitops import GitOps
from iamrbac.model.origin import Path

_PLACEHOLDER: Final = re.compile(r"\{[^}]*\}?|\}")


def check_deliveries(documents: Documents) -> Iterator[Finding]:
    """Return GIT101 … GIT110, with file and path: see README, Delivery by Git."""
    config = documents.config.document
    file = documents.config.file
    delivered = deliveries(config)
    places: dict[str, Path] = {}
    for index, cluster in enumerate(config.clusters):
        path: Path = ("clusters", index)
        if cluster.name in places:
            # A name twice is told by the checks of documents.
            continue
        own = cluster.gitops is not None
        if cluster.name not in delivered:
            if own:
                message = f"{cluster.name} has delivery: direct, so its gitops: says nothing"
                yield warning("GIT101", file, (*path, "gitops"), message, "remove it, or set delivery: gitops")
            continue
        one = delivered[cluster.name]
        places[cluster.name] = (*path, "gitops") if own else ("gitops",)
        if not one.repository:
            message = f"{cluster.name} has delivery: gitops, and no repository to deliver to"
            hint = "name it in `gitops: {repository: …}`, at the top or of the cluster"
            yield error("GIT102", file, (*path, "delivery"), message, hint, [cluster.name])
        unasked = cluster.mapping == "external" or (one.entries != "direct" and cluster.mapping != "aws-auth")
        if cluster.namespaces is None and unasked:
            message = f"{cluster.name} has no catalogue of namespaces, and nobody asks the cluster"
            hint = (
                "list its `namespaces:`: a grant in one that is not there is refused at the sync and holds up what "
                "comes after it"
            )
            yield warning("GIT108", file, path, message, hint, [cluster.name])
        for message, hint in _deliverers(one):
            yield error("GIT107", file, places[cluster.name], message, hint, [cluster.name])
        home = one.argocd.cluster
        if home is not None and all(other.name != home for other in config.clusters):
            message = f"argocd.cluster names {home}, which is no cluster of this config"
            hint = "name the cluster where Argo CD runs, or leave it out: it is only asked by `iamrbac status`"
            yield error("GIT109", file, places[cluster.name], message, hint, [cluster.name])
        if one.entries != "direct" and cluster.mapping in ("aws-auth", "external"):
            message = f"{cluster.name} has mapping: {cluster.mapping}, and so no access entries to keep in Git"
            hint = "remove accessEntries: rows of aws-auth are written directly, since EKS itself adds rows for nodes"
            yield error("GIT105", file, places[cluster.name], message, hint, [cluster.name])
    yield from _texts(documents)
    publish: dict[tuple[str, str], str] = {}
    for name, one in delivered.items():
        first_name = publish.setdefault((one.repository, one.branch), name)
        ways = {one.publish, delivered[first_name].publish}
        if len(ways) > 1 and "local" in ways:
            message = f"{name} and {first_name} share a branch, and only one of them has commit: local"
            hint = "give both the same, or one of them another branch: what is not pushed is seen by nobody else"
            yield error("GIT110", file, places[name], message, hint, [first_name, name])
    for first, second in combinations(delivered.values(), 2):
        shared = _shared(first, second)
        if shared:
            message = f"{first.cluster} and {second.cluster} would both write {shared} on {first.branch}"
            hint = "give each a folder of its own, not inside another's: path: clusters/{cluster}"
            yield error("GIT106", file, places[second.cluster], message, hint, [first.cluster, second.cluster])


def _deliverers(delivery: Delivery) -> Iterator[tuple[str, str]]:
    """Yield what keeps Argo CD or Flux from reading what they should, or has them read what they should not."""
    if delivery.layout == "argocd" and delivery.repository:
        fault = argocd_fault(delivery)
        if fault is not None:
            yield fault
    own = {"argocd": delivery.argocd.path, "flux": delivery.flux.path}.get(delivery.layout)
    if own is not None and _nested(own, delivery.path):
        yield (
            f"{own} is for the deliverer's own objects, and lies in, or holds, {delivery.path}: "
            "whatever reads one folder would apply the other too",
            f"give them folders beside each other: {delivery.layout}: {{path: …}}",
        )


def _nested(one: str, other: str) -> bool:
    return PurePosixPath(one).is_relative_to(other) or PurePosixPath(other).is_relative_to(one)


def _texts(documents: Documents) -> Iterator[Finding]:
    """GIT103 credentials in a URL, GIT104 a placeholder that there is not; each where it stands."""
    config = documents.config.document
    file = documents.config.file
    blocks: list[tuple[Path, GitOps | None]] = [(("gitops",), config.gitops)]
    blocks += [(("clusters", index, "gitops"), one.gitops) for index, one in enumerate(config.clusters)]
    for path, block in blocks:
        if block is None:
            continue
        if block.repository is not None and has_credentials(block.repository):
            message = "the repository's URL has credentials in it, and everybody who reads this file would have them"
            hint = "take them out (and revoke them): git asks its credential helper, or uses ssh"
            yield error("GIT103", file, (*path, "repository"), message, hint)
        folders: dict[Path, str | None] = {("path",): block.path, ("entriesPath",): block.entries_path}
        if block.flux is not None:
            folders["flux", "path"] = block.flux.path
        if block.argocd is not None:
            folders["argocd", "path"] = block.argocd.path
        for key, folder in folders.items():
            unknown = [one for one in _PLACEHOLDER.findall(folder or "") if one != "{cluster}"]
            if unknown:
                message = f"{folder} has {unknown[0]}, and only {{cluster}} stands for something"
                hint = "write {cluster} for the cluster's name, or a plain name"
                yield error("GIT104", file, (*path, *key), message, hint)


def _shared(first: Delivery, second: Delivery) -> str:
    """Return a folder of one that is, or lies in, a folder of the other; "" without one."""
    if (first.repository, first.branch) != (second.repository, second.branch):
        return ""
    for one in _own_folders(first):
        for other in _own_folders(second):
            if _nested(one, other):
                return one
    return ""


def _own_folders(delivery: Delivery) -> tuple[str, ...]:
    """Return the folders that hold nothing but this cluster."""
    outside = delivery.entries in ("terraform", "cloudformation", "eksctl", "pulumi")
    return (delivery.path, delivery.entries_path) if outside else (delivery.path,)
