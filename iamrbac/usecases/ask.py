"""Questions about access: of the policies, of living clusters, or of a folder of manifests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from iamrbac.access.held import Held, held
from iamrbac.access.judge import Chain, Judge, Somebody
from iamrbac.access.naming import Asked, find_somebody, similar
from iamrbac.access.nearest import Miss, nearest
from iamrbac.access.world import ObjectId, World
from iamrbac.compile.documents import Documents
from iamrbac.compile.names import group_name
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.snapshot import Identities
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import UsageError
from iamrbac.plan.simulate import before
from iamrbac.rbac.aggregate import aggregate
from iamrbac.rbac.objects import Binding, RbacState, Request, Role
from iamrbac.usecases.load import load
from iamrbac.usecases.plan import select
from iamrbac.usecases.ports import Edges, Repository, Roles
from iamrbac.usecases.read import read_cluster
from iamrbac.usecases.worlds import Worlds, policy_worlds

FILES = "files"
"""What the world of a folder of manifests is called."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What questions are asked of."""

    judges: Mapping[str, Judge] = field(default_factory=dict)
    """By cluster."""
    findings: tuple[Finding, ...] = ()
    """Errors say why there is nothing to ask."""
    instance: str = ""

    @property
    def failed(self) -> bool:
        """Whether an answer would be half of one."""
        return any(finding.level is Level.ERROR for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one cluster says to one question."""

    cluster: str
    somebody: Somebody | None
    """None: nobody there is called so, or nothing maps the principal."""
    allowed: bool | None
    """None: not known, since an access policy's rules are not documented."""
    chains: tuple[Chain, ...] = ()
    misses: tuple[Miss, ...] = ()
    unknown: tuple[str, ...] = ()
    """Access policies that may allow it."""


def policy_ground(
    repository: Repository,
    roles: Roles,
    builtin: RbacState,
    at: datetime,
    clusters: tuple[str, ...] = (),
    identities: Identities | None = None,
) -> Ground:
    """Return what the policies mean; all clusters without names. Raises RepositoryError, UsageError."""
    documents, findings, selected = _documents(repository, roles, clusters)
    if documents is None:
        return Ground(findings=findings)
    worlds = policy_worlds(documents, selected, builtin, roles.render, at, identities)
    return _ground(worlds, (*findings, *worlds.findings), documents)


def live_ground(edges: Edges, builtin: RbacState, at: datetime, clusters: tuple[str, ...] = ()) -> Ground:
    """Return what is on the clusters now, ours and other people's; bindings of ours with their policy lines.

    Raises AwsError or KubeError where a cluster cannot be read whole, RepositoryError, UsageError.
    """
    documents, findings, selected = _documents(edges.repository, edges.roles, clusters)
    if documents is None:
        return Ground(findings=findings)
    meant = policy_worlds(documents, selected, builtin, edges.roles.render, at)
    living = {cluster.name: before(read_cluster(cluster, edges.aws, edges.kube)) for cluster in selected}
    known = {
        name: replace(world, origins=meant.clusters[name].origins) if name in meant.clusters else world
        for name, world in living.items()
    }
    return _ground(Worlds(known), findings, documents)


def file_ground(objects: Iterable[Role | Binding], builtin: RbacState) -> Ground:
    """Return what manifests give by themselves, beside Kubernetes' own roles, which they may replace."""
    found: dict[ObjectId, Role | Binding] = {}
    for one in (*builtin.roles, *builtin.bindings, *objects):
        found[one.kind, one.namespace, one.name] = one
    roles = aggregate(one for one in found.values() if isinstance(one, Role))
    rbac = RbacState(roles, tuple(one for one in found.values() if isinstance(one, Binding)))
    return Ground({FILES: Judge(World(rbac=rbac))})


def ask(ground: Ground, asked: Asked, request: Request) -> tuple[Answer, ...]:
    """Ask every cluster. Raises UsageError where nobody is called so anywhere, or several are."""
    found = {name: find_somebody(judge, asked, ground.instance) for name, judge in ground.judges.items()}
    if not any(found.values()):
        raise _nobody(ground, asked.text)
    return tuple(_answer(name, ground.judges[name], one, request) for name, one in found.items())


def holdings(ground: Ground, principal: str = "", namespace: str = "", team: str = "") -> dict[str, tuple[Held, ...]]:
    """Return who holds what, by cluster; only of a principal, in a namespace (also by the whole cluster), of a team.

    Raises UsageError where nobody is called so.
    """
    found: dict[str, tuple[Held, ...]] = {}
    for name, judge in ground.judges.items():
        people = judge.everybody()
        if principal:
            one = find_somebody(judge, Asked(principal), ground.instance)
            people = (replace(one, principal=one.principal or principal),) if one is not None else ()
        found[name] = tuple(
            item
            for one in people
            for item in held(judge, one)
            if (not namespace or item.namespace in ("", namespace))
            and (not team or item.group.startswith(group_name(ground.instance, team, "")))
        )
    if principal and not any(found.values()):
        raise _nobody(ground, principal)
    return found


def _nobody(ground: Ground, text: str) -> UsageError:
    near = similar(ground.judges.values(), text)
    hint = f"did you mean {' or '.join(near)}?" if near else "iamrbac access lists everybody"
    return UsageError(f"nobody is called {text} here", hint=hint)


def _answer(cluster: str, judge: Judge, somebody: Somebody | None, request: Request) -> Answer:
    if somebody is None:
        return Answer(cluster, None, allowed=False)
    chains = tuple(judge.chains(somebody, request))
    if chains:
        return Answer(cluster, somebody, True, chains)
    unknown = judge.unknown(somebody, request)
    return Answer(
        cluster, somebody, None if unknown else False, misses=nearest(judge, somebody, request), unknown=unknown
    )


def _documents(
    repository: Repository, roles: Roles, clusters: tuple[str, ...]
) -> tuple[Documents | None, tuple[Finding, ...], tuple[Cluster, ...]]:
    loaded = load(repository, roles.names())
    if loaded.documents is None or any(finding.level is Level.ERROR for finding in loaded.findings):
        return None, loaded.findings, ()
    return loaded.documents, (), select(loaded.documents.config.document.clusters, clusters)


def _ground(worlds: Worlds, findings: Collection[Finding], documents: Documents) -> Ground:
    judges = {name: Judge(world) for name, world in worlds.clusters.items()}
    return Ground(judges, tuple(findings), documents.config.document.metadata.name)
