"""Policy documents: only this repository's clusters, groups and users, each account by itself."""

from __future__ import annotations

from typing import Any

import pytest

from iamrbac.compile.desired import Desired, Key
from iamrbac.identity.assumable import AssumableRole, GroupPolicy, role_arn
from iamrbac.identity.snapshot import IamName, Wanted, Way
from iamrbac.model.accounts import AssumeRole
from iamrbac.model.documents import Cluster
from iamrbac.permissions.command import DOES, Command
from iamrbac.permissions.iam import CALLER, iam_policies

PEOPLE, WORK = "012345678901", "111122223333"
STAGING = Cluster(name="staging", eks_name="stg-1", account=WORK, region="eu-west-1")
CHINA = Cluster(name="china", account="000011112222", region="cn-north-1")
MAPPED = Cluster(name="mapped", account=WORK, region="us-east-1", mapping="external")
WANTED = Wanted(
    frozenset({IamName(PEOPLE, "payments-developers")}),
    frozenset({IamName(PEOPLE, "user/dave"), IamName(WORK, "role/deployer")}),
)

LISTS = {"iam:ListRoles", "iam:ListUsers"}
"""Whether anybody whom a cluster maps is gone."""


def actions(document: dict[str, Any]) -> set[str]:
    return {action for statement in document["Statement"] for action in statement["Action"]}


def resources(document: dict[str, Any], action: str) -> list[str]:
    (one,) = [found for found in document["Statement"] if action in found["Action"]]
    return list(one["Resource"])


def test_each_account_has_its_own_document() -> None:
    found = iam_policies(Command.PLAN, [STAGING, CHINA], WANTED)
    assert list(found) == ["000011112222", PEOPLE, WORK]
    assert actions(found[PEOPLE]) == {"iam:GetGroup", "iam:GetUser", *LISTS}
    assert resources(found[PEOPLE], "iam:GetGroup") == [
        f"arn:aws:iam::{PEOPLE}:group/*/payments-developers",
        f"arn:aws:iam::{PEOPLE}:group/payments-developers",
    ]
    assert resources(found[WORK], "iam:GetRole") == [
        f"arn:aws:iam::{WORK}:role/*/deployer",
        f"arn:aws:iam::{WORK}:role/deployer",
    ]


def test_a_cluster_is_named_as_eks_names_it() -> None:
    found = iam_policies(Command.APPLY, [STAGING, CHINA], Wanted())
    assert resources(found[WORK], "eks:DescribeCluster") == [f"arn:aws:eks:eu-west-1:{WORK}:cluster/stg-1"]
    assert resources(found[WORK], "eks:DeleteAccessEntry") == [f"arn:aws:eks:eu-west-1:{WORK}:access-entry/stg-1/*"]
    china = resources(found["000011112222"], "eks:CreateAccessEntry")
    assert china == ["arn:aws-cn:eks:cn-north-1:000011112222:cluster/china"]


def test_where_somebody_else_maps_no_entry_is_written() -> None:
    found = iam_policies(Command.APPLY, [MAPPED], Wanted())[WORK]
    assert {action.split(":")[1][:4] for action in actions(found)} == {"Desc", "List"}


@pytest.mark.parametrize("command", [one for one in Command if not DOES[one].maps and not DOES[one].migrates])
def test_what_only_reads_may_only_read(command: Command) -> None:
    for document in iam_policies(command, [STAGING, CHINA], WANTED).values():
        assert {action.split(":")[1][:3] for action in actions(document)} <= {"Get", "Des", "Lis"}


def test_a_snapshot_needs_no_cluster_and_a_kubeconfig_nobody() -> None:
    assert list(iam_policies(Command.SNAPSHOT, [STAGING], WANTED)) == [PEOPLE, WORK]
    assert actions(iam_policies(Command.KUBECONFIG, [STAGING], WANTED)[WORK]) == {"eks:DescribeCluster"}


def test_permission_sets_are_a_listing_and_who_is_named_in_full_is_asked_for_too() -> None:
    wanted = Wanted(
        principals=frozenset({IamName(WORK, "permissionSet/Developer"), IamName(WORK, "role/deployer")}),
        full=frozenset({IamName(WORK, "role/runner")}),
    )
    document = iam_policies(Command.SNAPSHOT, [], wanted)[WORK]
    assert resources(document, "iam:ListRoles") == ["*"]
    assert [name.rsplit("/", 1)[1] for name in resources(document, "iam:GetRole")] == ["deployer", "runner"] * 2


def test_whoever_assumes_roles_may_assume_these_alone() -> None:
    people, work, unused = (f"arn:aws:iam::{account}:role/iamrbac" for account in (PEOPLE, WORK, "000011112222"))
    ways = {arn.split(":")[4]: Way(AssumeRole(role_arn=arn), "eu-west-1") for arn in (people, work, unused)}
    wanted = Wanted(WANTED.groups, ways=ways)
    cluster = STAGING.model_copy(update={"assume_role": work})
    found = iam_policies(Command.PLAN, [cluster], wanted)
    assert list(found) == [PEOPLE, WORK, CALLER]
    assert resources(found[CALLER], "sts:AssumeRole") == [people, work]
    assert CALLER not in iam_policies(Command.KUBECONFIG, [cluster], wanted)
    assert CALLER not in iam_policies(Command.PLAN, [STAGING], WANTED)
    assert resources(iam_policies(Command.STATUS, [cluster], wanted)[CALLER], "sts:AssumeRole") == [work]


def test_roles_of_ours_are_looked_for_and_written_below_our_path_alone() -> None:
    arn = role_arn("aws", PEOPLE, "acme.payments.oncall")
    roles = [
        Desired(Key("", "IamRole", "", "acme.payments.oncall", PEOPLE), AssumableRole(arn, "{}")),
        Desired(Key("", "IamGroupPolicy", "", "oncall/x", PEOPLE), GroupPolicy("oncall", "x", "{}")),
    ]
    assert actions(iam_policies(Command.PLAN, [STAGING], Wanted(), (), PEOPLE)[PEOPLE]) == LISTS
    plan = iam_policies(Command.PLAN, [STAGING], Wanted(), roles, PEOPLE)[PEOPLE]
    assert not {action for action in actions(plan) if action.split(":")[1][:3] not in ("Get", "Lis")}
    apply = iam_policies(Command.APPLY, [STAGING], Wanted(), roles, PEOPLE)[PEOPLE]
    assert resources(apply, "iam:CreateRole") == [f"arn:aws:iam::{PEOPLE}:role/iamrbac/*"]
    # Whoever may write a policy into any group may become anything.
    assert resources(apply, "iam:PutGroupPolicy") == [
        f"arn:aws:iam::{PEOPLE}:group/*/oncall",
        f"arn:aws:iam::{PEOPLE}:group/oncall",
    ]
    assert PEOPLE not in iam_policies(Command.CAN, [STAGING], Wanted(), roles, PEOPLE)


def test_backups_in_a_bucket_are_the_caller_s_own() -> None:
    place = "s3://acme-iamrbac/eks/"
    alone = iam_policies(Command.APPLY, [STAGING], Wanted(), bucket=place)[WORK]
    assert resources(alone, "s3:ListBucket") == ["arn:aws:s3:::acme-iamrbac"]
    assert resources(alone, "s3:PutObject") == ["arn:aws:s3:::acme-iamrbac/eks/*"]
    assert "s3:GetObject" not in actions(alone)
    several = iam_policies(Command.ROLLBACK, [STAGING, CHINA], Wanted(), bucket="s3://acme-iamrbac")
    assert actions(several["caller"]) == {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
    assert resources(several["caller"], "s3:GetObject") == ["arn:aws:s3:::acme-iamrbac/*"]
    read = iam_policies(Command.HISTORY, [STAGING], Wanted(), bucket=place)[WORK]
    assert actions(read) == {"eks:DescribeCluster", "s3:ListBucket", "s3:GetObject"}
    assert list(iam_policies(Command.PLAN, [STAGING], Wanted(), bucket=place)) == [WORK]


def test_what_was_adopted_is_given_back_by_a_rollback_alone() -> None:
    may = {
        one
        for one in Command
        if "eks:UntagResource" in actions(iam_policies(one, [STAGING], Wanted()).get(WORK, {"Statement": []}))
    }
    assert may == {Command.ROLLBACK}
