"""Writes that fail, any of them: nobody gets too much, and nobody loses what they keep but whom the plan names.

Random old and new states of one cluster as in tests/plan/test_order_property.py, written by the real writer to clusters
in memory that refuse some of the writes. IAMRBAC_FUZZ says how many pairs of states.
"""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import cast
from zlib import crc32

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from iamrbac.access.world import World
from iamrbac.findings.finding import Level
from iamrbac.model.errors import KubeError
from iamrbac.plan import simulate
from iamrbac.plan.change import ClusterPlan
from iamrbac.plan.interruption import interruptions
from iamrbac.plan.observed import ClusterState
from iamrbac.usecases import write
from iamrbac.usecases.outcome import Outcome
from iamrbac.usecases.ports import Edges
from tests.plan import builders as b
from tests.plan.test_order_property import EXAMPLES, Case, Piece, access, at, cases, planned
from tests.usecases.fakes import FakeAws, FakeKube, Faults

MAPPINGS = ("AccessEntry", "AccessPolicyAssociation")


class Cluster:
    """A cluster in memory, as a plan saw it, that looks at itself before each write."""

    def __init__(self, plan: ClusterPlan, refuses: int, of: int) -> None:
        state = plan.state
        self.faults = Faults()
        self.target = state.target
        self.kube = FakeKube(self.faults, state.namespaces, state.aws_auth)
        self.kube.objects = {item.key: item for item in state.objects if item.key.kind not in MAPPINGS}
        self.aws = FakeAws(self.faults, {state.target.name: state.target.authentication_mode})
        self.aws.entries[state.target.name] = {item.key: item for item in state.objects if item.key.kind in MAPPINGS}
        self.seen: list[frozenset[Piece]] = []

        def fail(_number: int, what: str) -> KubeError | None:
            self.seen.append(access(self.world()))
            return KubeError("refused") if crc32(f"{refuses} {what}".encode()) % 100 < of else None

        self.faults.fail = fail

    @property
    def edges(self) -> Edges:
        return cast(Edges, SimpleNamespace(kube=lambda _: self.kube, aws=self.aws))

    def world(self) -> World:
        namespaces, objects, aws_auth = self.kube.state()
        return simulate.before(
            ClusterState(self.target, namespaces, (*objects, *self.aws.mappings(self.target)), aws_auth)
        )


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(), st.integers(0, 1 << 16), st.sampled_from([5, 15, 40]))
def test_what_fails_gives_nobody_too_much_and_takes_only_what_the_plan_says(case: Case, refuses: int, of: int) -> None:
    plan = planned(case)
    assume(plan.changes and not any(finding.level is Level.ERROR for finding in plan.findings))
    old, new = access(simulate.before(plan.state)), access(at(plan, list(plan.changes)))
    told = {finding.object for finding in interruptions(plan)}
    cluster = Cluster(plan, refuses, of)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "KUBE_WRITES_AT_ONCE", 1)
        patch.setattr(write, "EKS_WRITES_AT_ONCE", 1)
        writer = write._Writer(cluster.edges, plan, b.INSTANCE, threading.Event(), None, lambda _: None)
        events = list(writer.run())
    for now in (*cluster.seen, access(cluster.world())):
        assert now <= old | new
        assert {who for who, _, _ in (old & new) - now} <= told
    assert sorted(event.change.key for event in events) == sorted(change.key for change in plan.changes)
    if all(event.outcome is Outcome.DONE for event in events):
        assert access(cluster.world()) == new
