"""A member of a set becomes principals: full ARNs, by the account rules of design §2. Pure."""

from __future__ import annotations

from iamrbac.identity.snapshot import IamName, Identities, Missing, Unreadable
from iamrbac.identity.wanted import group_name, user_account
from iamrbac.model.arn import partition_of
from iamrbac.model.documents import Cluster, Config, IamGroup, IamRole, IamUser, Member

Expansion = tuple[str, ...] | Missing | Unreadable


def expand(member: Member, cluster: Cluster, config: Config, identities: Identities) -> Expansion:
    """Return the ARNs that a member stands for on a cluster; a group with nobody in it gives ()."""
    if isinstance(member, IamGroup):
        return identities.groups.get(group_name(member, config), Unreadable("IAM was not asked for this group"))
    if isinstance(member, IamUser):
        return _named("user", member.iam_user, user_account(member, config), cluster, identities)
    if isinstance(member, IamRole):
        return _named("role", member.iam_role, member.account or cluster.account, cluster, identities)
    return Unreadable("permission sets are not resolved by this version")


def describe(member: Member) -> str:
    """Return a member as it was declared: `iamGroup payments-developers`."""
    if isinstance(member, IamGroup):
        return f"iamGroup {member.iam_group}"
    if isinstance(member, IamUser):
        return f"iamUser {member.iam_user}"
    if isinstance(member, IamRole):
        return f"iamRole {member.iam_role}"
    return f"permissionSet {member.permission_set}"


def _named(kind: str, name: str, account: str, cluster: Cluster, identities: Identities) -> Expansion:
    if name.startswith("arn:"):
        return (name,)
    if "/" in name:
        return (f"arn:{partition_of(cluster.region)}:iam::{account}:{kind}/{name.lstrip('/')}",)
    found = identities.principals.get(IamName(account, f"{kind}/{name}"), Unreadable(f"IAM was not asked for {name}"))
    return (found,) if isinstance(found, str) else found
