"""Which names have to be asked of IAM before documents can be compiled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from iamrbac.identity.members import group_key, is_bare, named, principal_key, set_key, via
from iamrbac.identity.snapshot import IamName, Wanted
from iamrbac.identity.ways import ways
from iamrbac.model.documents import (
    Access,
    AccessPolicy,
    Config,
    IamGroup,
    IamRole,
    IamUser,
    Member,
    TemporaryGrant,
)
from iamrbac.model.selection import selects


def wanted(
    config: Config,
    policies: Iterable[AccessPolicy],
    grants: Iterable[TemporaryGrant],
    at: datetime,
    clusters: Collection[str] | None = None,
) -> Wanted:
    """Return every group, permission set, user and role that access on `clusters` (None: all) needs.

    Not needed are: sets without access there, grants whose time is over, clusters that somebody else maps.
    """
    mapped = [
        cluster
        for cluster in config.clusters
        if cluster.mapping != "external" and (clusters is None or cluster.name in clusters)
    ]
    asked = _Asked()
    for members, lines in _sets(policies, grants, at):
        accounts = {cluster.account for cluster in mapped if any(selects(line.clusters, cluster) for line in lines)}
        for member in members:
            for account in accounts:
                asked.add(member, config, account)
    principals = frozenset(asked.principals)
    return Wanted(frozenset(asked.groups), principals, frozenset(asked.full) - principals, ways(config))


def over(grant: TemporaryGrant, at: datetime) -> bool:
    """Say whether a grant's time is over: from `notAfter` itself on."""
    return at >= datetime.fromisoformat(grant.spec.not_after)


def _sets(
    policies: Iterable[AccessPolicy], grants: Iterable[TemporaryGrant], at: datetime
) -> Iterator[tuple[Sequence[Member], list[Access]]]:
    for policy in policies:
        for name, members in policy.spec.members.items():
            yield members, [line for line in policy.spec.access if line.to is None or name in line.to]
    for grant in grants:
        if not over(grant, at):
            yield grant.spec.members, list(grant.spec.access)


@dataclass
class _Asked:
    groups: set[IamName] = field(default_factory=set)
    principals: set[IamName] = field(default_factory=set)
    full: set[IamName] = field(default_factory=set)

    def add(self, member: Member, config: Config, account: str) -> None:
        """Add what IAM must be asked for a member. What cannot be asked is a finding when it is expanded.

        Of a group with `via: role` it is asked whether it is there, and who gains or loses by it.
        """
        try:
            if isinstance(member, IamGroup):
                key = group_key(member, config) if via(member, config) is not None else None
                self.groups |= {key} if key is not None else set()
            elif isinstance(member, IamUser | IamRole):
                key = principal_key(member, config, account)
                place = self.principals if is_bare(named(member)[1]) else self.full
                place |= {key} if key is not None else set()
            else:
                self.principals.add(set_key(member, account))
        except ValueError:
            return
