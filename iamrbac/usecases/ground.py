"""What questions about access are asked of: the policies, living clusters, or a folder of manifests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime

from iamrbac.access.judge import Judge
from iamrbac.access.naming import names_of
from iamrbac.access.world import ObjectId, World
from iamrbac.compile.documents import Documents
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.members import describe
from iamrbac.identity.snapshot import Identities
from iamrbac.model.documents import Cluster, IamGroup, Member
from iamrbac.model.errors import IamrbacError
from iamrbac.plan.change import FailedCluster
from iamrbac.plan.observed import ClusterState
from iamrbac.plan.simulate import before
from iamrbac.rbac.aggregate import aggregate
from iamrbac.rbac.objects import Binding, RbacState, Role
from iamrbac.usecases.load import load
from iamrbac.usecases.locate import locate
from iamrbac.usecases.ports import Edges, Repository, Roles
from iamrbac.usecases.read import read_cluster
from iamrbac.usecases.select import select
from iamrbac.usecases.states import CLUSTERS_AT_ONCE, failed
from iamrbac.usecases.worlds import EVERY_CLUSTER, policy_worlds

FILES = "files"
"""What the world of a folder of manifests is called."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Some clusters to ask, and what is known beside them."""

    judges: Mapping[str, Judge] = field(default_factory=dict)
    """By cluster, in the order of the config."""
    findings: tuple[Finding, ...] = ()
    """Located. Errors say why there is nothing to ask."""
    failures: tuple[FailedCluster, ...] = ()
    """Clusters that could not be read: nothing is known of them, and nothing is absent there."""
    instance: str = ""
    teams: frozenset[str] = frozenset()
    namespaces: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of the clusters where they are known."""
    suspended: tuple[str, ...] = ()
    """ARNs that the config suspends, where the policies are asked."""
    called: frozenset[str] = frozenset()
    """What people, roles and sets of the policies are called, also those that have nothing on these clusters."""
    otherwise: str = "iamrbac access lists everybody"
    """The next step for a name that nobody has."""
    notes: tuple[str, ...] = ()
    """What to know about all answers."""

    @property
    def failed(self) -> bool:
        """Whether there is nothing to ask, since the documents are wrong."""
        return any(finding.level is Level.ERROR for finding in self.findings)

    def lacking(self, namespace: str) -> tuple[str, ...]:
        """Return the clusters that are known not to have a namespace."""
        return tuple(name for name, known in self.namespaces.items() if namespace and namespace not in known)

    def is_suspended(self, text: str) -> bool:
        """Return whether a name is that of a suspended principal."""
        return any(text in names_of(arn) for arn in self.suspended)

    def may_be(self, text: str) -> bool:
        """Return whether somebody may be called so although no cluster here knows the name."""
        return bool(self.failures) or text in self.called or self.is_suspended(text)


def policy_ground(
    repository: Repository,
    roles: Roles,
    builtin: RbacState,
    at: datetime,
    clusters: tuple[str, ...] = (),
    identities: Identities | None = None,
    *,
    as_declared: bool = False,
) -> Ground:
    """Return what the policies mean; all clusters without names. Raises RepositoryError, UsageError.

    `as_declared`: whom `identities` does not know stays the member that is declared, which is an error else.
    """
    loaded = load(repository, roles.names())
    if loaded.documents is None or _refused(loaded.findings):
        return Ground(findings=loaded.findings)
    config = loaded.documents.config.document
    selected = select(config.clusters, clusters)
    asked, known = (None, identities) if as_declared else (identities, None)
    worlds = policy_worlds(loaded.documents, selected, builtin, roles.render, at, asked, known)
    if worlds.failed:
        return Ground(findings=locate(worlds.findings, repository))
    return Ground(
        {one.name: Judge(worlds.clusters[one.name], builtin.roles) for one in selected},
        instance=config.metadata.name,
        teams=_teams(loaded.documents),
        namespaces={one.name: EVERY_CLUSTER | {*one.namespaces} for one in selected if one.namespaces is not None},
        suspended=tuple(config.suspended),
        called=_called(loaded.documents, identities, groups=identities is None),
        otherwise=Ground().otherwise + ("" if identities is not None else "; --identities FILE knows people"),
    )


def live_ground(edges: Edges, builtin: RbacState, at: datetime, clusters: tuple[str, ...] = ()) -> Ground:
    """Return what is on the clusters now, ours and other people's; what is as the policies say with its policy lines.

    All clusters are read at the same time; one that cannot be read whole is a failure, and the others go on. Without
    valid policies no policy line is known. Raises RepositoryError, UsageError.
    """
    loaded = load(edges.repository, edges.roles.names())
    if loaded.readable is None:
        return Ground(findings=loaded.findings)
    config = loaded.readable.config.document
    selected = select(config.clusters, clusters)
    names = [cluster.name for cluster in selected]
    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
        states = dict(zip(names, pool.map(lambda one: _state(edges, one), selected), strict=True))
    meant: Mapping[str, World] = {}
    notes: tuple[str, ...] = ("the policies are not valid, so no policy line is known: iamrbac validate says why",)
    if loaded.documents is not None and not _refused(loaded.findings):
        meant = policy_worlds(loaded.documents, selected, builtin, edges.roles.render, at).clusters
        notes = ()
    return Ground(
        {
            name: Judge(_explained(before(state), meant.get(name, World())), builtin.roles)
            for name, state in states.items()
            if isinstance(state, ClusterState)
        },
        failures=tuple(state for state in states.values() if isinstance(state, FailedCluster)),
        instance=config.metadata.name,
        teams=_teams(loaded.readable),
        namespaces={name: state.namespaces for name, state in states.items() if isinstance(state, ClusterState)},
        called=_called(loaded.readable, None, groups=False),
        otherwise="iamrbac access --live lists everybody; a cluster knows no IAM group, but team:TEAM/SET",
        notes=notes,
    )


def file_ground(objects: Iterable[Role | Binding], findings: tuple[Finding, ...], builtin: RbacState) -> Ground:
    """Return what manifests give by themselves, beside Kubernetes' own roles, which they may replace."""
    if _refused(findings):
        return Ground(findings=findings)
    found = {_id(one): one for one in (*builtin.roles, *builtin.bindings, *objects)}
    roles = aggregate(one for one in found.values() if isinstance(one, Role))
    rbac = RbacState(roles, tuple(one for one in found.values() if isinstance(one, Binding)))
    return Ground(
        {FILES: Judge(World(rbac=rbac), builtin.roles)},
        otherwise="manifests map nobody: ask about user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME",
    )


def _state(edges: Edges, cluster: Cluster) -> ClusterState | FailedCluster:
    try:
        return read_cluster(cluster, edges.aws, edges.kube)
    except IamrbacError as error:
        return failed(cluster.name, error)


def _explained(world: World, meant: World) -> World:
    """Return a living world with the policy lines of what is as the policies mean it, and when temporary grants end.

    A binding that somebody changed, or whose role somebody changed, is not what its line says.
    """
    roles = {_id(one): one for one in meant.rbac.roles if _id(one) in meant.display}
    bindings = {_id(one): one for one in meant.rbac.bindings}
    changed = {_id(one) for one in world.rbac.roles if roles.get(_id(one), one) != one}
    kept = {_id(one) for one in world.rbac.bindings if bindings.get(_id(one)) == one and _bound(one) not in changed}
    origins = {key: lines for key, lines in meant.origins.items() if key in kept}
    return replace(world, origins=origins, policies=meant.policies, ends=meant.ends)


def _id(one: Role | Binding) -> ObjectId:
    return one.kind, one.namespace, one.name


def _bound(binding: Binding) -> ObjectId:
    """Return the role that a binding gives."""
    ref = binding.role_ref
    return ref.kind, binding.namespace if ref.kind == "Role" else None, ref.name


def _called(documents: Documents, identities: Identities | None, *, groups: bool) -> frozenset[str]:
    """Return all names of members, of IAM groups only where these are who is mapped, and of teams' sets."""
    found: set[str] = set()
    declared: list[Member] = [member for grant in documents.grants for member in grant.document.spec.members]
    for policy in documents.policies:
        for name, members in policy.document.spec.members.items():
            found.add(f"team:{policy.document.metadata.name}/{name}")
            declared += members
    principals = [describe(member) for member in declared if groups or not isinstance(member, IamGroup)]
    if identities is not None:
        known = identities.groups.values()
        principals += [arn for members in known if isinstance(members, tuple) for arn in members]
    return frozenset(found.union(*map(names_of, principals)))


def _teams(documents: Documents) -> frozenset[str]:
    policies = {one.document.metadata.name for one in documents.policies}
    return frozenset(policies | {one.document.spec.team for one in documents.grants})


def _refused(findings: Collection[Finding]) -> bool:
    return any(finding.level is Level.ERROR for finding in findings)
