"""Who is in which IAM group, kept in a file: for questions, diffs and tests without AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from iamrbac.identity.snapshot import IamName, Identities, Missing, Unreadable
from iamrbac.model.errors import UsageError

VERSION: Final = 1


def identities_json(identities: Identities) -> dict[str, Any]:
    """Return a snapshot's JSON: null for what IAM does not have. Raises ValueError for what it did not say."""
    return {
        "formatVersion": VERSION,
        "kind": "Identities",
        "groups": [
            {"account": name.account, "name": name.name, "members": _known(found)}
            for name, found in sorted(identities.groups.items())
        ],
        "principals": [
            {"account": name.account, "name": name.name, "arn": _known(found)}
            for name, found in sorted(identities.principals.items())
        ],
    }


def parse_identities(text: str, file: str) -> Identities:
    """Read a snapshot. Raises UsageError for a file that is none."""
    try:
        value = json.loads(text)
        if not isinstance(value, dict) or value.get("kind") != "Identities" or value.get("formatVersion") != VERSION:
            raise ValueError("it has not kind Identities and formatVersion 1")
        groups = {_name(one): _members(one["members"]) for one in value["groups"]}
        principals = {_name(one): _arn(one["arn"]) for one in value["principals"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(
            f"is no snapshot of identities: {error}", where=file, hint="write one with `iamrbac snapshot --out FILE`"
        ) from error
    return Identities(groups, principals)


def _known(found: object) -> object:
    if isinstance(found, Unreadable):
        raise ValueError(found.reason)
    return None if isinstance(found, Missing) else list(found) if isinstance(found, tuple) else found


def _name(one: Mapping[str, Any]) -> IamName:
    account, name = one["account"], one["name"]
    if not isinstance(account, str) or not isinstance(name, str):
        raise TypeError("account and name are strings")
    return IamName(account, name)


def _members(value: object) -> tuple[str, ...] | Missing:
    if value is None:
        return Missing()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError("members is a list of ARNs, or null")
    return tuple(sorted(value))


def _arn(value: object) -> str | Missing:
    if value is None:
        return Missing()
    if not isinstance(value, str):
        raise TypeError("arn is a string, or null")
    return value
