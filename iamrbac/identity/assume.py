"""Who can assume a role: its trust, and what lets each user use it, judged together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from iamrbac.identity.assumable import ASSUME, AssumableRole, GroupPolicy
from iamrbac.identity.policies import Request, Said, decide, trusts
from iamrbac.model.arn import Arn


class May(Enum):
    """Whether a user can assume a role."""

    NO = "no"
    PERHAPS = "perhaps"
    YES = "yes"


@dataclass(frozen=True, slots=True)
class IamUserRights:
    """An IAM user with the policies that speak for it."""

    arn: str
    policies: Mapping[str, str]
    """What each is called, for people to read → its document."""
    boundary: str | None = None
    """The document of its permissions boundary; None for none."""


def may_assume(role: AssumableRole, user: IamUserRights) -> May:
    """Say whether a user can assume a role under their own name (no other name passes our trust)."""
    arn = Arn.parse(user.arn)
    own = Request(
        ASSUME,
        role.arn,
        {
            "aws:username": arn.name,
            "aws:principalarn": user.arn,
            "aws:principaltype": "User",
            "aws:principalaccount": arn.account,
            "sts:rolesessionname": arn.name,
        },
    )
    delegated, named = trusts(role.trust, own, user.arn, arn.account)
    policies = decide(user.policies.values(), own)
    if Said.DENY in (delegated, named, policies):
        return May.NO
    sides = [named, *([policies] if delegated is Said.ALLOW else [_weaker(policies, delegated)])]
    best = May.YES if Said.ALLOW in sides else May.PERHAPS if Said.PERHAPS in sides else May.NO
    if user.boundary is None or best is May.NO:
        return best
    bound = decide([user.boundary], own)
    if bound is Said.ALLOW:
        return best
    return May.PERHAPS if bound is Said.PERHAPS else May.NO


def _weaker(one: Said, other: Said) -> Said:
    if Said.NOTHING in (one, other):
        return Said.NOTHING
    return Said.ALLOW if one is other is Said.ALLOW else Said.PERHAPS


def members_who_may(
    role: AssumableRole, policies: Iterable[GroupPolicy], members: Mapping[str, Iterable[str]]
) -> frozenset[str]:
    """Return the users (ARNs) who can assume a role by group policies alone; `members` are each group's users."""
    users: dict[str, dict[str, str]] = {}
    for policy in policies:
        for user in members.get(policy.group, ()):
            users.setdefault(user, {})[f"{policy.group}/{policy.name}"] = policy.document
    return frozenset(
        arn for arn, documents in users.items() if may_assume(role, IamUserRights(arn, documents)) is May.YES
    )


def others_who_may(
    role: AssumableRole, users: Iterable[IamUserRights], ours: frozenset[str]
) -> Mapping[str, tuple[May, tuple[str, ...]]]:
    """Return who else can, or perhaps can, assume a role: user ARN → the policies that let them.

    `ours` are the names that our own group policies have in `IamUserRights.policies`: they are left out.
    """
    found: dict[str, tuple[May, tuple[str, ...]]] = {}
    for user in users:
        # A Deny speaks whoever wrote it, so that all policies stay; what is asked is who gets in without ours.
        foreign = {name: text for name, text in user.policies.items() if name not in ours}
        may = may_assume(role, IamUserRights(user.arn, foreign, user.boundary))
        if may is not May.NO:
            by = [
                name
                for name, text in foreign.items()
                if may_assume(role, IamUserRights(user.arn, {name: text}, user.boundary)) is not May.NO
            ]
            found[user.arn] = (may, tuple(sorted(by)))
    return found
