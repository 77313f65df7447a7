"""What the policies give to somebody whose groups on a cluster are known. The cluster says them; IAM is not asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from iamrbac.compile.compiler import compile_documents
from iamrbac.compile.desired import ClusterDesired, ClusterFacts, RenderRole
from iamrbac.compile.documents import Documents
from iamrbac.compile.names import group_name
from iamrbac.compile.sets import AccessSet, Line, access_sets
from iamrbac.identity.snapshot import Identities
from iamrbac.model.documents import Cluster, EksAccessPolicy
from iamrbac.model.origin import Origin
from iamrbac.model.selection import selects
from iamrbac.rbac.objects import Binding


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A role in a namespace ("" for the whole cluster), and the policy lines that give it."""

    namespace: str
    role: str
    """As the policy calls it: `developer`, `clusterRole view`, `eksAccessPolicy AmazonEKSViewPolicy`."""
    group: str
    """The set that carries it, iamrbac:INSTANCE:TEAM:SET."""
    origins: tuple[Origin, ...] = ()


def granted(
    documents: Documents, groups: Mapping[str, Collection[str]], at: datetime, render: RenderRole
) -> dict[str, tuple[Grant, ...] | None]:
    """Return the grants of `groups` (cluster → Kubernetes groups) by cluster, sorted.

    `documents` are those that `check` found no error in. None for a cluster that the policies do not compile for, e.g.
    a pattern without a catalogue of namespaces.
    """
    config = documents.config.document
    ours = {name: _ours(carried, config.metadata.name) for name, carried in groups.items()}
    hers = _of(documents, {group.split(":")[2] for carried in ours.values() for group in carried})
    clusters = {cluster.name: cluster for cluster in config.clusters if ours.get(cluster.name)}
    facts = {name: ClusterFacts.offline(cluster, "neutral") for name, cluster in clusters.items()}
    compiled = compile_documents(hers, Identities(), facts, at, render).clusters
    lines = _policy_lines(access_sets(hers, at))
    found: dict[str, tuple[Grant, ...] | None] = {name: () for name, carried in ours.items() if not carried}
    for name, cluster in clusters.items():
        desired = compiled.get(name)
        found[name] = None if desired is None else tuple(sorted(_grants(desired, ours[name], lines, cluster)))
    return found


def _ours(groups: Iterable[str], instance: str) -> frozenset[str]:
    prefix = group_name(instance, "", "").removesuffix(":")
    return frozenset(
        group for group in groups if group.startswith(prefix) and group.count(":") == prefix.count(":") + 1
    )


def _of(documents: Documents, teams: Collection[str]) -> Documents:
    """Return the documents of some teams only: other people's policies have no part in the answer."""
    return Documents(
        documents.config,
        tuple(one for one in documents.policies if one.document.metadata.name in teams),
        tuple(one for one in documents.grants if one.document.spec.team in teams),
    )


def _policy_lines(sets: Iterable[AccessSet]) -> dict[tuple[str, str], list[Line]]:
    """Return the lines that give EKS access policies, by group and policy name."""
    found: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for one in sets:
        for line in one.lines:
            if isinstance(role := line.access.role, EksAccessPolicy):
                found[one.group, role.eks_access_policy].append(line)
    return found


def _grants(
    desired: ClusterDesired, groups: Collection[str], lines: Mapping[tuple[str, str], list[Line]], cluster: Cluster
) -> Iterator[Grant]:
    found: dict[tuple[str, str, str], set[Origin]] = defaultdict(set)
    for item in desired.objects:
        if isinstance(item.spec, Binding):
            for subject in item.spec.subjects:
                if subject.name in groups:
                    found[item.key.namespace, desired.roles[item.key.name], subject.name].update(item.origins)
    for principals in desired.principals:
        for policy in principals.policies if principals.group in groups else ():
            here = lines.get((principals.group, policy.policy), ())
            origins = {line.origin for line in here if selects(line.access.clusters, cluster)}
            for namespace in policy.namespaces or ("",):
                found[namespace, f"eksAccessPolicy {policy.policy}", principals.group].update(origins)
    for (namespace, role, group), because in found.items():
        yield Grant(namespace, role, group, tuple(sorted(because)))
