"""Every IAM user with all policies that speak for it: one paged call, and two for each managed policy of AWS's own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from iamrbac.identity.assumable import canonical
from iamrbac.identity.assume import IamUserRights

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


def read(iam: IAMClient) -> tuple[IamUserRights, ...]:
    """GetAccountAuthorizationDetails of users, groups and the account's managed policies. Raises what botocore does.

    AWS's own managed policies are read one by one, since the call would give all thousand of them.
    """
    pages = iam.get_paginator("get_account_authorization_details").paginate(
        Filter=["User", "Group", "LocalManagedPolicy"]
    )
    users: list[Any] = []
    groups: dict[str, Any] = {}
    managed: dict[str, str] = {}
    for page in pages:
        if page.get("IsTruncated") and not page.get("Marker"):
            raise KeyError("Marker of its next page")
        users += page["UserDetailList"]
        groups |= {group["GroupName"]: group for group in page["GroupDetailList"]}
        for policy in page.get("Policies", ()):
            managed[policy["Arn"]] = _default(policy)
    wanted = {arn for one in (*users, *groups.values()) for arn in _attached(one)} | {
        arn for user in users if (arn := _boundary(user)) is not None
    }
    for arn in sorted(wanted - managed.keys()):
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        managed[arn] = _text(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])
    return tuple(_rights(user, groups, managed) for user in users)


def _rights(user: Any, groups: Mapping[str, Any], managed: Mapping[str, str]) -> IamUserRights:
    policies = {policy["PolicyName"]: _text(policy["PolicyDocument"]) for policy in user.get("UserPolicyList", ())}
    policies |= _named(user, managed)
    for name in user.get("GroupList", ()):
        group = groups[name]
        policies |= {
            f"{name}/{policy['PolicyName']}": _text(policy["PolicyDocument"])
            for policy in group.get("GroupPolicyList", ())
        }
        policies |= {f"{name}/{key}": text for key, text in _named(group, managed).items()}
    bound = _boundary(user)
    return IamUserRights(user["Arn"], policies, managed[bound] if bound is not None else None)


def _named(one: Any, managed: Mapping[str, str]) -> dict[str, str]:
    return {arn.rsplit("/", 1)[-1]: managed[arn] for arn in _attached(one)}


def _attached(one: Any) -> Iterable[str]:
    return (policy["PolicyArn"] for policy in one.get("AttachedManagedPolicies", ()))


def _boundary(user: Any) -> str | None:
    found = user.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return str(found) if found else None


def _default(policy: Any) -> str:
    for one in policy["PolicyVersionList"]:
        if one["IsDefaultVersion"]:
            return _text(one["Document"])
    raise KeyError("default version of a policy")


def _text(document: object) -> str:
    return canonical(unquote(document) if isinstance(document, str) else json.dumps(document))
