"""Limits of EKS and Kubernetes, known before the first write, with what others have counted too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from iamrbac.compile import names
from iamrbac.compile.desired import Form
from iamrbac.findings.finding import Finding, Level
from iamrbac.plan.limits import MOST_ANNOTATIONS, limit_findings
from iamrbac.plan.observed import ClusterState
from iamrbac.plan.planner import plan_cluster
from tests.plan import builders as b


def user(number: int) -> str:
    return f"arn:aws:iam::111122223333:user/u{number:05}"


def policy(number: int) -> str:
    return f"arn:aws:eks::aws:cluster-access-policy/Policy{number}"


def found(state: ClusterState, items: Sequence[b.Item], form: Form = "access-entries") -> tuple[Finding, ...]:
    plan = plan_cluster(b.desired(*items), state, form, b.INSTANCE)
    return limit_findings(plan, b.INSTANCE)


@pytest.mark.parametrize(("foreign", "ours", "refused"), [(2990, 10, False), (2991, 10, True), (0, 3001, True)])
def test_entries_of_others_count(foreign: int, ours: int, refused: bool) -> None:
    state = b.state(*(b.foreign(b.entry(user(number))) for number in range(foreign)), mode="API")
    wanted = [b.entry(user(90000 + number), b.DEVELOPERS) for number in range(ours)]
    findings = found(state, wanted)
    assert [(one.id, one.level) for one in findings] == ([("MAP106", Level.ERROR)] if refused else [])
    if refused:
        assert findings[0].message == (
            f"{ours} more access entries make {foreign + ours}, those of others counted, and EKS has room for 3000 on a"
            " cluster"
        )


def test_entries_that_go_make_room_and_fewer_are_never_refused() -> None:
    full = [b.observed(b.entry(user(number), b.DEVELOPERS)) for number in range(3000)]
    state = b.state(*full, mode="API")
    kept = [b.entry(user(number), b.DEVELOPERS) for number in range(1, 3001)]
    assert found(state, kept) == ()
    over = b.state(*full, *(b.foreign(b.entry(user(50000 + number))) for number in range(10)), mode="API")
    assert found(over, kept[:-2]) == ()


@pytest.mark.parametrize(("had", "wanted", "refused"), [(10, 10, False), (11, 10, True), (0, 21, True), (21, 0, False)])
def test_policies_of_an_entry_come_before_old_ones_go(had: int, wanted: int, refused: bool) -> None:
    there = [b.observed(b.association(b.ALICE, policy(number))) for number in range(had)]
    state = b.state(b.observed(b.entry(b.ALICE, b.DEVELOPERS)), *there, mode="API")
    items = [b.entry(b.ALICE, b.DEVELOPERS), *(b.association(b.ALICE, policy(100 + one)) for one in range(wanted))]
    findings = found(state, items)
    assert [one.id for one in findings] == (["MAP107"] if refused else [])
    if refused:
        assert f"would have {had + wanted} EKS access policies" in findings[0].message


def noted(**annotations: str) -> ClusterState:
    return b.state(aws_auth=replace(b.config_map("", "[]\n"), annotations=annotations), mode="CONFIG_MAP")


def test_the_annotation_that_says_which_rows_are_ours_has_less_room() -> None:
    rows = [b.row(user(number), b.DEVELOPERS) for number in range(4000)]
    (finding,) = found(noted(note="x" * 100_000), rows, "aws-auth")
    assert finding.id == "MAP113"
    assert f"and an object has room for {MOST_ANNOTATIONS}" in finding.message
    assert "4000 rows" in finding.message
    assert found(noted(), rows[:100], "aws-auth") == ()


def test_nothing_that_we_make_has_a_name_that_eks_forbids() -> None:
    """EKS takes no group that begins with system:, and ours all begin with the tool's name (eks-facts §1.2)."""
    for group in (names.group_name("system", "system", "system"), names.group_name("aws", "eks", "iam")):
        assert group.startswith("iamrbac:")
