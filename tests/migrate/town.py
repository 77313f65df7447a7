"""A cluster in memory with rows of every kind, whose people are looked at after each single write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from iamrbac.access.world import World, administrators
from iamrbac.compile.desired import Key
from iamrbac.mapping.resolve import resolve
from iamrbac.migrate import bridge
from iamrbac.migrate.translate import MASTERS
from iamrbac.migrate.types import Migration
from iamrbac.migrate.undo import Undo
from iamrbac.model.arn import comparable
from iamrbac.model.errors import NotMappedError
from iamrbac.plan.change import FailedCluster, Plan
from iamrbac.plan.observed import AuthenticationMode, AwsAuth, ClusterState, Meta, Observed, Target
from iamrbac.plan.simulate import before
from iamrbac.rbac.objects import Binding, Request, Role, Rule, User
from iamrbac.usecases.keep import Keeping
from iamrbac.usecases.migrate import Looking, look_at
from iamrbac.usecases.migrate import Request as Asking
from iamrbac.usecases.migrate_how import How, Told
from iamrbac.usecases.migrate_ports import MigrateEdges, ModeSeen, Probe
from iamrbac.usecases.migrate_steps import Work
from iamrbac.usecases.ports import Edges
from iamrbac.usecases.read import read_cluster
from iamrbac.usecases.recording import Recording
from tests.access.worlds import BUILTIN
from tests.usecases.fakes import ACCOUNT, PAT, FakeAws, Faults, Silent
from tests.usecases.keeping import Keep
from tests.usecases.world import AT, Company, company

CLUSTER = "production"
ROBOT = f"arn:aws:iam::{ACCOUNT}:role/ci/robot"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/build@42"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/staff/alice"
ANNOTATION = "rows.iamrbac.dev/acme"
MAP = {
    "mapRoles": f"""\
# nodes: never touch
- rolearn: arn:aws:iam::{ACCOUNT}:role/nodes
  username: system:node:{{{{EC2PrivateDNSName}}}}
  groups: [system:bootstrappers, system:nodes]
- {{rolearn: "arn:aws:iam::{ACCOUNT}:role/robot", username: "ci:{{{{SessionName}}}}", groups: [deployers]}}  # ci
""",
    "mapUsers": f"""\
- userarn: {PAT}
  username: pat
  groups:
  - system:masters
  - platform   # keep
# alice came first
- userarn: {ALICE}
  username: old
  groups: [old]
- userarn: {ALICE}
  username: alice
  groups: [developers, readers]
""",
}
WHO = (PAT, ALICE, SESSION)


@dataclass
class FakeModes:
    """EKS's modes: a change takes a few looks."""

    aws: FakeAws
    faults: Faults
    looks: int = 3
    fails: str = ""
    running: tuple[str, AuthenticationMode] | None = None
    left: int = 0

    def change_mode(self, target: Target, mode: AuthenticationMode) -> str:
        if self.running is not None or self.aws.modes[target.name] == mode:
            return ""
        self.faults.write(f"mode {mode}")
        self.running, self.left = (target.name, mode), self.looks
        return "update-1"

    def seen_mode(self, target: Target, update: str) -> ModeSeen:
        if self.fails:
            self.running = None
            return ModeSeen(self.aws.modes[target.name], failed=self.fails if update else "")
        self.left -= 1
        if self.running is not None and self.left <= 0:
            name, self.aws.modes[name] = self.running[0], self.running[1]
            self.running = None
        return ModeSeen(self.aws.modes[target.name], busy=self.running is not None)


class FakeAccess:
    """What the cluster says of a probe, as EKS and the authorizer would."""

    def __init__(self, world: Callable[[], World], arn: str) -> None:
        self._world, self._arn = world, arn

    def whoami(self) -> User:
        found = resolve(self._arn, self._world().entries, self._world().reading)
        if found is None:
            raise NotMappedError("nobody maps it")
        return User(found.username, (*found.groups, "system:authenticated"))

    def can(self, request: Request) -> bool:
        return comparable(self._arn) in administrators(self._world())

    def ruling(self, request: Request) -> tuple[bool, str]:
        return self.can(request), ""

    def rules(self, namespace: str) -> tuple[tuple[Rule, ...], bool]:
        return (), True


@dataclass
class Town:
    """The cluster, its people, and how to go about it."""

    company: Company
    modes: FakeModes
    keep: Keep
    asking: Asking = field(default_factory=lambda: Asking(AT, (CLUSTER,)))
    keep_rows: bool = False
    clock: float = 0
    seen: list[str] = field(default_factory=list)
    wrong: Callable[[str], bool] = lambda _arn: False
    """Whom a probe finds nobody for, all of a sudden."""

    @property
    def edges(self) -> Edges:
        return self.company.edges

    @property
    def map(self) -> AwsAuth:
        found = self.company.kubes[CLUSTER].map
        assert found is not None
        return found

    def state(self) -> ClusterState:
        config_cluster = self.look()[1].cluster(CLUSTER)
        return read_cluster(config_cluster, self.edges.aws, self.edges.kube)

    def world(self) -> World:
        target = self.company.aws.modes[CLUSTER]
        arn = f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/{CLUSTER}"
        kube = self.company.kubes[CLUSTER]
        entries = tuple(self.company.aws.entries[CLUSTER].values()) if target != "CONFIG_MAP" else ()
        state = ClusterState(
            Target(CLUSTER, CLUSTER, arn, "eu-west-1", "https://x", "PEM", target),
            kube.namespaces,
            (*kube.objects.values(), *entries),
            kube.map,
        )
        return before(state)

    def access(self) -> dict[str, tuple[str, frozenset[str], bool]]:
        """Everybody's username, groups and whether they may do everything."""
        world = self.world()
        found = {}
        for arn in WHO:
            one = resolve(arn, world.entries, world.reading)
            assert one is not None, arn
            groups = frozenset(one.groups) - {MASTERS, bridge.group("acme")}
            found[arn] = (one.username, groups, comparable(arn) in administrators(world))
        return found

    def look(self) -> tuple[Migration | Undo | FailedCluster, Looking]:
        wanted, looking = look_at(self.edges, self.asking, Silent())
        assert looking is not None, wanted.findings
        return wanted.clusters[0], looking

    def pause(self, seconds: float) -> None:
        self.clock += seconds
        self.company.pause(seconds)

    def work(self) -> Work:
        _, looking = self.look()
        how = How(
            "acme",
            "iamrbac-system",
            looking.config.keeping,
            Silent(),
            self.pause,
            lambda: self.clock,
            lambda: datetime.now(UTC),
            self.company.locking,
            self._leaving,
            settle=15,
            timeout=60,
            keep_rows=self.keep_rows,
            after_conflict=lambda _: self.company.meanwhile(),
        )
        probes = tuple(Probe(arn.rsplit("/", 1)[-1], partial(self._arn, arn), partial(self._open, arn)) for arn in WHO)
        return Work(MigrateEdges(self.edges, self.modes, probes), partial(looking.look, looking.cluster(CLUSTER)), how)

    def _leaving(self, _plan: Plan, doing: str) -> tuple[Keeping, Recording]:
        kept = self.keep.keeping()
        run = replace(kept.run, doing=doing)
        return replace(kept, run=run), Recording(run, self.keep.warnings.append)

    def migrate(self) -> list[Told]:
        planned, _ = self.look()
        assert isinstance(planned, Migration), planned
        assert planned.may, planned.blockers
        return list(self.work().migrate(planned))

    def undo(self) -> list[Told]:
        self.asking = Asking(AT, (CLUSTER,), undo=True)
        planned, _ = self.look()
        assert isinstance(planned, Undo), planned
        told = list(self.work().undo(planned))
        self.asking = Asking(AT, (CLUSTER,))
        return told

    def _arn(self, arn: str, _target: Target) -> str:
        return arn

    def _open(self, arn: str, _target: Target) -> FakeAccess:
        def world() -> World:
            return World() if self.wrong(arn) else self.world()

        return FakeAccess(world, arn)


def town(root: Path, mode: AuthenticationMode = "CONFIG_MAP", *, ours: tuple[str, ...] = ()) -> Town:
    """Found it. `ours` are rows that our annotation names."""
    made = company(root / "access", {"staging": "API", CLUSTER: mode})
    kube = made.kubes[CLUSTER]
    kube.namespaces |= {"iamrbac-system"}
    items: list[Role | Binding] = [*BUILTIN.roles, *BUILTIN.bindings]
    for one in items:
        key = Key(CLUSTER, one.kind, one.namespace or "", one.name)
        kube.objects[key] = Observed(key, one, Meta(version="1"))
    annotations = {ANNOTATION: "[" + ", ".join(f'"{one}"' for one in sorted(ours)) + "]"} if ours else {}
    kube.map = AwsAuth(dict(MAP), annotations, "1")
    made.people.principals = {"role/robot": ROBOT, "user/alice": ALICE}
    return Town(made, FakeModes(made.aws, made.faults), Keep(root / "backups"))
