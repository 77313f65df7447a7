"""What refuses an apply: each guard at its limit, over it, and with its own override."""

from __future__ import annotations

from dataclasses import replace

from iamrbac.compile.desired import Principals
from iamrbac.findings.finding import Finding
from iamrbac.identity.suspended import Suspended
from iamrbac.model.accounts import AssumeRole
from iamrbac.model.documents import Guards, MaxRemovals
from iamrbac.plan import guards
from iamrbac.plan.guards import Allowances, Leavers, Stakes
from iamrbac.plan.planner import managed_principals, plan_cluster
from tests.plan import builders as b

ARNS = [f"arn:aws:iam::111122223333:user/person{number:02}" for number in range(20)]
RBAC = (b.role(), b.binding())


def check(
    had: int,
    has: int,
    limits: Guards,
    *,
    caller: str | None = None,
    leavers: Leavers | None = None,
    allowed: Allowances | None = None,
    groups: tuple[str, ...] = (b.DEVELOPERS,),
) -> list[Finding]:
    """Guard a plan that leaves `has` of `had` people in their entries."""
    entries = [b.entry(arn, b.DEVELOPERS) for arn in ARNS[:had]]
    state = b.state(*(b.observed(item) for item in (*RBAC, *entries)))
    principals = tuple(Principals(group, ()) for group in groups)
    wanted = replace(b.desired(*RBAC, *entries[:has]), principals=principals)
    plan = plan_cluster(wanted, state, "access-entries", b.INSTANCE)
    managed = {"staging": managed_principals(state, b.INSTANCE)}
    return list(guards.check([Stakes(plan)], limits, caller, leavers or Leavers(), allowed or Allowances(), managed))


def ids(findings: list[Finding]) -> list[str]:
    return [finding.id for finding in findings]


COUNT = Guards(max_removals=MaxRemovals(count=3, fraction=1))
FRACTION = Guards(max_removals=MaxRemovals(count=100, fraction=0.25))


def test_as_many_losses_as_allowed_pass_and_one_more_does_not() -> None:
    assert ids(check(8, 5, COUNT)) == []
    refused = check(8, 4, COUNT)
    assert ids(refused) == ["GRD001"]
    assert "4 principals × clusters would lose access" in refused[0].message
    assert "--allow-removals 4" in refused[0].hint


def test_the_override_allows_its_number_and_not_more() -> None:
    assert ids(check(8, 4, COUNT, allowed=Allowances(removals=4))) == []
    assert ids(check(8, 3, COUNT, allowed=Allowances(removals=4))) == ["GRD001"]


def test_the_fraction_counts_from_ten_principals_on() -> None:
    assert ids(check(9, 4, FRACTION)) == []
    assert ids(check(12, 9, FRACTION)) == []
    assert ids(check(12, 8, FRACTION)) == ["GRD001"]


def test_who_is_suspended_or_left_an_iam_group_does_not_count() -> None:
    assert ids(check(8, 4, COUNT, leavers=Leavers(suspended=Suspended(ARNS[4:8])))) == []
    assert ids(check(8, 4, COUNT, leavers=Leavers(from_iam=frozenset({b.DEVELOPERS})))) == []
    assert ids(check(8, 4, COUNT, leavers=Leavers(over=frozenset({b.DEVELOPERS})))) == []
    assert ids(check(8, 4, COUNT, leavers=Leavers(from_iam=frozenset({b.VIEWERS})))) == ["GRD001"]


def test_a_set_that_gives_nothing_any_more_excuses_nobody() -> None:
    excuse = Leavers(from_iam=frozenset({b.DEVELOPERS}))
    assert ids(check(8, 4, COUNT, leavers=excuse, groups=())) == ["GRD001"]


def test_the_caller_and_protected_principals_keep_their_access() -> None:
    assert ids(check(3, 2, COUNT, caller=ARNS[2])) == ["GRD003"]
    assert ids(check(3, 2, COUNT, caller=ARNS[1])) == []
    protected = COUNT.model_copy(update={"protected_principals": (ARNS[2],)})
    assert ids(check(3, 2, protected)) == ["GRD003"]
    assert ids(check(3, 2, protected, allowed=Allowances(lockout_of=frozenset({ARNS[2]})))) == []


def test_a_caller_in_a_role_session_is_the_role() -> None:
    deployer = "arn:aws:iam::111122223333:role/ci/deployer"
    entry = b.entry(deployer, b.DEVELOPERS)
    state = b.state(*(b.observed(item) for item in (*RBAC, entry)))
    plan = plan_cluster(b.desired(*RBAC), state, "access-entries", b.INSTANCE)
    session = "arn:aws:sts::111122223333:assumed-role/deployer/run-7"
    found = guards.check([Stakes(plan)], COUNT, session, Leavers(), Allowances(), {"staging": 1})
    assert "GRD003" in ids(list(found))


def test_the_role_that_is_assumed_for_a_cluster_keeps_its_access() -> None:
    role = "arn:aws:iam::111122223333:role/ops/iamrbac"
    state = b.state(*(b.observed(item) for item in (*RBAC, b.entry(role, b.DEVELOPERS), b.entry(b.PAT, b.DEVELOPERS))))
    state = replace(state, target=replace(state.target, role=AssumeRole(role_arn=role)))
    plan = plan_cluster(b.desired(*RBAC), state, "access-entries", b.INSTANCE)
    found = guards.check([Stakes(plan)], COUNT, b.PAT, Leavers(), Allowances(), {"staging": 2})
    assert {one.object: one.message.rpartition(": ")[2] for one in found if one.id == "GRD003"} == {
        role.replace("/ops", ""): "you come by this role, and could not undo it",
        b.PAT: "it is you, and you could not undo it",
    }


def test_a_repository_that_wants_nothing_is_refused() -> None:
    state = b.state(*(b.observed(item) for item in (*RBAC, b.entry(b.ALICE, b.DEVELOPERS))))
    plan = plan_cluster(b.desired(), state, "access-entries", b.INSTANCE)
    found = guards.check([Stakes(plan)], COUNT, None, Leavers(), Allowances(), {"staging": 1})
    assert ids(list(found)) == ["GRD002"]
    meant = guards.check([Stakes(plan)], COUNT, None, Leavers(), Allowances(removals=1), {"staging": 1})
    assert ids(list(meant)) == []


def test_mapped_administrators_may_not_fall_below_the_minimum() -> None:
    entries = [b.entry(arn) for arn in (b.ALICE, b.BOB)]
    admins = [b.association(arn) for arn in (b.ALICE, b.BOB)]
    state = b.state(
        *(b.observed(entry) for entry in entries), *(b.observed(one) for one in admins), b.foreign(b.entry(b.PAT))
    )
    plan = plan_cluster(b.desired(*entries, admins[0]), state, "access-entries", b.INSTANCE)
    two = Guards(min_admins=2)
    found = list(guards.check([Stakes(plan)], two, None, Leavers(), Allowances(), {"staging": 2}))
    assert ids(found) == ["GRD004"]
    assert "1 mapped administrators instead of 2" in found[0].message
    one = Guards(min_admins=1)
    assert ids(list(guards.check([Stakes(plan)], one, None, Leavers(), Allowances(), {"staging": 2}))) == []


def test_a_cluster_whose_last_grant_is_over_is_emptied_without_a_question() -> None:
    state = b.state(*(b.observed(item) for item in (*RBAC, b.entry(b.ALICE, b.DEVELOPERS))))
    plan = plan_cluster(b.desired(), state, "access-entries", b.INSTANCE)
    over = Leavers(over=frozenset({b.DEVELOPERS}))
    assert list(guards.check([Stakes(plan)], COUNT, b.ALICE, over, Allowances(), {"staging": 1})) == []


def test_nothing_wanted_is_refused_where_somebody_else_maps_the_people() -> None:
    state = b.state(*(b.observed(item) for item in RBAC), b.foreign(b.entry(b.ALICE, b.DEVELOPERS)))
    plan = plan_cluster(b.desired(), state, "external", b.INSTANCE)
    found = guards.check([Stakes(plan)], COUNT, None, Leavers(), Allowances(), {"staging": 0})
    assert ids(list(found)) == ["GRD002"]


def test_a_root_user_in_aws_auth_is_nobody_s_suspension() -> None:
    root = "arn:aws:iam::111122223333:root"
    assert not Leavers(suspended=Suspended(ARNS[:1])).lets_go(root)
    assert Leavers(suspended=Suspended(ARNS[:1])).lets_go(ARNS[0])
