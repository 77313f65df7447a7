"""The access index of compiled documents: who has what on each cluster, and how each is reached. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from iamrbac.compile.desired import ClusterDesired, Compiled, Form
from iamrbac.compile.documents import Documents
from iamrbac.compile.iam import role_groups, set_role
from iamrbac.compile.sets import AccessSet, access_sets
from iamrbac.identity.assumable import role_arn
from iamrbac.index.index import AccessIndex, IndexCluster, IndexGrant, IndexSet
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow
from iamrbac.model.arn import comparable
from iamrbac.model.documents import Cluster, Config
from iamrbac.model.origin import Origin
from iamrbac.plan.observed import Target
from iamrbac.rbac.objects import Binding


@dataclass(frozen=True, slots=True)
class Made:
    """When an index is made, and from which commit."""

    at: datetime
    commit: str | None = None


def form_on(cluster: Cluster, target: Target) -> Form:
    """Return how an index compiles for a cluster, so that it says of members what `plan` would say.

    A cluster that somebody else maps is compiled for its RBAC alone. What entries and rows differ in beyond that
    (which of the two a cluster with both gets) is nothing to somebody who only wants in.
    """
    if cluster.mapping == "external":
        return "external"
    rows = cluster.mapping == "aws-auth" or target.authentication_mode == "CONFIG_MAP"
    return "aws-auth" if rows else "access-entries"


def make(
    documents: Documents, compiled: Compiled, targets: Mapping[str, Target], made: Made, line: Callable[[Origin], str]
) -> AccessIndex:
    """Return the index of documents that were compiled for every cluster at `made.at`, each with its target.

    `line` turns an origin into FILE:LINE.
    """
    config = documents.config.document
    sets = access_sets(documents, made.at)
    clusters = tuple(
        _cluster(config, cluster, compiled.clusters[cluster.name], targets[cluster.name], sets, line)
        for cluster in sorted(config.clusters, key=lambda one: one.name)
    )
    return AccessIndex(config.metadata.name, made.at.replace(microsecond=0), made.commit, clusters)


def _cluster(
    config: Config,
    cluster: Cluster,
    desired: ClusterDesired,
    target: Target,
    sets: Iterable[AccessSet],
    line: Callable[[Origin], str],
) -> IndexCluster:
    carried = {principals.group for principals in desired.principals}
    people, grants = _people(desired), _grants(desired)
    external = cluster.mapping == "external"
    found = tuple(
        _set(config, one, target, people[one.group], grants[one.group], line, external=external)
        for one in sets
        if one.group in carried
    )
    return IndexCluster(
        cluster.name,
        target.eks_name,
        target.arn,
        target.endpoint,
        target.certificate_authority,
        target.proxy_url,
        target.tls_server_name,
        external,
        tuple(sorted(found, key=lambda one: (one.team, one.name))),
    )


def _set(
    config: Config,
    one: AccessSet,
    target: Target,
    people: Iterable[str],
    grants: Mapping[tuple[str, str], set[Origin]],
    line: Callable[[Origin], str],
    *,
    external: bool,
) -> IndexSet:
    accounts = set() if external else {key.account for key, _ in role_groups(config, one)}
    roles = sorted(role_arn(target.partition, account, set_role(config, one)) for account in accounts)
    own = {comparable(role) for role in roles}
    return IndexSet(
        one.team,
        one.name,
        one.group,
        tuple(sorted(arn for arn in people if comparable(arn) not in own)),
        tuple(roles),
        one.ends,
        tuple(
            IndexGrant(namespace, role, tuple(dict.fromkeys(line(origin) for origin in sorted(origins))))
            for (namespace, role), origins in sorted(grants.items())
        ),
    )


def _people(desired: ClusterDesired) -> Mapping[str, set[str]]:
    """Return group → ARNs of those who are mapped to it."""
    found: dict[str, set[str]] = defaultdict(set)
    for arn, groups in _mapped(desired):
        for group in groups:
            found[group].add(arn)
    return found


def _mapped(desired: ClusterDesired) -> Iterator[tuple[str, tuple[str, ...]]]:
    for item in desired.objects:
        if isinstance(item.spec, AccessEntry):
            yield item.spec.principal, item.spec.groups
        elif isinstance(item.spec, AwsAuthRow):
            yield item.spec.arn, item.spec.groups


def _grants(desired: ClusterDesired) -> Mapping[str, dict[tuple[str, str], set[Origin]]]:
    """Return group → namespace and role → the lines that give it."""
    found: dict[str, dict[tuple[str, str], set[Origin]]] = defaultdict(lambda: defaultdict(set))
    for item in desired.objects:
        if isinstance(item.spec, Binding):
            for subject in item.spec.subjects:
                found[subject.name][item.key.namespace, desired.roles[item.key.name]].update(item.origins)
    for principals in desired.principals:
        for policy in principals.policies:
            for namespace in policy.namespaces or ("",):
                found[principals.group][namespace, f"eksAccessPolicy {policy.policy}"].update(policy.origins)
    return found
