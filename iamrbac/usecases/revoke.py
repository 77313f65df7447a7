"""Take one principal's access away everywhere, now: no policy is asked, and none can stop it or come along."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from iamrbac.findings.finding import Finding, Level
from iamrbac.gitops.delivery import Delivery, deliveries
from iamrbac.identity.suspended import Suspended
from iamrbac.identity.whom import principal_arn
from iamrbac.model.documents import Cluster, Config
from iamrbac.model.errors import IamrbacError
from iamrbac.plan import guards
from iamrbac.plan.change import ClusterPlan, FailedCluster, GitHalf, Plan
from iamrbac.plan.form import choose
from iamrbac.plan.interruption import interruptions
from iamrbac.plan.planner import managed_principals, plan_cluster
from iamrbac.plan.revoke import NO_NEWS, Left, Revocation, revocation, who_of
from iamrbac.usecases.load import load
from iamrbac.usecases.plan import PlanRequest, digest
from iamrbac.usecases.ports import Edges, Progress
from iamrbac.usecases.read import read_cluster
from iamrbac.usecases.select import select
from iamrbac.usecases.states import CLUSTERS_AT_ONCE, count, failed

_UNCOVERED = "MAP006"
ENTRIES_BY_GIT = "REV002"


@dataclass(frozen=True, slots=True)
class Revoked:
    """A plan that takes one principal's mappings away, or (with `plan` None) what is wrong with iamrbac.yaml."""

    plan: Plan | None
    findings: tuple[Finding, ...] = ()
    principal: str = ""
    """The ARN, as the clusters write it where they do."""
    left: tuple[Left, ...] = ()
    """What still lets it in afterwards, and is not ours."""
    suspended: bool = False
    """iamrbac.yaml suspends it already, so no later apply gives it back."""


def make_revocation(edges: Edges, request: PlanRequest, whom: str, progress: Progress) -> Revoked:
    """Plan the way out of the selected clusters; only iamrbac.yaml must be readable, whatever the policies are like.

    A cluster that cannot be read, or whose entries go through Git, is a FailedCluster; the others go on. Raises
    UsageError for what is no user or role, RepositoryError, and AwsError when AWS does not know the caller.
    """
    loaded = load(edges.repository)
    if loaded.readable is None:
        return Revoked(None, tuple(one for one in loaded.findings if one.level is Level.ERROR))
    config = loaded.readable.config.document
    principal = principal_arn(whom, config)
    selected = select(config.clusters, request.clusters)
    caller = edges.aws.caller().arn
    progress.step(f"Reading {count(len(selected), 'cluster')} as {caller}")
    places = deliveries(config)
    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
        ways = list(pool.map(lambda one: _one(edges, config, one, places.get(one.name), principal), selected))
    plans = tuple(one if isinstance(one, FailedCluster) else one[0] for one in ways)
    found = [one[1] for one in ways if not isinstance(one, FailedCluster)]
    spelled = next((arn for one in found for arn in one.spelled), principal)
    plan = Plan(config.metadata.name, plans, (), digest(loaded.readable), config.home.namespace, config.keeping)
    return Revoked(
        _guarded(plan, config, caller, principal, request.allowed),
        (),
        spelled,
        tuple(left for one in found for left in one.left),
        _suspends(config.suspended, spelled),
    )


def _one(
    edges: Edges, config: Config, cluster: Cluster, delivery: Delivery | None, principal: str
) -> tuple[ClusterPlan, Revocation] | FailedCluster:
    if delivery is not None and delivery.entries != "direct" and cluster.mapping != "external":
        return FailedCluster(
            cluster.name,
            ENTRIES_BY_GIT,
            "its access entries go through Git, which revoke does not write to",
            f"put the principal under suspended: in iamrbac.yaml, then `iamrbac apply --cluster {cluster.name}`",
        )
    try:
        state = read_cluster(cluster, edges.aws, edges.kube)
        form = choose(cluster, state, config.metadata.name)
        if isinstance(form, Finding):
            # Which mapping policies may use is not asked here: what is there goes.
            form = "aws-auth" if state.target.authentication_mode == "CONFIG_MAP" else "access-entries"
        way = revocation(state, form, config.metadata.name, principal)
        plan = plan_cluster(way.desired, state, form, config.metadata.name)
    except IamrbacError as error:
        return failed(cluster.name, error)
    said = [_judged(plan, finding, way.left) for finding in plan.findings if finding.id not in NO_NEWS]
    plan = replace(plan, findings=(*way.findings, *interruptions(plan), *said), groups=frozenset())
    if delivery is not None:
        # As in an apply: whoever delivers by Git need have no right in the cluster, and nothing of ours is put there.
        plan = replace(plan, git=GitHalf(delivery, None, (), entries=False))
    return plan, way


def _judged(plan: ClusterPlan, finding: Finding, left: Iterable[Left]) -> Finding:
    """A row of others that comes to light refuses only where it gives more than the entry that goes."""
    if finding.id != _UNCOVERED:
        return finding
    row = next((one for one in left if finding.object == f"AwsAuthRow/{one.name}"), None)
    hint = f"remove the row first: {row.command}" if row is not None else finding.hint
    gains = any(change.change == "gain" for change in plan.access)
    return replace(finding, level=Level.ERROR if gains else Level.WARNING, hint=hint)


def _guarded(plan: Plan, config: Config, caller: str, principal: str, allowed: guards.Allowances) -> Plan:
    """Add the guards' refusals. The loss itself is meant; a lock-out has to be allowed by name."""
    refusals = guards.check(
        [guards.Stakes(cluster) for cluster in plan.planned],
        config.guards,
        caller,
        guards.Leavers(Suspended((principal,))),
        allowed,
        {cluster.name: managed_principals(cluster.state, config.metadata.name) for cluster in plan.planned},
    )
    clusters = tuple(
        replace(one, findings=(*_of(refusals, one.name), *one.findings)) if isinstance(one, ClusterPlan) else one
        for one in plan.clusters
    )
    return replace(plan, clusters=clusters, findings=_of(refusals, None))


def _of(findings: Sequence[Finding], cluster: str | None) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.cluster == cluster)


def _suspends(arns: Iterable[str], principal: str) -> bool:
    who = who_of(principal)
    return any(who_of(arn) == who for arn in arns)
