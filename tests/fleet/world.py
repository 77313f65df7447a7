"""A fleet in memory: clusters of three environments, and runs over them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from iamrbac.backup.backup import Run
from iamrbac.fleet.result import Result
from iamrbac.model.errors import KubeError
from iamrbac.model.fleet import Fleet
from iamrbac.plan.observed import Target
from iamrbac.state.fleet import FleetFile
from iamrbac.usecases.apply import Applying
from iamrbac.usecases.fence import Fences
from iamrbac.usecases.fleet import FleetPlan, FleetPlanned, FleetRequest, plan_fleet
from iamrbac.usecases.fleet_run import FleetApplying, FleetEvent, FleetRun
from iamrbac.usecases.plan import PlanRequest
from iamrbac.usecases.ports import Edges
from iamrbac.usecases.recording import Recording
from tests.usecases.fakes import ACCOUNT, PAT, FakeKube, Silent
from tests.usecases.world import AT, Company, company

ORDER = "[{env: development}, {env: staging}, {env: production}]"
RUN = Run("20261126-122146-1a2b3c", "2026-11-26T12:21:46Z", "apply", PAT, "runner", "9c1d2e3f4a5b6c7d")
ENVS = {"dev": "development", "stage": "staging", "prod": "production"}
POLICY = """\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {name: payments}
spec:
  members: {developers: [{iamGroup: payments-developers}]}
  access:
    - {clusters: ["*"], namespaces: [payments], role: viewer}
"""


def config(names: list[str], fleet: str = f"{{order: {ORDER}}}", guards: str = "") -> str:
    """Return iamrbac.yaml; a cluster's environment is what its name begins with, and `x-` has none."""
    lines = []
    for name in names:
        env = ENVS.get(name.split("-")[0])
        labels = f", labels: {{env: {env}}}" if env else ""
        lines.append(f'  - {{name: {name}, account: "{ACCOUNT}", region: eu-west-1{labels}}}')
    return (
        "apiVersion: iamrbac.dev/v1alpha1\nkind: Config\nmetadata: {name: acme}\n"
        f'identity: {{account: "{ACCOUNT}", groups: users}}\nclusters:\n' + "\n".join(lines) + "\n"
        f"guards: {guards or '{maxRemovals: {count: 1000, fraction: 1.0}}'}\nfleet: {fleet}\n"
    )


@dataclass
class FleetWorld:
    """Clusters, what is done to them, and how runs over them are kept."""

    company: Company
    names: list[str]
    state: FleetFile
    fences: Fences = field(default_factory=Fences)
    said: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    request: PlanRequest = field(default_factory=lambda: PlanRequest(AT))
    resume: bool = False
    clock: Callable[[], float] = time.monotonic
    at: datetime = AT
    settings: dict[str, Any] = field(default_factory=dict)
    wrap: Callable[[str, FakeKube], Any] = lambda _name, kube: kube

    @property
    def edges(self) -> Edges:
        def kube(target: Target) -> Any:
            self.opened.append(target.name)
            return self.wrap(target.name, self.company.kubes[target.name])

        return replace(self.company.edges, kube=kube)

    def planned(self) -> FleetPlanned:
        def settings(said: Fleet) -> Fleet:
            return said.model_copy(update=self.settings)

        request = FleetRequest(self.request, settings, self.resume)
        return plan_fleet(self.edges, request, Silent(), lambda _: self.state, self.fences)

    def plan(self) -> FleetPlan:
        planned = self.planned()
        assert planned.plan is not None, planned.findings
        return planned.plan

    def run(self, plan: FleetPlan | None = None) -> FleetRun:
        recording = Recording(RUN, self.said.append)
        each = Applying(Silent(), lambda _: None, locking=self.company.locking, recording=recording)
        how = FleetApplying(each, self.state, self.fences, lambda: self.at, self.clock)
        return FleetRun(self.edges, plan or self.plan(), how)

    def apply(self, plan: FleetPlan | None = None) -> dict[str, str]:
        """Return what became of each cluster."""
        run = self.run(plan)
        list(run.events())
        return became(run)

    def fail(self, name: str) -> None:
        """Let every write to a cluster's API fail."""
        patch.object(self.company.kubes[name], "create", side_effect=KubeError("the disk is full", where=name)).start()


def became(run: FleetRun) -> dict[str, str]:
    return {one.cluster: one.became.value for one in run.results}


def begun(events: Iterator[FleetEvent] | list[FleetEvent]) -> list[str]:
    """Clusters in the order in which something was written to them."""
    found: dict[str, None] = {}
    for event in events:
        if isinstance(event, Result) and event.done:
            found.setdefault(event.cluster)
    return list(found)


def fleet(root: Path, names: list[str], **options: Any) -> FleetWorld:
    """Found a fleet in a folder."""
    made = company(root / "repo", dict.fromkeys(names, "API_AND_CONFIG_MAP"))
    made.policy(POLICY)
    made.config(config(names, **options))
    return FleetWorld(made, names, FleetFile(root / "state" / "iamrbac" / "fleet" / "acme.json"))


def now() -> datetime:
    return datetime.now(UTC)


NAMES = ["prod-1", "prod-2", "prod-3", "stage-1", "stage-2", "dev-1", "dev-2", "x-1"]
Modes = Mapping[str, str]
