"""The road between the two states of the repository: goes it, judges what is on the clusters at any point of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from iamrbac.plan import simulate
from iamrbac.plan.observed import ClusterState
from tests.torture import judge, run
from tests.torture.ground import Ground
from tests.torture.middle import Counter
from tests.torture.repository import FOREIGN, INSTANCE, OURS, Side, write

LEASE: Final = "/apis/coordination.k8s.io/v1/namespaces/iamrbac-system/leases/iamrbac-apply"
_OTHER: Final[dict[Side, Side]] = {"before": "after", "after": "before"}


@dataclass(frozen=True)
class Way:
    """To one state of the repository from the other, over both clusters."""

    plan: Mapping[str, Any]
    """As JSON."""
    writes: int
    told: frozenset[tuple[str, str]]
    """Cluster and principal: whose interruption the plan has announced."""


class Road:
    """Has been gone to its end and back undisturbed, so that it knows what is right. `at` is where everything is."""

    def __init__(self, ground: Ground, folder: Path) -> None:
        self.ground = ground
        self.at: Side = "before"
        self._repositories = {side: write(folder / side, side) for side in _OTHER}
        ground.put_aws_auth(FOREIGN, {})
        self._way("before")
        states: dict[Side, dict[str, ClusterState]] = {"before": ground.states()}
        ways = {"after": self._way("after")}
        states["after"] = ground.states()
        ways["before"] = self._way("before")
        self.ways: dict[str, Way] = ways
        self._asked = judge.requests(state for side in states.values() for state in side.values())
        self._said = {
            side: {name: judge.said(state, INSTANCE) for name, state in states[side].items()} for side in states
        }
        self._access = {side: {name: self._may(state) for name, state in states[side].items()} for side in states}

    @property
    def other(self) -> Side:
        """Where to go from here."""
        return _OTHER[self.at]

    def environment(self) -> dict[str, str]:
        """By way of the proxies."""
        return self.ground.environment()

    def repository(self, side: Side) -> Path:
        """The repository as it is on a side."""
        return self._repositories[side]

    def run(self, side: Side, *arguments: str) -> run.Ran:
        """Run iamrbac, here, with a side's repository."""
        return run.here(self.environment(), self._repositories[side], *arguments)

    def inspect(self, side: Side, where: str, *, told: bool = True) -> None:
        """Judge what is on the clusters on the way to a side.

        Nobody may do what they may on neither side, nobody (but who was `told`) lacks what they have on both, no
        binding has lost its role, and nobody else's byte is gone.
        """
        for name, state in self.ground.states().items():
            old, new, now = self._access[self.at][name], self._access[side][name], self._may(state)
            assert now <= old | new, (where, sorted(now - old - new)[:5])
            gone = {(name, who) for who, _, _ in (old & new) - now}
            assert not told or gone <= self.ways[side].told, (where, sorted(gone - self.ways[side].told))
            assert not judge.dangling(simulate.before(state)), where
        assert judge.lost_bytes(FOREIGN, self.ground.aws_auth(), OURS) == [], where

    def is_at(self, side: Side) -> bool:
        """Say whether the clusters are as they are on a side when nothing has gone wrong."""
        return {name: judge.said(state, INSTANCE) for name, state in self.ground.states().items()} == self._said[side]

    def go_on(self, side: Side, *arguments: str) -> None:
        """Run the same command again, undisturbed: everything is as if nothing had gone wrong."""
        ran = self.run(side, *arguments)
        assert ran.code == 0, ran.said
        assert self.is_at(side), ran.said
        assert judge.lost_bytes(FOREIGN, self.ground.aws_auth(), OURS) == []
        self.at = side

    def shorten(self, cluster: str) -> bool:
        """Let a lease that somebody died with expire in a second; False where nobody holds it."""
        superuser = self.ground.cluster(cluster).superuser
        found = superuser.get(LEASE)
        if found.code == 404 or not found.json["spec"].get("holderIdentity"):
            return False
        lease = found.json
        lease["spec"]["leaseDurationSeconds"] = 1
        assert superuser.put(LEASE, lease).code == 200
        return True

    def _may(self, state: ClusterState) -> frozenset[judge.Piece]:
        return judge.access(state, self._asked)

    def _way(self, side: Side) -> Way:
        """Go to a side undisturbed."""
        plan = json.loads(self.run(side, "plan", "-o", "json", *run.MEANT).out)
        counter = Counter()
        with self.ground.between(counter):
            ran = self.run(side, *run.UNLOCKED)
        assert ran.code == 0, ran.said
        self.at = side
        told = {(one["cluster"], one["object"]) for one in plan["findings"] if one["id"] == "ORD001"}
        return Way(plan, len(counter.writes), frozenset(told))
