"""Whom the members of sets stand for, where their access is asked about and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from iamrbac.identity.expand import expand
from iamrbac.identity.members import describe, group_key, principal_key
from iamrbac.identity.snapshot import Identities
from iamrbac.identity.suspended import Suspended
from iamrbac.model.arn import partition_of
from iamrbac.model.documents import Cluster, Config, IamGroup, IamUser, Member, PermissionSet

Cast: TypeAlias = Callable[[Member, Cluster], tuple[str, ...]]
"""The principals that a member stands for on a cluster; () for nobody, and for one who is suspended."""


def as_described(config: Config) -> Cast:
    """Return the members themselves, as they were declared: `iamGroup payments-developers`."""
    suspended = Suspended(config.suspended)

    def cast(member: Member, cluster: Cluster) -> tuple[str, ...]:
        return () if suspended.covers_member(member, config, cluster.account) else (describe(member),)

    return cast


def as_compared(config: Config, usual: str | None) -> Cast:
    """Return the members by what they are, so that two configs can be compared: `iamUser dana` for her ARN too.

    A name is unique in its account, whatever the path (IAM identifiers). The account is named where it is not `usual`
    for people, and the cluster's for roles: another account makes another principal of the same name.
    """
    suspended = Suspended(config.suspended)

    def cast(member: Member, cluster: Cluster) -> tuple[str, ...]:
        if suspended.covers_member(member, config, cluster.account):
            return ()
        return (_compared(member, config, cluster, usual),)

    return cast


def as_people(config: Config, identities: Identities, otherwise: Cast) -> Cast:
    """Return the users and roles that a snapshot has for a member; who is in none is cast `otherwise`."""
    suspended = Suspended(config.suspended)

    def cast(member: Member, cluster: Cluster) -> tuple[str, ...]:
        found = expand(member, config, cluster.account, partition_of(cluster.region), identities)
        if not isinstance(found, tuple):
            return otherwise(member, cluster)
        return tuple(arn for arn in found if not suspended.covers(arn))

    return cast


def _compared(member: Member, config: Config, cluster: Cluster, usual: str | None) -> str:
    if isinstance(member, PermissionSet):
        account = member.account or cluster.account
        return _said(describe(member), account, cluster.account)
    try:
        if isinstance(member, IamGroup):
            key, kind, default = group_key(member, config), "iamGroup", usual
        else:
            key = principal_key(member, config, cluster.account)
            kind, default = ("iamUser", usual) if isinstance(member, IamUser) else ("iamRole", cluster.account)
    except ValueError:
        key = None
    if key is None:
        return describe(member)
    return _said(f"{kind} {key.name.rsplit('/', 1)[-1]}", key.account, default)


def _said(name: str, account: str, usual: str | None) -> str:
    return name if account == usual else f"{name} (account {account})"
