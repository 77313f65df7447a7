"""Identity Center's permission sets: each is one role in every account where it is assigned.

The role is called AWSReservedSSO_NAME_HASH, the hash 16 hex digits, below /aws-reserved/sso.amazonaws.com/, with the
region of Identity Center as a folder (none for us-east-1). When all assignments in an account go, so does the role; the
next one makes it with another hash (AWS, Identity Center user guide, "Referencing permission sets in resource
policies").
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from iamrbac.identity.snapshot import Ambiguous, Missing
from iamrbac.model.arn import Arn, comparable

PATH: Final = "/aws-reserved/sso.amazonaws.com/"
KEY: Final = "permissionSet/"
"""Begins the key of a permission set among the principals."""
_PATH: Final = re.compile(rf"{re.escape(PATH)}(?:[a-z0-9-]+/)?")
_ROLE: Final = re.compile(r"AWSReservedSSO_(.+)_([0-9a-f]{16})")


def set_name(arn: str) -> str | None:
    """Return the permission set that a role is of, None for any other role; a path, where there is one, must fit."""
    try:
        role = Arn.parse(arn)
    except ValueError:
        return None
    fits = role.kind == "role" and (role.path == "/" or _PATH.fullmatch(role.path) is not None)
    return set_of(role.name) if fits else None


def set_of(role: str) -> str | None:
    """Return the permission set that a role's name is of, None for any other name."""
    match = _ROLE.fullmatch(role)
    return match.group(1) if match is not None else None


def find(name: str, arns: Iterable[str]) -> str | Missing | Ambiguous:
    """Return the role of a permission set among the roles below `PATH`; the name counts exactly, upper case too."""
    found = sorted(arn for arn in set(arns) if set_name(arn) == name)
    if not found:
        return Missing()
    return found[0] if len(found) == 1 else Ambiguous(tuple(found))


def lasting(arn: str) -> str:
    """Return what stays when Identity Center makes a permission set's role anew: its ARN without path and hash.

    Every other ARN is returned without session, role path and upper case, as EKS compares them.
    """
    plain = comparable(arn).lower()
    return plain.rpartition("_")[0] if set_name(arn) is not None else plain
