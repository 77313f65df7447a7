"""Whoever AWS says runs a command, as policies name members. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from iamrbac.identity.permission_sets import set_of
from iamrbac.model.arn import Arn
from iamrbac.model.documents import MEMBER_KEYS

FORMS: Final = "iamUser:NAME, iamGroup:NAME, iamRole:NAME, permissionSet:NAME, or an ARN"


@dataclass(frozen=True, slots=True)
class Named:
    """A member as a policy would write it."""

    member: Mapping[str, str]
    """iamUser, iamGroup, iamRole or permissionSet, and account: where it must be said."""
    several: str = ""
    """Who comes in by it, where that is more than one person; "" for a user."""


def named(arn: str, people: str | None, accounts: Collection[str]) -> Named:
    """Return the member that an ARN is: a user by name in the people's account, a role or a session by its role.

    `people` is the people's account, `accounts` are those of the clusters that the member is meant for. Raises
    ValueError for what no cluster maps.
    """
    who = Arn.parse(arn)
    if who.kind == "user":
        name = f"{who.path}{who.name}".lstrip("/")
        return Named({"iamUser": name if who.account == people else arn})
    if who.kind == "group":
        name = f"{who.path}{who.name}".lstrip("/")
        return Named({"iamGroup": name if who.account == people else arn}, f"everybody in the group {who.name}")
    if who.kind not in ("role", "assumed-role"):
        words = {"root": "the root user of an account"}.get(who.kind, f"a {who.kind}")
        raise ValueError(f"{arn} is {words}, which no policy names")
    # A role is looked for in the account of each cluster, unless its own is said.
    account = {} if set(accounts) <= {who.account} else {"account": who.account}
    found = set_of(who.name)
    if found is not None:
        return Named({"permissionSet": found, **account}, f"everybody who has the permission set {found}")
    several = f"everybody who may assume the role {who.name}"
    if who.kind == "role" and who.path != "/":
        return Named({"iamRole": f"{who.path}{who.name}".lstrip("/"), **account}, several)
    return Named({"iamRole": who.name, **account}, several)


def member(text: str, people: str | None, accounts: Collection[str]) -> Named:
    """Return the member that somebody means by KIND:NAME, an ARN, or a user's name. Raises ValueError."""
    if text.startswith("arn:"):
        return named(text, people, accounts)
    kind, colon, name = text.partition(":")
    if not colon:
        kind, name = "iamUser", text
    if kind not in MEMBER_KEYS or not name:
        raise ValueError(f"{text!r} names nobody")
    several = {"iamGroup": "the group", "iamRole": "the role", "permissionSet": "the permission set"}.get(kind)
    return Named({kind: name}, f"everybody who comes in by {several} {name}" if several else "")
