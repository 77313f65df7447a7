"""IAM's pages and refusals, which moto leaves out."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.aws.test_entries import refused


@pytest.fixture
def team(iam: Any) -> tuple[str, list[str]]:
    """A group and its five users, in the order in which they joined."""
    group = f"g-{uuid.uuid4().hex[:12]}"
    iam.create_group(GroupName=group, Path="/teams/")
    users = [f"{group}-{number}" for number in range(5)]
    for user in users:
        iam.create_user(UserName=user, Path=f"/{group}/")
        iam.add_user_to_group(GroupName=group, UserName=user)
    return group, users


def names(entities: list[dict[str, Any]]) -> list[str]:
    return [entity.get("UserName") or entity["GroupName"] for entity in entities]


def test_get_group_in_pages(iam: Any, team: tuple[str, list[str]]) -> None:
    group, users = team
    first = iam.get_group(GroupName=group, MaxItems=2)
    assert (names(first["Users"]), first["IsTruncated"]) == (users[:2], True)
    second = iam.get_group(GroupName=group, MaxItems=2, Marker=first["Marker"])
    assert (names(second["Users"]), second["IsTruncated"]) == (users[2:4], True)
    last = iam.get_group(GroupName=group, MaxItems=2, Marker=second["Marker"])
    assert (names(last["Users"]), last["IsTruncated"], "Marker" in last) == (users[4:], False, False)
    assert first["Group"] == last["Group"]
    assert first["Group"]["Arn"] == f"arn:aws:iam::111122223333:group/teams/{group}"
    assert first["Users"][0] == iam.get_user(UserName=users[0])["User"] | {
        "CreateDate": first["Users"][0]["CreateDate"]
    }
    pages = iam.get_paginator("get_group").paginate(GroupName=group, PaginationConfig={"PageSize": 3})
    assert [names(page["Users"]) for page in pages] == [users[:3], users[3:]]


def test_a_hundred_is_a_page(iam: Any) -> None:
    group = f"g-{uuid.uuid4().hex[:12]}"
    iam.create_group(GroupName=group)
    for number in range(101):
        iam.create_user(UserName=f"{group}-{number}")
        iam.add_user_to_group(GroupName=group, UserName=f"{group}-{number}")
    answer = iam.get_group(GroupName=group)
    assert (len(answer["Users"]), answer["IsTruncated"]) == (100, True)


def test_lists_in_pages(iam: Any, team: tuple[str, list[str]]) -> None:
    group, users = team
    listed = iam.list_users(PathPrefix=f"/{group}/", MaxItems=4)
    assert (names(listed["Users"]), listed["IsTruncated"]) == (users[:4], True)
    rest = iam.list_users(PathPrefix=f"/{group}/", MaxItems=4, Marker=listed["Marker"])
    assert (names(rest["Users"]), rest["IsTruncated"]) == (users[4:], False)
    other = f"{group}-other"
    iam.create_group(GroupName=other)
    iam.add_user_to_group(GroupName=other, UserName=users[0])
    pages = iam.get_paginator("list_groups_for_user").paginate(UserName=users[0], PaginationConfig={"PageSize": 1})
    assert [names(page["Groups"]) for page in pages] == [[group], [other]]
    found = iam.list_groups(PathPrefix="/teams/", MaxItems=1000)
    assert group in names(found["Groups"])
    assert other not in names(found["Groups"])
    every = [name for page in iam.get_paginator("list_groups").paginate() for name in names(page["Groups"])]
    assert {group, other, "payments-developers"} <= set(every)


def test_an_empty_group_is_an_answer(iam: Any) -> None:
    answer = iam.get_group(GroupName="contractors")
    assert (answer["Users"], answer["IsTruncated"]) == ([], False)


@pytest.mark.parametrize("operation", ["get_group", "list_groups_for_user"])
def test_who_is_not_there(iam: Any, operation: str) -> None:
    argument = "GroupName" if operation == "get_group" else "UserName"
    assert refused(getattr(iam, operation), **{argument: "nobody"})[:2] == (404, "NoSuchEntity")


def test_markers_and_sizes_that_cannot_be(iam: Any) -> None:
    for marker in ("x", "bm90IGE=", "ZnJvbTp4"):
        assert refused(iam.list_users, Marker=marker)[:2] == (400, "ValidationError")
    assert refused(iam.list_users, MaxItems=1001)[:2] == (400, "ValidationError")


def test_members_and_key_holders_cannot_be_deleted(iam: Any, team: tuple[str, list[str]]) -> None:
    group, users = team
    text = "Cannot delete entity, must remove users from group first."
    assert refused(iam.delete_group, GroupName=group) == (409, "DeleteConflict", text)
    assert refused(iam.delete_user, UserName=users[0]) == (409, "DeleteConflict", text)
    iam.remove_user_from_group(GroupName=group, UserName=users[0])
    key = iam.create_access_key(UserName=users[0])["AccessKey"]["AccessKeyId"]
    keys = "Cannot delete entity, must delete access keys first."
    assert refused(iam.delete_user, UserName=users[0]) == (409, "DeleteConflict", keys)
    iam.delete_access_key(UserName=users[0], AccessKeyId=key)
    iam.delete_user(UserName=users[0])
    assert names(iam.get_group(GroupName=group)["Users"]) == users[1:]
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.delete_user(UserName=users[0])
