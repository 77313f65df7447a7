"""The IAM role that a group's users may assume (`via: role`), and the two documents that let them.

The trust is on the account, since a group is no principal (IAM guide, "IAM user groups"); the group's inline policy
lets its users use it. Who takes the role must do so under their own user name, so that they stay in CloudTrail and in
the cluster's audit log (IAM guide, "IAM and AWS STS condition context keys": sts:RoleSessionName, sts:SourceIdentity).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

PATH: Final = "/iamrbac/"
"""Where roles of ours live in IAM: nothing else is read or written there."""
ASSUME: Final = "sts:AssumeRole"
SET_SOURCE_IDENTITY: Final = "sts:SetSourceIdentity"
MOST_TRUST: Final = 2048
"""Characters of a trust policy, without white space (IAM quotas: 2,048 by default)."""
OWN_NAME: Final = "${aws:username}"
"""The policy variable: only IAM users have it, never a role's session, a federated user or the root user."""
Json: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AssumableRole:
    """An IAM role of ours. It has no permission of its own in AWS: EKS asks only who somebody is."""

    arn: str
    trust: str
    """The trust policy, `canonical`."""


@dataclass(frozen=True, slots=True)
class GroupPolicy:
    """An inline policy of an IAM group. IAM gives it no tags; its name says whose it is."""

    group: str
    name: str
    document: str
    """`canonical`."""


def role_arn(partition: str, account: str, name: str) -> str:
    """Return the ARN of a role of ours."""
    return f"arn:{partition}:iam::{account}:role{PATH}{name}"


def trust_policy(partition: str, account: str, suspended: Iterable[str] = ()) -> str:
    """Return who may assume a role: users of the account, each under their own name; none of the `suspended` names.

    Null says in so many words what the variable says by not being there: no session of a role passes. SourceIdentity
    may be left out, since a profile of the AWS CLI can set a session's name and no source identity.
    """
    root = {"AWS": f"arn:{partition}:iam::{account}:root"}
    statements: list[Json] = [
        {
            "Sid": "UsersUnderTheirOwnName",
            "Effect": "Allow",
            "Principal": root,
            "Action": ASSUME,
            "Condition": {"Null": {"aws:username": "false"}, "StringEquals": {"sts:RoleSessionName": OWN_NAME}},
        },
        {
            "Sid": "OnlyTheirOwnIdentity",
            "Effect": "Allow",
            "Principal": root,
            "Action": SET_SOURCE_IDENTITY,
            "Condition": {"Null": {"aws:username": "false"}, "StringEquals": {"sts:SourceIdentity": OWN_NAME}},
        },
    ]
    names = sorted(set(suspended))
    if names:
        statements.append(
            {
                "Sid": "NobodySuspended",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": ASSUME,
                "Condition": {"StringEquals": {"aws:username": names}},
            }
        )
    return _text({"Version": "2012-10-17", "Statement": statements})


def group_policy(role: str) -> str:
    """Return what a group's users need to assume a role (its ARN), and nothing else."""
    statement = {
        "Sid": "AssumeTheTeamsRole",
        "Effect": "Allow",
        "Action": [ASSUME, SET_SOURCE_IDENTITY],
        "Resource": role,
    }
    return _text({"Version": "2012-10-17", "Statement": [statement]})


def canonical(document: str) -> str:
    """Return a policy document in one spelling: keys and lists sorted, a list of one as the one.

    A text that is no JSON object stays as it is: it is equal to none of ours.
    """
    try:
        value = json.loads(document)
    except (ValueError, RecursionError):
        return document
    return _text(value) if isinstance(value, dict) else document


def only_assumes(document: str, role: str) -> bool:
    """Say whether a group's policy does no more than ours for this role: else it is somebody else's."""
    return canonical(document) == canonical(group_policy(role))


def suspended_names(trust: str) -> frozenset[str]:
    """Return the user names that a trust policy keeps out by name."""
    try:
        statements = json.loads(trust).get("Statement", ())
    except (ValueError, AttributeError):
        return frozenset()
    names: set[str] = set()
    for one in statements if isinstance(statements, list) else [statements]:
        if isinstance(one, dict) and one.get("Effect") == "Deny":
            found = (one.get("Condition") or {}).get("StringEquals", {}).get("aws:username", ())
            names |= {found} if isinstance(found, str) else set(found)
    return frozenset(names)


def _text(value: Json) -> str:
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _statements(one) if key == "Statement" else _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        items = [_plain(one) for one in value]
        if len(items) == 1:
            return items[0]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    return value


def _statements(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, list) else [_plain(value)]
