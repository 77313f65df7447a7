"""Which names have to be asked of IAM before documents can be compiled. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from iamrbac.identity.snapshot import IamName, Wanted
from iamrbac.model.arn import Arn
from iamrbac.model.documents import AccessPolicy, Config, IamGroup, IamRole, IamUser, Member, TemporaryGrant


def wanted(config: Config, policies: Iterable[AccessPolicy], grants: Iterable[TemporaryGrant], at: datetime) -> Wanted:
    """Return every group, and every user and role given by bare name, whose path only IAM knows.

    A grant whose time is over asks for nothing.
    """
    groups: set[IamName] = set()
    principals: set[IamName] = set()
    for member in _members(policies, grants, at):
        if isinstance(member, IamGroup):
            groups.add(group_name(member, config))
        elif isinstance(member, IamUser | IamRole):
            principals |= set(_bare(member, config))
    return Wanted(frozenset(groups), frozenset(principals))


def group_name(member: IamGroup, config: Config) -> IamName:
    """Return a group's account and name: its ARN's, or `account:`, or the people's account."""
    if member.iam_group.startswith("arn:"):
        arn = Arn.parse(member.iam_group)
        return IamName(arn.account, arn.name)
    return IamName(member.account or _people(config), member.iam_group.rsplit("/", 1)[-1])


def user_account(member: IamUser, config: Config) -> str:
    """Return the account of a user given by name: `account:`, or the people's."""
    return member.account or _people(config)


def _members(policies: Iterable[AccessPolicy], grants: Iterable[TemporaryGrant], at: datetime) -> Iterator[Member]:
    for policy in policies:
        for members in policy.spec.members.values():
            yield from members
    for grant in grants:
        if at < datetime.fromisoformat(grant.spec.not_after):
            yield from grant.spec.members


def _bare(member: IamUser | IamRole, config: Config) -> Iterator[IamName]:
    name = member.iam_user if isinstance(member, IamUser) else member.iam_role
    if "/" in name or name.startswith("arn:"):
        return
    if isinstance(member, IamUser):
        yield IamName(user_account(member, config), f"user/{name}")
    else:
        accounts = {member.account} if member.account else {cluster.account for cluster in config.clusters}
        yield from (IamName(account, f"role/{name}") for account in accounts)


def _people(config: Config) -> str:
    return config.identity.account if config.identity is not None else ""
