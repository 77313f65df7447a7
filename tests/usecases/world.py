"""A small company in memory: two clusters, one team, three people; and the use cases run on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from iamrbac.plan.change import Plan
from iamrbac.plan.observed import AuthenticationMode, AwsAuth, Target
from iamrbac.usecases.apply import Applying, apply_plan
from iamrbac.usecases.keep import Keeping
from iamrbac.usecases.lock import Locking
from iamrbac.usecases.outcome import Delivered, Event
from iamrbac.usecases.plan import Planned, PlanRequest, make_plan
from iamrbac.usecases.ports import Edges
from iamrbac.wiring import builtin, repository, roles
from tests.usecases.fake_git import FakeDeliveries
from tests.usecases.fakes import ACCOUNT, FakeAws, FakeIam, FakeKube, FakePeople, Faults, Killed, Silent

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
ALICE, BOB, CAROL = (f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("alice", "bob", "carol"))
NODES = """\
# written by eksctl
- rolearn: arn:aws:iam::111122223333:role/nodes
  username: system:node:{{EC2PrivateDNSName}}
  groups:
    - system:bootstrappers
    - system:nodes
"""
CONFIG = """\
apiVersion: iamrbac.dev/v1alpha1
kind: Config
metadata: {name: acme}
identity: {account: "111122223333", groups: users}
clusters:
  - {name: staging, account: "111122223333", region: eu-west-1, labels: {env: staging}}
  - {name: production, account: "111122223333", region: eu-west-1, labels: {env: production}}
guards: {maxRemovals: {count: 100, fraction: 1.0}}
"""
POLICY = """\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {name: payments}
spec:
  members:
    developers: [{iamGroup: payments-developers}]
    oncall: [{iamGroup: payments-oncall}]
  access:
    - {to: [developers], clusters: ["*"], namespaces: [payments], role: viewer}
    - {to: [oncall], clusters: [production], namespaces: ["payments*"], role: {template: operator}}
    - {to: [oncall], clusters: [staging], namespaces: [payments], role: {clusterRole: edit}}
"""


@dataclass
class Company:
    """Repository, people and clusters, and what was done to them."""

    root: Path
    people: FakePeople
    aws: FakeAws
    kubes: dict[str, FakeKube]
    faults: Faults
    request: PlanRequest = field(default_factory=lambda: PlanRequest(AT))
    meanwhile: Callable[[], None] = lambda: None
    git: FakeDeliveries = field(default_factory=FakeDeliveries)
    locking: Locking | None = None
    keeping: Keeping | None = None
    iam: FakeIam = field(default_factory=lambda: FakeIam(Faults()))

    @property
    def edges(self) -> Edges:
        def kube(target: Target) -> FakeKube:
            return self.kubes[target.name]

        return Edges(
            repository(self.root),
            roles(self.root),
            self.people,
            self.aws,
            kube,
            self.git,
            lambda: builtin().rbac,
            self.iam,
        )

    def planned(self) -> Planned:
        return make_plan(self.edges, self.request, Silent())

    def plan(self) -> Plan:
        planned = self.planned()
        assert planned.plan is not None, planned.findings
        return planned.plan

    def apply(self, plan: Plan | None = None) -> list[Event]:
        return [event for event in self.told(plan) if isinstance(event, Event)]

    def told(self, plan: Plan | None = None, wait: float = 0) -> list[Event | Delivered]:
        how = Applying(Silent(), self.pause, wait, locking=self.locking, keeping=self.keeping)
        return list(apply_plan(self.edges, plan or self.plan(), how))

    def pause(self, seconds: float) -> None:
        """Let no time go by; what a test wants to happen meanwhile happens."""
        self.meanwhile()

    def policy(self, text: str) -> None:
        (self.root / "policies" / "payments.yaml").write_text(text)

    def config(self, text: str) -> None:
        (self.root / "iamrbac.yaml").write_text(text)


def company(root: Path, modes: dict[str, AuthenticationMode] | None = None) -> Company:
    """Found a company in a folder: staging has access entries, production has aws-auth."""
    (root / "policies").mkdir(parents=True)
    faults = Faults()
    modes = modes or {"staging": "API_AND_CONFIG_MAP", "production": "CONFIG_MAP"}
    namespaces = frozenset({"payments", "payments-batch", "search"})
    kubes = {name: FakeKube(faults, namespaces, AwsAuth({"mapRoles": NODES}, {}, "1")) for name in modes}
    people = FakePeople({"payments-developers": (ALICE, BOB), "payments-oncall": (CAROL,)})
    made = Company(root, people, FakeAws(faults, modes), kubes, faults, iam=FakeIam(faults, people.groups))
    made.config(CONFIG)
    made.policy(POLICY)
    return made


def dying_at(number: int) -> Callable[[int, str], Killed | None]:
    """Die just before the given write, and at every one after it: other threads do not outlive the process."""
    return lambda count, _what: Killed() if count >= number else None
