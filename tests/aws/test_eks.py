"""Describing and reading a cluster: whole, or an error with the next step."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from iamrbac.aws.accounts import Accounts
from iamrbac.aws.eks import EksApi
from iamrbac.aws.session import session
from iamrbac.compile.desired import Desired, Key
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.arn import default_username
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import AwsError
from iamrbac.plan.observed import Meta, Observed, Target
from iamrbac.sandbox.aws.eks.policies import NAMES
from iamrbac.sandbox.aws.http import AwsRequest, Reply
from iamrbac.usecases.ports import Caller
from tests.aws.conftest import ACCOUNT, CLUSTER, PEM, REGION, World, query_refusal, refusal

NOW = datetime(2026, 11, 24, tzinfo=UTC)
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


def entry(world: World, name: str, *, groups: tuple[str, ...] = (), path: str = "/", **tags: str) -> str:
    arn = world.role(name, path)
    world.access.create(arn, NOW, lambda _: "AROA", groups=groups, tags=tags)
    return arn


def answer(status: int, body: object) -> Reply:
    return Reply(status, json.dumps(body).encode(), "application/json")


def test_target_is_what_eks_describes(world: World) -> None:
    assert world.target == Target(
        "development",
        "dev-1",
        f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/dev-1",
        REGION,
        "https://127.0.0.1:1",
        PEM.decode(),
        "API",
    )


def test_caller(world: World) -> None:
    found = world.api.caller()
    assert isinstance(found, Caller)
    assert found.account == ACCOUNT


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"eks_name": "nope"},
            f"development: EKS has no cluster nope in account {ACCOUNT}, region eu-west-1."
            " Next: correct name, eksName or region in iamrbac.yaml",
        ),
        (
            {"eks_name": "nope", "account": "111122223333"},
            f"development: EKS has no cluster nope in account {ACCOUNT}, region eu-west-1."
            " Next: use credentials of account 111122223333, or write assumeRole for it in iamrbac.yaml",
        ),
        (
            {"account": "111122223333"},
            f"development: the credentials reach arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/dev-1, and iamrbac.yaml says"
            " account 111122223333, region eu-west-1."
            " Next: use credentials of account 111122223333, or correct iamrbac.yaml",
        ),
    ],
)
def test_another_cluster_is_refused(world: World, changes: dict[str, str], line: str) -> None:
    with pytest.raises(AwsError) as caught:
        world.api.target(CLUSTER.model_copy(update=changes))
    assert str(caught.value) == line


def described(**changes: object) -> Reply:
    cluster = {
        "name": "dev-1",
        "arn": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/dev-1",
        "status": "ACTIVE",
        "endpoint": "https://127.0.0.1:1",
        "certificateAuthority": {"data": base64.b64encode(PEM).decode()},
        "accessConfig": {"authenticationMode": "API"},
    }
    return answer(
        200, {"cluster": {name: value for name, value in {**cluster, **changes}.items() if value is not None}}
    )


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (described(status="CREATING"), "the cluster is CREATING, its API cannot be used"),
        (described(status="DELETING"), "the cluster is DELETING"),
        (described(certificateAuthority=None), "the answer has no certificateAuthority"),
        (described(certificateAuthority={}), "the answer has no data"),
        (described(certificateAuthority={"data": "bm9uZQ=="}), "certificateAuthority is not a certificate"),
        (described(certificateAuthority={"data": "%%%"}), "certificateAuthority is not a certificate"),
        (described(endpoint=None), "the answer has no endpoint"),
        (described(arn="nonsense"), "an ARN that is none"),
        (described(accessConfig={"authenticationMode": "NEW"}), "an authenticationMode that is not known here: 'NEW'"),
        (answer(200, {}), "the answer has no cluster"),
        (Reply(404, b"<html>nothing here</html>", "text/html"), "eks:DescribeCluster failed with 404"),
        (Reply(200, b"<html>hello</html>", "text/html"), "the answer has no cluster"),
        (
            refusal(403, "AccessDeniedException", "User: alice is not authorized"),
            "eks:DescribeCluster failed with AccessDeniedException: User: alice is not authorized."
            " Next: ask for the IAM permission eks:DescribeCluster",
        ),
        (refusal(403, "ExpiredTokenException", "The security token is expired"), "Next: sign in again"),
    ],
)
def test_a_description_that_cannot_be_used_says_why(world: World, reply: Reply, why: str) -> None:
    world.faults.replies["eks:DescribeCluster"] = [reply]
    with pytest.raises(AwsError) as caught:
        world.api.target(CLUSTER)
    assert why in str(caught.value)
    assert str(caught.value).startswith("development: ")
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_cluster_older_than_access_entries_has_the_config_map(world: World) -> None:
    world.faults.replies["eks:DescribeCluster"] = [described(accessConfig=None)]
    target = world.api.target(CLUSTER)
    assert target.authentication_mode == "CONFIG_MAP"
    world.server.front.calls.clear()
    assert world.api.mappings(target) == ()
    assert not world.server.front.calls


def test_mappings_are_normalised(world: World) -> None:
    alice = entry(world, "alice", groups=("b", "a"), path="/staff/", **{"iamrbac.dev/instance": "acme"})
    bob = entry(world, "bob")
    world.access.associate(bob, VIEW, "namespace", ["search", "payments"], NOW)
    world.access.associate(bob, ADMIN, "cluster", [], NOW)
    username = f"arn:aws:sts::{ACCOUNT}:assumed-role/{{}}/{{{{{{{{SessionName}}}}}}}}"
    assert world.api.mappings(world.target) == (
        Observed(Key("development", "AccessEntry", "", bob), AccessEntry(bob, username.format("bob")), Meta(labels={})),
        Observed(
            Key("development", "AccessEntry", "", alice),
            AccessEntry(alice, username.format("alice"), ("a", "b")),
            Meta(labels={"iamrbac.dev/instance": "acme"}),
        ),
        Observed(
            Key("development", "AccessPolicyAssociation", "", f"{bob}#{ADMIN}"),
            PolicyAssociation(bob, ADMIN, "cluster"),
        ),
        Observed(
            Key("development", "AccessPolicyAssociation", "", f"{bob}#{VIEW}"),
            PolicyAssociation(bob, VIEW, "namespace", ("payments", "search")),
        ),
    )


def test_calls_of_a_small_cluster(world: World) -> None:
    for number in range(5):
        entry(world, f"role-{number}")
    target, calls = world.target, world.server.front.calls
    calls.clear()
    world.api.mappings(target)
    assert dict(calls) == {
        "eks:ListAccessEntries": 1,
        "eks:DescribeAccessEntry": 5,
        "eks:ListAssociatedAccessPolicies": 5,
    }


def test_calls_of_a_large_cluster(world: World) -> None:
    """Two pages of entries, one list per access policy, and associations only where there are some."""
    principals = [entry(world, f"role-{number:03}") for number in range(105)]
    for principal in principals[:3]:
        world.access.associate(principal, VIEW, "cluster", [], NOW)
    target, calls = world.target, world.server.front.calls
    calls.clear()
    found = world.api.mappings(target)
    assert [one.key.name for one in found if one.key.kind == "AccessPolicyAssociation"] == [
        f"{principal}#{VIEW}" for principal in principals[:3]
    ]
    assert len(found) == 108
    assert dict(calls) == {
        "eks:ListAccessEntries": 2 + len(NAMES),
        "eks:ListAccessPolicies": 1,
        "eks:DescribeAccessEntry": 105,
        "eks:ListAssociatedAccessPolicies": 3,
    }


def test_an_entry_deleted_while_it_is_read_is_gone(world: World) -> None:
    kept, gone = entry(world, "kept"), entry(world, "vanishing")

    def vanish(request: AwsRequest) -> Reply | None:
        world.access.entries.pop(gone, None)
        return None

    world.faults.replies["eks:DescribeAccessEntry"] = [vanish, vanish]
    assert [one.key.name for one in world.api.mappings(world.target)] == [kept]


@pytest.mark.parametrize(
    "operation", ["eks:ListAccessEntries", "eks:DescribeAccessEntry", "eks:ListAssociatedAccessPolicies"]
)
@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (refusal(403, "AccessDeniedException", "not authorized"), "AccessDeniedException: not authorized"),
        (refusal(429, "ThrottlingException", "Rate exceeded"), "ThrottlingException after 6 attempts: Rate exceeded"),
        (refusal(500, "ServerException", "oops"), "ServerException: oops"),
        (refusal(404, "ResourceNotFoundException", "No cluster found for name: dev-1."), "No cluster found"),
        (answer(200, {}), "the answer has no "),
        (Reply(404, b"<html>nothing here</html>", "text/html"), "failed with 404"),
    ],
)
def test_a_read_that_stays_broken_is_an_error_never_a_part(
    world: World, operation: str, reply: Reply, why: str
) -> None:
    for number in range(3):
        entry(world, f"role-{number}")
    target = world.target
    world.faults.replies[operation] = [None if operation != "eks:ListAccessEntries" else reply, *[reply] * 30]
    with pytest.raises(AwsError) as caught:
        world.api.mappings(target)
    assert why in str(caught.value)
    assert caught.value.hint


def test_throttling_that_passes_is_not_seen(world: World) -> None:
    kept = entry(world, "kept")
    world.faults.replies["eks:DescribeAccessEntry"] = [refusal(429, "ThrottlingException")] * 3
    assert [one.key.name for one in world.api.mappings(world.target)] == [kept]


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
            'the AWS credentials: Could not connect to the endpoint URL: "http://127.0.0.1:1/".'
            " Next: check the network, the proxy and AWS_ENDPOINT_URL",
        ),
        (
            {"AWS_ENDPOINT_URL": "nonsense"},
            "the AWS credentials: Invalid endpoint: nonsense."
            " Next: correct AWS_ENDPOINT_URL or the setting that is named",
        ),
        (
            {"AWS_ACCESS_KEY_ID": ""},
            "the AWS credentials: Unable to locate credentials."
            " Next: set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run `aws configure`",
        ),
    ],
)
def test_no_aws_is_one_line(
    world: World, environment: dict[str, str], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AwsError) as caught:
        EksApi(Accounts(session())).caller()
    assert str(caught.value) == line


def test_an_unknown_profile_is_one_line(world: World) -> None:
    with pytest.raises(AwsError) as caught:
        session("nobody")
    assert str(caught.value) == (
        "the AWS configuration: The config profile (nobody) could not be found."
        " Next: set AWS_PROFILE to one of `aws configure list-profiles`"
    )


def test_an_expired_session_is_one_line(world: World) -> None:
    world.faults.replies["sts:GetCallerIdentity"] = [query_refusal(403, "ExpiredToken", "The token is expired")]
    with pytest.raises(AwsError) as caught:
        EksApi(Accounts(world.session)).caller()
    assert str(caught.value) == (
        "the AWS credentials: sts:GetCallerIdentity failed with ExpiredToken: The token is expired."
        " Next: sign in again (`aws sso login`, or new keys), then check with `aws sts get-caller-identity`"
    )


def test_a_cluster_of_another_region_is_asked_there(world: World) -> None:
    with pytest.raises(AwsError, match="region us-east-1"):
        world.api.target(Cluster(name="development", eks_name="dev-1", account=ACCOUNT, region="us-east-1"))


def test_an_entry_says_when_it_was_made(world: World) -> None:
    arn = world.role("deployer", "/ci/")
    key = Key("development", "AccessEntry", "", arn)
    world.api.create(world.target, Desired(key, AccessEntry(arn, default_username(arn)), {}))
    (entry,) = world.api.mappings(world.target)
    assert entry.meta.created is not None
    assert abs(entry.meta.created - world.access.entries[arn].created_at) < timedelta(seconds=1)
