"""Rows of aws-auth are written on the map as it is now, and never over what somebody else has written since."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamrbac.compile.desired import Key
from iamrbac.plan.observed import AwsAuth
from iamrbac.usecases.outcome import Outcome
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
