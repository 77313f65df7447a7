"""Access policies and their associations over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.aws.test_entries import NOT_FOUND, refused

VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
EDIT = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"
CLUSTER = {"type": "cluster"}


def associated(eks: Any, cluster: str, principal: str) -> dict[str, tuple[str, list[str]]]:
    """Return policy → scope."""
    answer = eks.list_associated_access_policies(clusterName=cluster, principalArn=principal)
    assert (answer["clusterName"], answer["principalArn"]) == (cluster, principal)
    return {
        one["policyArn"]: (one["accessScope"]["type"], one["accessScope"]["namespaces"])
        for one in answer["associatedAccessPolicies"]
    }


def test_a_new_scope_replaces_the_old(eks: Any, cluster: str, user: str) -> None:
    named = {"clusterName": cluster, "principalArn": user}
    eks.create_access_entry(**named)
    scope = {"type": "namespace", "namespaces": ["dev-*", "payments"]}
    first = eks.associate_access_policy(**named, policyArn=VIEW, accessScope=scope)["associatedAccessPolicy"]
    assert associated(eks, cluster, user) == {VIEW: ("namespace", ["dev-*", "payments"])}
    second = eks.associate_access_policy(**named, policyArn=VIEW, accessScope=CLUSTER)["associatedAccessPolicy"]
    assert associated(eks, cluster, user) == {VIEW: ("cluster", [])}
    assert (second["associatedAt"], second["modifiedAt"]) > (first["associatedAt"], first["modifiedAt"])
    assert second["associatedAt"] == first["associatedAt"]
    eks.disassociate_access_policy(**named, policyArn=VIEW)
    assert associated(eks, cluster, user) == {}
    assert refused(eks.disassociate_access_policy, **named, policyArn=VIEW)[:2] == (404, "ResourceNotFoundException")


def test_a_deleted_entry_takes_its_policies_along(eks: Any, cluster: str, user: str) -> None:
    named = {"clusterName": cluster, "principalArn": user}
    eks.create_access_entry(**named)
    eks.associate_access_policy(**named, policyArn=VIEW, accessScope=CLUSTER)
    eks.delete_access_entry(**named)
    eks.create_access_entry(**named)
    assert associated(eks, cluster, user) == {}
    answer = eks.list_access_entries(clusterName=cluster, associatedPolicyArn=VIEW)
    assert answer["accessEntries"] == []


@pytest.mark.parametrize(
    "scope",
    [
        {"type": "namespace"},
        {"type": "namespace", "namespaces": []},
        {"type": "namespace", "namespaces": [""]},
        {"type": "cluster", "namespaces": ["a"]},
        {"type": "galaxy"},
        {},
    ],
)
def test_scopes_that_cannot_be(eks: Any, cluster: str, user: str, scope: Any) -> None:
    named = {"clusterName": cluster, "principalArn": user}
    eks.create_access_entry(**named)
    answer = refused(eks.associate_access_policy, **named, policyArn=VIEW, accessScope=scope)
    assert answer[:2] == (400, "InvalidParameterException")
    assert associated(eks, cluster, user) == {}


@pytest.mark.parametrize(
    "policy",
    [VIEW + "x", VIEW.replace("arn:aws:", "arn:aws-cn:"), "arn:aws:iam::aws:policy/AdministratorAccess", "view", ""],
)
def test_policies_that_are_not(eks: Any, cluster: str, user: str, policy: str) -> None:
    named = {"clusterName": cluster, "principalArn": user}
    eks.create_access_entry(**named)
    answer = refused(eks.associate_access_policy, **named, policyArn=policy, accessScope=CLUSTER)
    assert answer[:2] == (400, "InvalidParameterException")


def test_without_an_entry(eks: Any, cluster: str, user: str) -> None:
    named = {"clusterName": cluster, "principalArn": user, "policyArn": VIEW}
    absent = (404, "ResourceNotFoundException", NOT_FOUND)
    assert refused(eks.associate_access_policy, **named, accessScope=CLUSTER) == absent
    assert refused(eks.disassociate_access_policy, **named) == absent


def test_twenty_policies_are_the_most_and_they_come_in_pages(eks: Any, cluster: str, user: str) -> None:
    named = {"clusterName": cluster, "principalArn": user}
    eks.create_access_entry(**named)
    arns = [one["arn"] for one in eks.list_access_policies()["accessPolicies"]]
    assert len(arns) > 20
    for arn in arns[:20]:
        eks.associate_access_policy(**named, policyArn=arn, accessScope=CLUSTER)
    one_more = refused(eks.associate_access_policy, **named, policyArn=arns[20], accessScope=CLUSTER)
    assert one_more[:2] == (400, "ResourceLimitExceededException")
    eks.associate_access_policy(
        **named, policyArn=arns[0], accessScope={"type": "namespace", "namespaces": ["still-possible"]}
    )
    paginator = eks.get_paginator("list_associated_access_policies")
    pages = [page["associatedAccessPolicies"] for page in paginator.paginate(**named, PaginationConfig={"PageSize": 8})]
    assert [len(page) for page in pages] == [8, 8, 4]
    assert [one["policyArn"] for page in pages for one in page] == sorted(arns[:20])


def test_the_filter_by_policy(eks: Any, cluster: str, user: str, role: str) -> None:
    for principal, policy in ((user, VIEW), (role, EDIT)):
        eks.create_access_entry(clusterName=cluster, principalArn=principal)
        eks.associate_access_policy(clusterName=cluster, principalArn=principal, policyArn=policy, accessScope=CLUSTER)
    found = eks.list_access_entries(clusterName=cluster, associatedPolicyArn=EDIT)["accessEntries"]
    assert found == [role]


def test_the_list_of_policies(eks: Any, sandbox: Any) -> None:
    paginator = eks.get_paginator("list_access_policies")
    pages = [page["accessPolicies"] for page in paginator.paginate(PaginationConfig={"PageSize": 10})]
    names = [one["name"] for page in pages for one in page]
    assert names == sorted(names)
    assert {
        "AmazonEKSAdminPolicy",
        "AmazonEKSAdminViewPolicy",
        "AmazonEKSClusterAdminPolicy",
        "AmazonEKSEditPolicy",
        "AmazonEKSSecretReaderPolicy",
        "AmazonEKSViewPolicy",
    } < set(names)
    arns = {one["name"]: one["arn"] for page in pages for one in page}
    assert arns["AmazonEKSViewPolicy"] == VIEW
    china = sandbox.client("eks", region="cn-north-1").list_access_policies(maxResults=1)["accessPolicies"][0]
    assert china["arn"].startswith("arn:aws-cn:eks::aws:cluster-access-policy/")


def test_auto_mode_nodes_take_their_own_policy_only(eks: Any, cluster: str, role: str) -> None:
    named = {"clusterName": cluster, "principalArn": role}
    eks.create_access_entry(**named, type="EC2")
    auto = VIEW.replace("AmazonEKSViewPolicy", "AmazonEKSAutoNodePolicy")
    eks.associate_access_policy(**named, policyArn=auto, accessScope=CLUSTER)
    answer = refused(eks.associate_access_policy, **named, policyArn=VIEW, accessScope=CLUSTER)
    assert answer[1] == "InvalidParameterException"
    assert set(associated(eks, cluster, role)) == {auto}
