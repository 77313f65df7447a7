"""Rows of aws-auth are written on the map as it is now, and never over what somebody else has written since."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile.desired import Key
from iamrbac.model.errors import ConflictError
from iamrbac.plan.change import Change
from iamrbac.plan.observed import AwsAuth
from iamrbac.usecases import rows
from iamrbac.usecases.lease import DEADLINE
from iamrbac.usecases.outcome import Outcome
from iamrbac.usecases.write import write_directly
from tests.usecases.fakes import FakeKube
from tests.usecases.test_lock import Clock, held
from tests.usecases.world import ALICE, NODES, Company, company

ROW = Key("production", "AwsAuthRow", "", ALICE)


def rewrite(made: Company, users: str) -> None:
    """Somebody edits production's aws-auth by hand."""
    kube = made.kubes["production"]
    assert kube.map is not None
    kube.map = AwsAuth({**kube.map.data, "mapUsers": users}, kube.map.annotations, "by-hand")


def test_another_row_that_came_since_the_plan_stays(tmp_path: Path) -> None:
    made = company(tmp_path / "repo")
    plan = made.plan()
    row = "- userarn: arn:aws:iam::111122223333:user/zoe\n  username: zoe\n"
    rewrite(made, row)
    assert {event.outcome for event in made.apply(plan)} == {Outcome.DONE}
    map_ = made.kubes["production"].map
    assert map_ is not None
    assert map_.data["mapRoles"] == NODES
    assert map_.data["mapUsers"].startswith(row)


@pytest.mark.parametrize("written", [False, True], ids=["a new row", "a row of ours"])
def test_a_row_for_the_same_principal_that_came_since_the_plan_is_not_written_over(
    tmp_path: Path, written: bool
) -> None:
    made = company(tmp_path / "repo")
    if written:
        made.apply()
        made.people.groups["payments-oncall"] = (ALICE,)
    plan = made.plan()
    theirs = f"- userarn: {ALICE}\n  username: boss\n  groups: [system:masters]\n"
    rewrite(made, theirs)
    (event,) = [event for event in made.apply(plan) if event.change.key == ROW]
    assert event.outcome is Outcome.FAILED
    assert "somebody changed the row for" in event.reason
    map_ = made.kubes["production"].map
    assert map_ is not None
    assert map_.data["mapUsers"] == theirs


class Rivals:
    """Production's aws-auth, which somebody else changes after each of our first reads (in place of its `aws_auth`)."""

    def __init__(self, made: Company, times: int) -> None:
        self._kube: FakeKube = made.kubes["production"]
        self._made = made
        self.left = times
        self.waits: list[int] = []

    def between(self) -> AwsAuth | None:
        found = self._kube.map
        if self.left:
            self.left -= 1
            rewrite(self._made, f"- userarn: arn:aws:iam::111122223333:user/rival-{self.left}\n  username: rival\n")
            assert self._kube.map is not None
            self._kube.map = AwsAuth(self._kube.map.data, self._kube.map.annotations, f"rival-{self.left}")
        return found

    def write(self, monkeypatch: pytest.MonkeyPatch) -> None:
        changes: list[Change] = [
            change
            for cluster in self._made.plan().planned
            for change in cluster.changes
            if change.key.cluster == "production" and change.key.kind == "AwsAuthRow"
        ]
        assert changes
        with monkeypatch.context() as patch:
            patch.setattr(self._kube, "aws_auth", self.between)
            rows.write_rows(self._kube, "acme", changes, "production", self.waits.append)


def test_after_a_conflict_it_waits_and_goes_on_from_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rivals = Rivals(made := company(tmp_path / "repo"), 4)
    rivals.write(monkeypatch)
    assert rivals.waits == [1, 2, 3, 4]
    map_ = made.kubes["production"].map
    assert map_ is not None
    assert "rival-0" in map_.data["mapUsers"]
    assert ALICE in map_.data["mapUsers"]


def test_conflicts_without_end_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rivals = Rivals(company(tmp_path / "repo"), 1000)
    with pytest.raises(ConflictError):
        rivals.write(monkeypatch)
    assert len(rivals.waits) == rows.ATTEMPTS - 1


@given(st.integers(1, rows.ATTEMPTS), st.floats(0, 1))
def test_a_pause_is_at_random_and_bounded(conflicts: int, chance: float) -> None:
    assert 0 <= rows.pause_after(conflicts, chance) <= rows.LONGEST_PAUSE
    assert rows.pause_after(conflicts, chance) <= rows.pause_after(conflicts + 1, chance)


def test_who_has_lost_the_lock_meanwhile_does_not_try_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    rivals = Rivals(made := company(tmp_path / "repo"), 1000)
    plan = made.plan()
    production = [cluster for cluster in plan.planned if cluster.name == "production"]
    kube = made.kubes["production"]
    monkeypatch.setattr(kube, "aws_auth", rivals.between)

    def wait(conflicts: int) -> None:
        rivals.waits.append(conflicts)
        clock.at += DEADLINE

    ours = held(made, clock)
    events = list(write_directly(made.edges, plan.instance, production, {"production": ours}, wait))
    (row,) = [event for event in events if event.change.key == ROW]
    assert row.outcome is Outcome.FAILED
    assert "the lock could not be renewed" in row.reason
    assert rivals.waits == [1]
