"""What a member of a set is called in IAM, by the account rules of design §2."""

from __future__ import annotations

from iamrbac.identity.permission_sets import KEY
from iamrbac.identity.snapshot import IamName
from iamrbac.model.arn import Arn
from iamrbac.model.documents import Config, IamGroup, IamRole, IamUser, Member, PermissionSet


def describe(member: Member) -> str:
    """Return a member as it was declared: `iamGroup payments-developers`."""
    if isinstance(member, IamGroup):
        return f"iamGroup {member.iam_group}"
    if isinstance(member, IamUser):
        return f"iamUser {member.iam_user}"
    if isinstance(member, IamRole):
        return f"iamRole {member.iam_role}"
    return f"permissionSet {member.permission_set}"


def via(member: IamGroup, config: Config) -> str | None:
    """Return how a group becomes principals: as it says itself, else as the config says; there is no other default."""
    return member.via or (config.identity.groups if config.identity is not None else None)


def group_key(member: IamGroup, config: Config) -> IamName | None:
    """Return the group's account and name; None where nothing says the account.

    Raises ValueError when it is written as an ARN and is not a group's.
    """
    if member.iam_group.startswith("arn:"):
        arn = _arn(member.iam_group, "group")
        return IamName(arn.account, arn.name)
    account = member.account or _people(config)
    return IamName(account, _last(member.iam_group)) if account else None


def principal_key(member: IamUser | IamRole, config: Config, cluster_account: str) -> IamName | None:
    """Return the account and `user/NAME` or `role/NAME`; None where nothing says the account.

    A user is in the people's account, a role in the cluster's; an ARN or `account:` says otherwise.
    Raises ValueError when it is written as an ARN and is not one of its kind.
    """
    kind, name = named(member)
    if name.startswith("arn:"):
        arn = _arn(name, kind)
        return IamName(arn.account, f"{kind}/{arn.name}")
    account = member.account or (cluster_account if kind == "role" else _people(config))
    return IamName(account, f"{kind}/{_last(name)}") if account else None


def set_key(member: PermissionSet, cluster_account: str) -> IamName:
    """Return the account and `permissionSet/NAME`; it is in the cluster's account unless `account:` says otherwise."""
    return IamName(member.account or cluster_account, KEY + member.permission_set)


def named(member: IamUser | IamRole) -> tuple[str, str]:
    """Return the kind of principal and what the member calls it: a name, a name with its path, or an ARN."""
    return ("user", member.iam_user) if isinstance(member, IamUser) else ("role", member.iam_role)


def is_bare(name: str) -> bool:
    """Say whether a name has no path, so that only IAM knows its ARN."""
    return "/" not in name and not name.startswith("arn:")


def _arn(text: str, kind: str) -> Arn:
    arn = Arn.parse(text)
    if arn.kind != kind:
        raise ValueError(f"{text!r} is the ARN of a {arn.kind}, not of a {kind}")
    return arn


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _people(config: Config) -> str | None:
    return config.identity.account if config.identity is not None else None
