"""May I do it: every cluster's own answer to whoever asks, which needs no right but to be mapped."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from iamrbac.findings.finding import Finding
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import IamrbacError, NotMappedError
from iamrbac.plan.change import FailedCluster
from iamrbac.rbac.objects import Request, User
from iamrbac.usecases.load import load
from iamrbac.usecases.select import select
from iamrbac.usecases.states import CLUSTERS_AT_ONCE, failed
from iamrbac.usecases.whoami import OwnEdges


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one cluster says."""

    cluster: str
    user: User | None
    """Whom it takes the caller for; None: for nobody."""
    allowed: bool
    reason: str = ""
    """Why, as far as the cluster tells."""


@dataclass(frozen=True, slots=True)
class MyRulings:
    """What all clusters say, or (with `caller` "") the findings that say why none could be asked."""

    caller: str
    rulings: tuple[Ruling, ...] = ()
    failures: tuple[FailedCluster, ...] = ()
    findings: tuple[Finding, ...] = ()


def can_i(edges: OwnEdges, request: Request, names: tuple[str, ...] = ()) -> MyRulings:
    """Ask the named clusters, all without names, at once; one that cannot be asked is a failure, the others go on.

    Only iamrbac.yaml must be readable. Raises UsageError for an unknown cluster, RepositoryError, and AwsError when AWS
    does not know the caller.
    """
    loaded = load(edges.repository)
    if loaded.readable is None:
        return MyRulings("", findings=loaded.findings)
    selected = select(loaded.readable.config.document.clusters, names)
    caller = edges.aws.caller().arn
    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
        found = tuple(pool.map(lambda one: _ask(edges, one, request), selected))
    return MyRulings(
        caller,
        tuple(one for one in found if isinstance(one, Ruling)),
        tuple(one for one in found if isinstance(one, FailedCluster)),
    )


def _ask(edges: OwnEdges, cluster: Cluster, request: Request) -> Ruling | FailedCluster:
    try:
        access = edges.access(edges.aws.target(cluster))
        try:
            user = access.whoami()
        except NotMappedError:
            return Ruling(cluster.name, None, allowed=False)
        return Ruling(cluster.name, user, *access.ruling(request))
    except IamrbacError as error:
        return failed(cluster.name, error)
