"""Access entries over HTTP, with botocore's real stack in front."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.aws.conftest import ACCOUNT, make_cluster

if TYPE_CHECKING:
    from iamrbac.sandbox.runner import Sandbox

NOT_FOUND = (
    "The specified principalArn could not be found. You can view your available access entries with "
    "'list-access-entries'."
)
INVALID = "The specified principalArn is invalid: invalid principal."


def refused(call: Any, **arguments: Any) -> tuple[int, str, str]:
    """Call, and return HTTP status, code and text of the refusal."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def test_an_entry_of_a_user(eks: Any, cluster: str, user: str) -> None:
    made = eks.create_access_entry(
        clusterName=cluster, principalArn=user, kubernetesGroups=["b", "a", "b"], tags={"team": "payments"}
    )["accessEntry"]
    assert abs((datetime.now(UTC) - made.pop("createdAt")).total_seconds()) < 5
    made.pop("modifiedAt")
    name = user.rsplit("/", 1)[-1]
    prefix = f"arn:aws:eks:eu-west-1:{ACCOUNT}:access-entry/{cluster}/user/{ACCOUNT}/{name}/"
    assert made.pop("accessEntryArn").startswith(prefix)
    assert made == {
        "clusterName": cluster,
        "principalArn": user,
        "kubernetesGroups": ["b", "a"],
        "username": user,
        "type": "STANDARD",
        "tags": {"team": "payments"},
    }
    described = eks.describe_access_entry(clusterName=cluster, principalArn=user)["accessEntry"]
    assert {key: described[key] for key in made} == made


def test_a_roles_username_has_no_path(eks: Any, cluster: str, role: str) -> None:
    made = eks.create_access_entry(clusterName=cluster, principalArn=role)["accessEntry"]
    name = role.rsplit("/", 1)[-1]
    assert made["username"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{{{{SessionName}}}}"
    assert made["principalArn"] == role


@pytest.mark.parametrize(
    ("type_", "username"),
    [
        ("EC2_LINUX", "system:node:{{EC2PrivateDNSName}}"),
        ("EC2_WINDOWS", "system:node:{{EC2PrivateDNSName}}"),
        ("FARGATE_LINUX", "system:node:{{SessionName}}"),
        ("HYBRID_LINUX", "system:node:{{SessionName}}"),
    ],
)
def test_node_types(eks: Any, cluster: str, role: str, type_: str, username: str) -> None:
    made = eks.create_access_entry(clusterName=cluster, principalArn=role, type=type_)["accessEntry"]
    assert (made["username"], made["kubernetesGroups"], made["type"]) == (username, ["system:nodes"], type_)
    groups = refused(eks.update_access_entry, clusterName=cluster, principalArn=role, kubernetesGroups=["a"])
    standard = 'This operation can only be performed on Access Entries with a type of "STANDARD".'
    assert groups == (400, "InvalidParameterException", standard)
    scope = {"type": "cluster"}
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    associated = refused(
        eks.associate_access_policy, clusterName=cluster, principalArn=role, policyArn=policy, accessScope=scope
    )
    assert associated == (400, "InvalidParameterException", standard)


def test_nodes_are_roles_of_the_clusters_account_without_groups(eks: Any, cluster: str, user: str, role: str) -> None:
    create = eks.create_access_entry
    assert refused(create, clusterName=cluster, principalArn=user, type="EC2_LINUX")[2] == INVALID
    elsewhere = role.replace(ACCOUNT, "999999999999")
    assert refused(create, clusterName=cluster, principalArn=elsewhere, type="EC2_LINUX")[2] == INVALID
    grouped = refused(create, clusterName=cluster, principalArn=role, type="EC2_LINUX", kubernetesGroups=["a"])
    assert grouped[1] == "InvalidParameterException"
    assert refused(create, clusterName=cluster, principalArn=role, type="EC3")[1] == "InvalidParameterException"


def test_who_is_no_principal(eks: Any, cluster: str, user: str, role: str) -> None:
    wrong = [
        user + "x",
        user.replace("/staff/", "/"),
        role.replace("/ci/", "/"),
        user.replace(ACCOUNT, "999999999999"),
        user.replace("arn:aws:", "arn:aws-cn:"),
        f"arn:aws:iam::{ACCOUNT}:group/payments-developers",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rsplit('/', 1)[-1]}/me",
        f"arn:aws:iam::{ACCOUNT}:root",
        "alice",
        "",
    ]
    for principal in wrong:
        answer = refused(eks.create_access_entry, clusterName=cluster, principalArn=principal)
        assert answer == (400, "InvalidParameterException", INVALID), principal
    linked = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
    assert refused(eks.create_access_entry, clusterName=cluster, principalArn=linked)[2] == (
        "The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role"
    )


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"kubernetesGroups": ["system:masters"]},
            "The kubernetes group name system:masters is invalid, it cannot start with system:",
        ),
        ({"username": "system:me"}, "The username must not begin with system:"),
        ({"username": "eks:me"}, "The username must not begin with eks:"),
        ({"username": "aws:me"}, "The username must not begin with aws:"),
        ({"username": "amazon:me"}, "The username must not begin with amazon:"),
        ({"username": "iam:me"}, "The username must not begin with iam:"),
        ({"username": "{{SessionName}}"}, "The username must have a colon before {{SessionName}}"),
        ({"tags": {"aws:x": "y"}}, "The tag key aws:x is reserved: it begins with aws:"),
    ],
)
def test_what_an_entry_cannot_say(eks: Any, cluster: str, user: str, fields: Any, text: str) -> None:
    answer = refused(eks.create_access_entry, clusterName=cluster, principalArn=user, **fields)
    assert answer == (400, "InvalidParameterException", text)
    assert eks.list_access_entries(clusterName=cluster)["accessEntries"] == []


def test_groups_may_look_like_iamrbacs(eks: Any, cluster: str, user: str) -> None:
    groups = ["iamrbac:acme:payments:developers", "eks:x", "masters"]
    made = eks.create_access_entry(
        clusterName=cluster, principalArn=user, kubernetesGroups=groups, username="team:{{SessionName}}"
    )["accessEntry"]
    assert (made["kubernetesGroups"], made["username"]) == (groups, "team:{{SessionName}}")


def test_update_changes_what_it_names(eks: Any, cluster: str, user: str) -> None:
    eks.create_access_entry(clusterName=cluster, principalArn=user, kubernetesGroups=["a"], username="u")
    updated = eks.update_access_entry(clusterName=cluster, principalArn=user, kubernetesGroups=["b"])["accessEntry"]
    assert (updated["kubernetesGroups"], updated["username"]) == (["b"], "u")
    updated = eks.update_access_entry(clusterName=cluster, principalArn=user, username="v")["accessEntry"]
    assert (updated["kubernetesGroups"], updated["username"]) == (["b"], "v")
    updated = eks.update_access_entry(clusterName=cluster, principalArn=user, kubernetesGroups=[])["accessEntry"]
    assert (updated["kubernetesGroups"], updated["username"]) == ([], "v")
    assert updated["modifiedAt"] > updated["createdAt"]
    arguments = {"clusterName": cluster, "principalArn": user, "username": "w", "kubernetesGroups": ["system:x"]}
    assert refused(eks.update_access_entry, **arguments)[1] == "InvalidParameterException"
    assert eks.describe_access_entry(clusterName=cluster, principalArn=user)["accessEntry"]["username"] == "v"


def test_there_or_not(eks: Any, cluster: str, user: str) -> None:
    named = {"clusterName": cluster, "principalArn": user}
    absent = (404, "ResourceNotFoundException", NOT_FOUND)
    for call in (eks.describe_access_entry, eks.update_access_entry, eks.delete_access_entry):
        assert refused(call, **named) == absent
    assert refused(eks.list_associated_access_policies, **named) == absent
    eks.create_access_entry(**named)
    assert refused(eks.create_access_entry, **named) == (
        409,
        "ResourceInUseException",
        "The specified access entry resource is already in use on this cluster.",
    )
    eks.delete_access_entry(**named)
    assert refused(eks.describe_access_entry, **named) == absent
    gone = refused(eks.list_access_entries, clusterName="nowhere")
    assert gone == (404, "ResourceNotFoundException", "No cluster found for name: nowhere.")


def test_a_retry_of_the_same_call_is_no_conflict(eks: Any, cluster: str, user: str) -> None:
    call = {"clusterName": cluster, "principalArn": user, "clientRequestToken": str(uuid.uuid4())}
    first = eks.create_access_entry(**call)["accessEntry"]
    assert eks.create_access_entry(**call)["accessEntry"] == first
    assert refused(eks.create_access_entry, **call, kubernetesGroups=["other"])[0] == 409


def test_wrong_mode(eks: Any, user: str) -> None:
    cluster = make_cluster(eks, "CONFIG_MAP")
    text = (
        "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."
    )
    wrong = (400, "InvalidRequestException", text)
    named = {"clusterName": cluster, "principalArn": user}
    for call in (eks.create_access_entry, eks.describe_access_entry, eks.update_access_entry, eks.delete_access_entry):
        assert refused(call, **named) == wrong
    assert refused(eks.list_access_entries, clusterName=cluster) == wrong
    assert refused(eks.list_associated_access_policies, **named) == wrong


def test_pages(eks: Any, iam: Any, cluster: str) -> None:
    users = sorted(iam.create_user(UserName=f"page-{uuid.uuid4().hex[:8]}")["User"]["Arn"] for _ in range(7))
    for arn in users:
        eks.create_access_entry(clusterName=cluster, principalArn=arn)
    first = eks.list_access_entries(clusterName=cluster, maxResults=3)
    assert (first["accessEntries"], "nextToken" in first) == (users[:3], True)
    eks.delete_access_entry(clusterName=cluster, principalArn=users[2])
    rest = eks.list_access_entries(clusterName=cluster, maxResults=4, nextToken=first["nextToken"])
    assert (rest["accessEntries"], rest.get("nextToken")) == (users[3:], None)
    paginator = eks.get_paginator("list_access_entries")
    pages = paginator.paginate(clusterName=cluster, PaginationConfig={"PageSize": 2})
    assert [page["accessEntries"] for page in pages] == [users[:2], users[3:5], users[5:]]
    invalid = refused(eks.list_access_entries, clusterName=cluster, nextToken="ü")
    assert invalid == (400, "InvalidParameterException", "The specified nextToken is invalid.")
    assert refused(eks.list_access_entries, clusterName=cluster, maxResults=101)[1] == "InvalidParameterException"


def test_three_thousand_entries_are_the_most(sandbox: Sandbox, eks: Any, cluster: str, user: str) -> None:
    clusters = sandbox.aws.front.eks.clusters
    access = clusters.access(ACCOUNT, "eu-west-1", cluster)
    now = clusters.now()
    for number in range(3000):
        access.create(f"arn:aws:iam::{ACCOUNT}:user/n{number}", now, lambda _: "AIDA")
    answer = refused(eks.create_access_entry, clusterName=cluster, principalArn=user)
    assert answer[:2] == (400, "ResourceLimitExceededException")
    pages = list(eks.get_paginator("list_access_entries").paginate(clusterName=cluster))
    assert [len(page["accessEntries"]) for page in pages] == [100] * 30


def test_the_creator_becomes_administrator(sandbox: Sandbox, eks: Any) -> None:
    cluster = make_cluster(eks, "API_AND_CONFIG_MAP")
    assert eks.list_access_entries(clusterName=cluster)["accessEntries"] == [sandbox.arn("pat")]
    associated = eks.list_associated_access_policies(clusterName=cluster, principalArn=sandbox.arn("pat"))
    found = [(one["policyArn"], one["accessScope"]) for one in associated["associatedAccessPolicies"]]
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    assert found == [(policy, {"type": "cluster", "namespaces": []})]


def test_tags(eks: Any, cluster: str, user: str) -> None:
    entry = eks.create_access_entry(clusterName=cluster, principalArn=user, tags={"a": "1"})["accessEntry"]
    arn = entry["accessEntryArn"]
    eks.tag_resource(resourceArn=arn, tags={"iamrbac.dev/instance": "acme", "b": "2"})
    eks.untag_resource(resourceArn=arn, tagKeys=["a", "b", "absent"])
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"iamrbac.dev/instance": "acme"}
    described = eks.describe_access_entry(clusterName=cluster, principalArn=user)["accessEntry"]
    assert described["tags"] == {"iamrbac.dev/instance": "acme"}
    assert refused(eks.tag_resource, resourceArn=arn + "x", tags={"a": "1"})[:2] == (404, "NotFoundException")
    many = {f"k{number}": "v" for number in range(50)}
    assert refused(eks.tag_resource, resourceArn=arn, tags=many)[:2] == (400, "BadRequestException")
    assert refused(eks.tag_resource, resourceArn=arn, tags={"AWS:x": "1"})[:2] == (400, "BadRequestException")


def test_tags_of_clusters_are_still_motos(eks: Any, cluster: str) -> None:
    arn = eks.describe_cluster(name=cluster)["cluster"]["arn"]
    eks.tag_resource(resourceArn=arn, tags={"a": "1"})
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "1"}
