"""The plan of a fleet: all clusters, read so many at once and each no longer than it may, in the order of the waves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from iamrbac.compile.documents import Documents
from iamrbac.compile.people import wanted_names
from iamrbac.findings.finding import Finding, Level
from iamrbac.fleet.waves import Wave, canaries, only, waves_of
from iamrbac.gitops.delivery import deliveries
from iamrbac.identity.snapshot import Identities
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import ClusterTimeoutError
from iamrbac.model.fleet import Fleet
from iamrbac.model.span import span_text
from iamrbac.plan.change import ClusterPlan, FailedCluster, Plan
from iamrbac.plan.escalation import ABOVE
from iamrbac.usecases.crew import Crew, Ended
from iamrbac.usecases.fence import AGAIN, FencedEdges, Fences
from iamrbac.usecases.fetched import Branches
from iamrbac.usecases.fleet_state import FleetKey, FleetStore, finished, key_of
from iamrbac.usecases.load import Loaded, load
from iamrbac.usecases.plan import PlanRequest, plan_loaded
from iamrbac.usecases.ports import Edges, Progress
from iamrbac.usecases.select import select_part
from iamrbac.usecases.states import Read, read_state

BRANCHES_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What would change on the fleet, and in which order."""

    plan: Plan
    """Of all clusters that are left to do, with the guards' verdict over all of them together."""
    waves: tuple[Wave, ...]
    """All waves; each has only clusters that were asked for."""
    settings: Fleet
    request: PlanRequest
    loaded: Loaded
    key: FleetKey
    earlier: frozenset[str] = frozenset()
    """Clusters that an earlier run did: neither read nor in the plan."""

    def cluster(self, name: str) -> ClusterPlan | FailedCluster | None:
        """Return a cluster's plan; None for one that was done earlier."""
        return self.by_name.get(name)

    @property
    def by_name(self) -> Mapping[str, ClusterPlan | FailedCluster]:
        """The plans by cluster."""
        return {one.name: one for one in self.plan.clusters}

    def canaries(self, wave: Wave) -> tuple[str, ...]:
        """Return the clusters of a wave that go first: of those that something changes on and nothing refuses."""
        plans = self.by_name
        able = {name for name, one in plans.items() if isinstance(one, ClusterPlan) and one.changed}
        return canaries(wave.clusters, able - {name for name in able if refusal(plans[name])}, self.settings.canary)


@dataclass(frozen=True, slots=True)
class FleetPlanned:
    """A plan, or (with `plan` None) the findings that say why the documents mean nothing."""

    plan: FleetPlan | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class FleetRequest:
    """What the person asks for."""

    plan: PlanRequest
    settings: Callable[[Fleet], Fleet] = lambda said: said
    """Puts in what the command line says in place of the config."""
    resume: bool = False
    """Leave out what an earlier run about the same has done."""


def plan_fleet(
    edges: Edges, request: FleetRequest, progress: Progress, store: Callable[[str], FleetStore], fences: Fences
) -> FleetPlanned:
    """Plan every cluster that is asked for, as `plan` does, with the fleet's concurrency and time-outs.

    `store` says where an instance's run is kept. Raises StalePlanError where what is to be resumed was about something
    else, FleetStateError, and as `make_plan`.
    """
    loaded = load(edges.repository, edges.roles.names())
    if loaded.documents is None or any(finding.level is Level.ERROR for finding in loaded.findings):
        return FleetPlanned(None, loaded.findings)
    documents = loaded.documents
    config = documents.config.document
    settings = request.settings(config.fleet)
    names = [one.name for one in select_part(config, request.plan.clusters, request.plan.part)]
    key = key_of(edges, documents, request.plan.at)
    earlier = finished(store(key.instance), key) & set(names) if request.resume else frozenset()
    asked = replace(request.plan, without=earlier)
    planned = plan_loaded(edges, loaded, asked, progress, reader(settings, fences))
    if planned.plan is None:
        return FleetPlanned(None, planned.findings)
    waves = only(waves_of(config.fleet.order, config.clusters), names)
    return FleetPlanned(
        FleetPlan(planned.plan, waves, settings, asked, loaded, key, frozenset(earlier)), planned.findings
    )


def refusal(cluster: ClusterPlan | FailedCluster) -> Finding | None:
    """Return what refuses the apply to a cluster."""
    found = cluster.findings if isinstance(cluster, ClusterPlan) else ()
    return next((one for one in found if one.level is Level.ERROR or one.id == ABOVE), None)


def refusals(plan: Plan) -> tuple[Finding, ...]:
    """Return what refuses the apply to every cluster: what is said of all of them together, and of IAM."""
    accounts = tuple(finding for one in plan.planned_accounts for finding in one.findings)
    return tuple(one for one in (*plan.findings, *accounts) if one.level is Level.ERROR or one.id == ABOVE)


def reader(settings: Fleet, fences: Fences) -> Callable[..., tuple[Identities, dict[str, Read]]]:
    """Return what reads clusters so many at once; one that takes too long is a FailedCluster, and nobody waits for it.

    IAM is asked once, beside, and every branch is fetched once.
    """

    def read(
        edges: Edges, documents: Documents, selected: tuple[Cluster, ...], at: datetime, /
    ) -> tuple[Identities, dict[str, Read]]:
        places = deliveries(documents.config.document)
        mapped = {cluster.name for cluster in selected if cluster.mapping != "external"}
        fenced = FencedEdges(edges, fences)
        late = f"it was not read within {span_text(timedelta(seconds=settings.timeout_seconds))}"
        crew: Crew[None, Read] = Crew(
            settings.concurrency, settings.timeout_seconds, lambda name: fences.shut(name, late)
        )
        with ThreadPoolExecutor(max_workers=BRANCHES_AT_ONCE + 1) as pool:
            people = pool.submit(edges.people.identities, wanted_names(documents, at, mapped))
            branches = Branches(edges.deliveries, [places[one.name] for one in selected if one.name in places], pool)

            def one(cluster: Cluster, _tell: object) -> Read:
                return read_state(fenced.edges, cluster, places.get(cluster.name), branches)

            states: dict[str, Read] = {}
            for ended in crew.run((cluster.name, partial(one, cluster)) for cluster in selected):
                if isinstance(ended, Ended):
                    fenced.close(ended.name)
                    states[ended.name] = ended.value or FailedCluster(ended.name, ClusterTimeoutError.code, late, AGAIN)
            return people.result(), {cluster.name: states[cluster.name] for cluster in selected}

    return read
