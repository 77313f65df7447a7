"""Back to an earlier commit of a delivery repository: a plan like any other, which `apply` commits on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from iamrbac.findings.finding import Finding, Level
from iamrbac.gitops.delivery import Delivery, deliveries
from iamrbac.model.documents import Cluster, Config
from iamrbac.model.errors import DeliveryError, IamrbacError, UsageError
from iamrbac.plan.change import ClusterPlan, FailedCluster, Plan
from iamrbac.plan.planner import mappings_of, plan_cluster
from iamrbac.plan.synced import unordered
from iamrbac.usecases.deliver import Recorded
from iamrbac.usecases.deliveries import DeliveryRepository, Tip
from iamrbac.usecases.fetched import Branches, fetch, folders_of, form_of
from iamrbac.usecases.load import load
from iamrbac.usecases.plan import CATALOGUE, PlanRequest, caller_of, digest, guarded
from iamrbac.usecases.ports import Edges, Progress
from iamrbac.usecases.select import select
from iamrbac.usecases.states import CLUSTERS_AT_ONCE, failed
from iamrbac.usecases.turnback import turn_back

_SHORT = 12


@dataclass(frozen=True, slots=True)
class TurnedBack:
    """A plan that goes back, or (with `plan` None) the findings that say why the documents mean nothing."""

    plan: Plan | None
    findings: tuple[Finding, ...]
    commit: str = ""
    """The commit that it goes back to."""
    policies: tuple[str, ...] = ()
    """The policies that were delivered then, as that commit's trailers say it; () where they do not."""
    direct: bool = False
    """Access entries or rows of a cluster are written directly, and stay as they are."""
    elsewhere: tuple[str, ...] = ()
    """Clusters that this is not about, since they are written directly."""

    @property
    def recorded(self) -> Recorded:
        """What the commit says of it."""
        about = f"Roll back to {self.commit[:_SHORT]}"
        return Recorded((("Rolled-Back-To", self.commit),), about, ", ".join(self.policies) or "unknown")


def make_rollback(edges: Edges, request: PlanRequest, revision: str, progress: Progress) -> TurnedBack:
    """Plan the way back of the selected clusters; without names, of all that are delivered by Git.

    Raises UsageError for clusters that have no way back, or that are not delivered to one branch; DeliveryError for a
    revision that is not in the branch's history; RepositoryError, AwsError.
    """
    loaded = load(edges.repository, edges.roles.names())
    if loaded.documents is None or any(finding.level is Level.ERROR for finding in loaded.findings):
        return TurnedBack(None, loaded.findings)
    config = loaded.documents.config.document
    places = deliveries(config)
    selected = _selected(config, request, places)
    caller = caller_of(edges, selected)
    progress.step(f"Reading {len(selected)} cluster{'' if len(selected) == 1 else 's'}, now and at {revision}")
    with ThreadPoolExecutor(max_workers=CLUSTERS_AT_ONCE) as pool:
        branches = Branches(edges.deliveries, [places[one.name] for one in selected], pool)
        first = places[selected[0].name]
        repository, tip = branches.of(first)
        then = _then(repository, tip, revision, [places[one.name] for one in selected])
        plans = list(pool.map(lambda one: _plan(edges, one, places[one.name], branches, then), selected))
    plan = Plan(
        config.metadata.name,
        tuple(plans),
        tuple(finding for finding in loaded.findings if finding.id != CATALOGUE),
        digest(loaded.documents),
        config.home.namespace,
        config.keeping,
    )
    plan = guarded(plan, loaded.documents, caller, request)
    policies = _policies(repository, then.commit or "", [places[one.name] for one in selected])
    direct = any(one.mapping != "external" and places[one.name].entries == "direct" for one in selected)
    elsewhere = tuple(one.name for one in select(config.clusters, request.clusters) if one not in selected)
    return TurnedBack(plan, plan.findings, then.commit or "", policies, direct, elsewhere)


def _selected(config: Config, request: PlanRequest, places: Mapping[str, Delivery]) -> Sequence[Cluster]:
    named = select(config.clusters, request.clusters)
    direct = [one.name for one in named if one.delivery != "gitops"]
    selected = [one for one in named if one.delivery == "gitops"]
    if not selected or (request.clusters and direct):
        raise UsageError(
            f"written directly: {', '.join(direct)}; there a run is undone, and no commit gone back to",
            hint="iamrbac rollback ID, with an ID that `iamrbac history` lists",
        )
    if len({(places[one.name].repository, places[one.name].branch) for one in selected}) > 1:
        raise UsageError(
            "the clusters are delivered to several branches, and a commit is in one", hint="name some with --cluster"
        )
    return selected


def _then(repository: DeliveryRepository, tip: Tip, revision: str, places: Sequence[Delivery]) -> Tip:
    """Return the commit to go back to. Raises DeliveryError where it is none of the branch."""
    if tip.commit is None:
        hint = "run `iamrbac apply` first"
        raise DeliveryError("the branch is not there, so there is nothing to go back from", where=tip.branch, hint=hint)
    then = repository.at(revision, sorted({folder for one in places for folder in folders_of(one)}))
    if then.commit is None or not repository.leads_to(then.commit, tip.commit):
        raise DeliveryError(
            f"{revision} is not in the history of {tip.branch}",
            where=places[0].repository,
            hint=f"name a commit of `git log {tip.branch}` of that repository",
        )
    return then


def _plan(
    edges: Edges, cluster: Cluster, delivery: Delivery, branches: Branches, then: Tip
) -> ClusterPlan | FailedCluster:
    try:
        fetched = fetch(edges, cluster, delivery, branches)
        form = form_of(cluster, fetched)
        if isinstance(form, Finding):
            return FailedCluster(cluster.name, form.id, form.message, form.hint)
        mappings = mappings_of(fetched.state, form, delivery.instance) if delivery.entries == "direct" else ()
        compared = turn_back(edges.deliveries, fetched, then, mappings)
        plan = plan_cluster(compared.desired, compared.state, form, delivery.instance)
        said = (*compared.findings, *unordered(plan, compared.half))
        # No policy has changed that would excuse a loss.
        return replace(plan, git=compared.half, findings=(*said, *plan.findings), groups=frozenset())
    except IamrbacError as error:
        return failed(cluster.name, error)


def _policies(repository: DeliveryRepository, commit: str, places: Sequence[Delivery]) -> tuple[str, ...]:
    """Return the policies that a commit's files are of, each once."""
    landed = [repository.history(commit, (one.path, one.entries_path)) for one in places]
    said = [one.trailer("Policy-Commit") for one in landed if one is not None]
    return tuple(dict.fromkeys(one for one in said if one))
