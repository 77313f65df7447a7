"""Which cluster the doctor looks at: the config's, the index's, or the one of a kubeconfig's context."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from iamrbac.diagnosis.facts import Ended, Entry, Held, Named, Place, Says
from iamrbac.findings.finding import Level
from iamrbac.index.index import AccessIndex, IndexCluster, IndexSet
from iamrbac.index.mine import Mine, mine
from iamrbac.model.arn import partition_of
from iamrbac.model.documents import Cluster, Config
from iamrbac.model.errors import IamrbacError, UsageError
from iamrbac.rbac.objects import Request, User
from iamrbac.usecases.doctor_edges import DoctorEdges
from iamrbac.usecases.load import Loaded, load
from iamrbac.usecases.policy_says import PolicySide
from iamrbac.usecases.select import select


@dataclass(frozen=True, slots=True)
class Patient:
    """A cluster to look at, and who can say what ought to be there."""

    place: Place
    cluster: Cluster | None = None
    """As the config has it; None outside of it."""
    policies: PolicySide | None = None
    """None without valid documents."""
    indexed: IndexCluster | None = None
    index: AccessIndex | None = None
    at: datetime = datetime.min
    notes: tuple[str, ...] = ()
    """What could not be taken into account, and why."""

    def says(self, caller: str, user: User | None, asked: Request | None) -> Says | None:
        """Return what the policies, or else the index, say of the caller; None where neither is known."""
        own = self._mine(caller)
        if self.policies is None or self.cluster is None:
            return says_of_index(own) if own is not None else None
        says = self.policies.says(self.cluster, caller, user, asked)
        # Who is in an IAM group the index alone can tell a developer.
        expected = bool(own.direct) if says.expected is None and own is not None else says.expected
        return replace(says, expected=expected)

    def _mine(self, caller: str) -> Mine | None:
        if self.index is None or self.indexed is None or self.indexed.external:
            return None
        return next((one for one in mine(self.index, caller, self.at) if one.cluster is self.indexed), None)


def patient(edges: DoctorEdges, cluster: str | None, context: str | None, at: datetime) -> Patient:
    """Find out which cluster is meant. Raises UsageError where none is, KubeconfigError, RepositoryError."""
    if cluster is not None and context is not None:
        raise UsageError("--cluster and --context exclude each other", hint="leave one of them out")
    loaded = None
    if edges.repository is not None and edges.roles is not None:
        loaded = load(edges.repository, edges.roles.names())
    config = loaded.readable.config.document if loaded is not None and loaded.readable is not None else None
    configured = config.clusters if config is not None else ()
    index, notes = _index(edges, config, at)
    if cluster is not None:
        found = _named(edges, cluster, configured, index)
    else:
        found = _current(edges, context, configured, index)
    policies, more = _policies(edges, loaded, at)
    return replace(found, at=at, policies=policies, index=index, notes=(*notes, *more))


def cluster_arn(one: Cluster) -> str:
    """Return the ARN that a cluster of the config has at EKS."""
    return f"arn:{partition_of(one.region)}:eks:{one.region}:{one.account}:cluster/{one.eks}"


def _index(edges: DoctorEdges, config: Config | None, at: datetime) -> tuple[AccessIndex | None, tuple[str, ...]]:
    try:
        return edges.index(config, at), ()
    except IamrbacError as error:
        return None, (f"the access index is not taken into account: {error}",)


def _policies(edges: DoctorEdges, loaded: Loaded | None, at: datetime) -> tuple[PolicySide | None, tuple[str, ...]]:
    if loaded is None or edges.roles is None:
        return None, ()
    if loaded.documents is None or any(finding.level is Level.ERROR for finding in loaded.findings):
        return None, ("the policies are not valid, so they are not taken into account: iamrbac validate says why",)
    return PolicySide(loaded.documents, edges.roles, edges.builtin(), at), ()


def _named(edges: DoctorEdges, name: str, configured: Iterable[Cluster], index: AccessIndex | None) -> Patient:
    indexed = index.cluster(name) if index is not None else None
    configured = tuple(configured)
    one = next((cluster for cluster in configured if cluster.name == name), None)
    if one is not None:
        entry = edges.contexts.of_cluster(cluster_arn(one), name)
        return Patient(Place(_of_config(one), entry), one, indexed=indexed)
    if indexed is not None:
        named = Named(name, indexed.eks_name, indexed.region, indexed.account)
        return Patient(Place(named, edges.contexts.of_cluster(indexed.arn, name)), indexed=indexed)
    if configured:
        select(configured, (name,))
    entry = edges.contexts.of_cluster("", name)
    if entry is None:
        raise UsageError(f"nothing here knows a cluster {name}", hint="name a context of the kubeconfig with --context")
    return Patient(Place(_of_entry(entry), entry))


def _current(
    edges: DoctorEdges, context: str | None, configured: Iterable[Cluster], index: AccessIndex | None
) -> Patient:
    configured = tuple(configured)
    entry = edges.contexts.context(context)
    if entry is None:
        if len(configured) == 1:
            return _named(edges, configured[0].name, configured, index)
        known = f": {', '.join(one.name for one in configured)}" if configured else ""
        raise UsageError("the kubeconfig has no current context", hint=f"name a cluster with --cluster{known}")
    one = next((cluster for cluster in configured if _is(entry, cluster)), None)
    clusters = index.clusters if index is not None else ()
    indexed = next((found for found in clusters if entry.arn == found.arn), None)
    if one is not None:
        return Patient(Place(_of_config(one), entry), one, indexed=indexed)
    return Patient(Place(_of_entry(entry), entry), indexed=indexed)


def _is(entry: Entry, cluster: Cluster) -> bool:
    if entry.arn:
        return entry.arn == cluster_arn(cluster)
    plugin = entry.plugin
    return plugin is not None and (plugin.cluster_name, plugin.region) == (cluster.eks, cluster.region)


def _of_config(one: Cluster) -> Named:
    return Named(one.name, one.eks, one.region, one.account)


def _of_entry(entry: Entry) -> Named:
    """Return what a kubeconfig alone says of a cluster. Raises UsageError where that is no EKS cluster."""
    plugin, parts = entry.plugin, entry.arn.split(":")
    region = parts[3] if entry.arn else plugin.region if plugin is not None else ""
    name = entry.arn.rpartition("/")[2] or (plugin.cluster_name if plugin is not None else "")
    if not name or not region:
        raise UsageError(
            f"the context {entry.context} is not of an EKS cluster: its user has no plug-in that names one",
            hint="name another context with --context, or a cluster of iamrbac.yaml with --cluster",
        )
    return Named(entry.context, name, region, parts[4] if entry.arn else "")


def says_of_index(own: Mine) -> Says:
    """Return what an index says of the caller on a cluster."""
    ended = (_ended(one) for one in own.ended)
    held = tuple(Held(grant.role, grant.namespace, grant.because) for one in own.direct for grant in one.grants)
    roles = tuple(dict.fromkeys(role for role, _ in own.by_role))
    return Says(held=held, ended=tuple(ended), roles=roles, expected=bool(own.direct))


def _ended(one: IndexSet) -> Ended:
    namespaces = tuple(grant.namespace for grant in one.grants)
    whole = "" in namespaces
    until = one.not_after.isoformat() if one.not_after is not None else ""
    because = next((line for grant in one.grants for line in grant.because), "")
    return Ended(one.name, one.team, until, () if whole else namespaces, True, because)
