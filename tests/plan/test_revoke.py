"""One principal's way out of a cluster: ours goes in both forms, what is not ours is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamrbac.compile.desired import Form
from iamrbac.mapping.edit import edit
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow
from iamrbac.plan.observed import AwsAuth
from iamrbac.plan.planner import plan_cluster
from iamrbac.plan.revoke import NO_NEWS, NODES, revocation, who_of
from tests.plan import builders as b

DEPLOYER = "arn:aws:iam::111122223333:role/ci/deployer"
FLAT = "arn:aws:iam::111122223333:role/deployer"
FORMS: tuple[Form, ...] = ("access-entries", "aws-auth")


def users(*arns: str) -> str:
    return "".join(f"- userarn: {arn}\n  username: {arn}\n  groups: [x]\n" for arn in arns)


@pytest.mark.parametrize("form", FORMS)
def test_entry_association_and_row_of_ours_go_and_nothing_else_changes(form: Form) -> None:
    mine = [b.entry(b.ALICE, b.DEVELOPERS), b.association(b.ALICE), b.entry(b.BOB, b.DEVELOPERS), b.role(), b.binding()]
    state = b.state(*map(b.observed, mine), aws_auth=b.config_map(users(b.ALICE, b.BOB), owned=[b.ALICE, b.BOB]))
    way = revocation(state, form, b.INSTANCE, b.ALICE)
    plan = plan_cluster(way.desired, state, form, b.INSTANCE)
    assert {(one.key.kind, one.action.value) for one in plan.changes} == {
        ("AccessEntry", "delete"),
        ("AccessPolicyAssociation", "delete"),
        ("AwsAuthRow", "delete"),
    }
    assert all(b.ALICE in one.key.name for one in plan.changes)
    assert way.left == ()
    assert {finding.id for finding in plan.findings} <= NO_NEWS


def test_a_role_is_known_by_its_name_whatever_its_path_and_case() -> None:
    assert who_of(DEPLOYER) == who_of(FLAT) == who_of(FLAT.upper().replace("ARN:AWS:IAM", "arn:aws:iam"))
    row = f"- rolearn: {FLAT}\n  username: x\n  groups: []\n"
    state = b.state(b.observed(b.entry(DEPLOYER, b.DEVELOPERS)), aws_auth=b.config_map("", row, owned=[FLAT]))
    for named in (DEPLOYER, FLAT):
        way = revocation(state, "access-entries", b.INSTANCE, named)
        assert way.desired.objects == ()
        assert way.spelled[0] == DEPLOYER


def test_a_users_path_does_not_count_for_whom_is_meant() -> None:
    state = b.state(b.observed(b.entry(b.ALICE, b.DEVELOPERS)))
    way = revocation(state, "access-entries", b.INSTANCE, "arn:aws:iam::111122223333:user/Alice")
    assert way.desired.objects == ()
    assert way.spelled == (b.ALICE,)


def test_another_account_is_somebody_else() -> None:
    state = b.state(b.observed(b.entry(b.ALICE, b.DEVELOPERS)))
    way = revocation(state, "access-entries", b.INSTANCE, b.ALICE.replace("111122223333", "999922223333"))
    assert len(way.desired.objects) == 1
    assert way.spelled == ()


def test_what_is_not_ours_is_named_with_what_removes_it() -> None:
    entry = b.foreign(b.entry(b.ALICE, "admins"), {"aws:cloudformation:stack-name": "eks"})
    row = f"- userarn: {b.ALICE}\n  username: a\n  groups: [x, x]\n"
    state = b.state(entry, aws_auth=AwsAuth({"mapUsers": row, "mapAccounts": '- "111122223333"\n'}, {}, "1"))
    left = revocation(state, "access-entries", b.INSTANCE, b.ALICE).left
    assert [(one.what, one.name, one.groups, one.owner) for one in left] == [
        ("access entry", b.ALICE, ("admins",), "CloudFormation stack eks"),
        ("row of aws-auth", b.ALICE, ("x",), ""),
        ("account in aws-auth", "111122223333", (), ""),
    ]
    assert left[0].command == (
        "aws eks delete-access-entry --region eu-west-1 --cluster-name staging "
        "--principal-arn arn:aws:iam::111122223333:user/staff/alice"
    )


def test_rows_count_for_nothing_where_the_mode_has_none() -> None:
    state = b.state(aws_auth=b.config_map(users(b.ALICE)), mode="API")
    assert revocation(state, "access-entries", b.INSTANCE, b.ALICE).left == ()


@pytest.mark.parametrize("type_", ["EC2_LINUX", "FARGATE_LINUX"])
def test_a_nodes_role_is_refused(type_: str) -> None:
    state = b.state(b.observed((AccessEntry(b.NODE, "system:node:{{EC2PrivateDNSName}}", (), type_), {})))
    (finding,) = revocation(state, "access-entries", b.INSTANCE, b.NODE).findings
    assert finding.id == NODES


who = st.sampled_from([b.ALICE, b.BOB, b.PAT, DEPLOYER])


@given(st.sets(who), st.sets(who), st.sets(who), who, st.sampled_from(FORMS))
def test_nobody_else_loses_anything_and_nothing_of_ours_is_left(
    entries: set[str], rows: set[str], owned: set[str], gone: str, form: Form
) -> None:
    flat = {arn.replace("/ci/", "/") for arn in rows}
    made = [AwsAuthRow("mapRoles" if ":role/" in arn else "mapUsers", arn, arn, (b.DEVELOPERS,)) for arn in flat]
    ours = flat & {arn.replace("/ci/", "/") for arn in owned}
    annotations = b.config_map(owned=ours).annotations
    state = b.state(
        *(b.observed(b.entry(arn, b.DEVELOPERS)) for arn in sorted(entries)),
        aws_auth=AwsAuth(edit({}, made, ()), annotations, "1"),
    )
    way = revocation(state, form, b.INSTANCE, gone)
    plan = plan_cluster(way.desired, state, form, b.INSTANCE)
    assert all(who_of(one.key.name) == who_of(gone) and one.after is None for one in plan.changes)
    assert len(plan.changes) == (gone in entries) + (gone.replace("/ci/", "/") in ours)
    assert len(way.left) == (gone.replace("/ci/", "/") in flat - ours)
