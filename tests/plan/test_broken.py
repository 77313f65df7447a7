"""What a plan says of an aws-auth that is broken today, whole lines; EKS's own reading is compared in tests/e2e."""

from __future__ import annotations

from iamrbac.mapping.objects import AccessEntry
from iamrbac.plan.broken import broken_today
from iamrbac.plan.observed import AwsAuth
from tests.plan import builders as b

IAM = "arn:aws:iam::111122223333:"
ROLES = f"""\
- rolearn: {IAM}role/ci/deploy
  username: d
- rolearn: {IAM}role/dev
  username: first
- rolearn: {IAM}role/dev
  username: last
- username: nobody
- rolearn: arn:aws:sts::111122223333:assumed-role/ops/ann
- rolearn: ops
- rolearn: {IAM}user/bob
"""
USERS = f"""\
- userarn: {IAM}user/alice
- userarn: {IAM}user/ALICE
- userarn: {IAM}user/bob
"""


def lines(data: dict[str, str]) -> list[str]:
    made = b.state(aws_auth=AwsAuth(data, {}, "1"))
    return [f"{one.level} {one.id}: {one.message}" for one in broken_today(made)]


def test_each_thing_is_said_with_its_place_and_why() -> None:
    where = "kube-system/aws-auth:"
    assert lines({"mapRoles": ROLES, "mapUsers": USERS, "mapaccounts": "[]"}) == [
        f"warning MAP007: {where} mapaccounts: EKS ignores it, keys of the ConfigMap are case-sensitive "
        "(meant mapAccounts?)",
        f"warning MAP007: {where} mapRoles[3]: EKS ignores this row: it has no rolearn",
        f"warning MAP008: {where} mapRoles[0]: nobody can log in by {IAM}role/ci/deploy: EKS never sees a role's path, "
        f"write {IAM}role/deploy",
        f"warning MAP008: {where} mapRoles[4]: nobody can log in by arn:aws:sts::111122223333:assumed-role/ops/ann: "
        f"EKS compares with the role, write {IAM}role/ops",
        f"warning MAP008: {where} mapRoles[5]: nobody can log in by ops: it is no ARN of a user, a role or an "
        "account's root",
        f"warning MAP009: {where} mapRoles[1]: the row for {IAM}role/dev has no effect: a later row for the same "
        "principal wins, and their groups are not merged",
        f"warning MAP009: {where} mapUsers[0]: the row for {IAM}user/alice may have no effect: another row of mapUsers "
        "spells the same principal otherwise, and EKS picks one of the two at random",
        f"warning MAP009: {where} mapUsers[2]: the row for {IAM}user/bob has no effect: a row of mapRoles for the same "
        "principal wins",
    ]


def test_a_broken_section_is_named_and_the_others_are_read() -> None:
    assert lines({"mapRoles": "- rolearn: {{x}}\n", "mapUsers": "- userarn: bob\n"}) == [
        "warning MAP002: kube-system/aws-auth: mapRoles: line 1, column 13: a key is itself a map or a list "
        "(quote a value that begins with {{ or [); EKS maps nobody by that section",
        "warning MAP008: kube-system/aws-auth: mapUsers[0]: nobody can log in by bob: it is no ARN of a user, a role "
        "or an account's root",
    ]


def test_a_sound_map_and_none_at_all() -> None:
    sound = {"mapRoles": f"- rolearn: {IAM}role/dev\n  username: d\n", "mapUsers": f"- userarn: {IAM}user/bob\n"}
    assert lines(sound) == []
    assert broken_today(b.state()) == ()


def test_where_the_mode_has_no_aws_auth_nobody_reads_it() -> None:
    assert broken_today(b.state(mode="API", aws_auth=AwsAuth({"mapRoles": "["}, {}, "1"))) == ()


def test_a_row_that_an_entry_hides_is_a_migration_and_no_fault() -> None:
    entry = b.foreign((AccessEntry(f"{IAM}user/bob", "bob"), {}))
    data = {"mapUsers": f"- userarn: {IAM}user/bob\n  username: bob\n"}
    assert broken_today(b.state(entry, aws_auth=AwsAuth(data, {}, "1"))) == ()
