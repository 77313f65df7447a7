"""A member of a set becomes principals: full ARNs, as access entries want them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from iamrbac.identity.assumable import role_arn
from iamrbac.identity.members import group_key, is_bare, named, principal_key, set_key, via
from iamrbac.identity.snapshot import Ambiguous, Identities, Missing, Unreadable
from iamrbac.model.arn import Arn
from iamrbac.model.documents import Config, IamGroup, IamRole, IamUser, Member


@dataclass(frozen=True, slots=True)
class Unusable:
    """A member that cannot become principals here, whatever IAM says."""

    reason: str
    hint: str


Expansion: TypeAlias = tuple[str, ...] | Missing | Ambiguous | Unreadable | Unusable
_NO_ACCOUNT = Unusable(
    "nothing says in which account it is", "set identity.account in iamrbac.yaml, or `account:` here, or write an ARN"
)


def expand(
    member: Member, config: Config, account: str, partition: str, identities: Identities, role: str | None = None
) -> Expansion:
    """Return the ARNs that a member stands for on a cluster of this account and partition, sorted.

    A group with nobody in it gives (): known, and empty. `role` is the name of the IAM role that the member's set has:
    a group with `via: role` stands for it, whoever is in the group. Without `role` it stands for its users, as any
    other group does: that is who gets in.
    """
    if isinstance(member, IamGroup):
        found = _group(member, config, partition, identities, role)
    elif isinstance(member, IamUser | IamRole):
        found = _principal(member, config, account, partition, identities)
    else:
        answer = identities.principals.get(set_key(member, account), identities.otherwise)
        found = (answer,) if isinstance(answer, str) else answer
    return _usable(found, partition) if isinstance(found, tuple) else found


def _group(member: IamGroup, config: Config, partition: str, identities: Identities, role: str | None) -> Expansion:
    how = via(member, config)
    if how is None:
        return Unusable("nothing says how a group becomes principals", "set identity.groups: users in iamrbac.yaml")
    try:
        key = group_key(member, config)
    except ValueError as error:
        return Unusable(str(error), "write the group's name or its ARN")
    if key is None:
        return _NO_ACCOUNT
    if how == "role" and role is not None:
        return (role_arn(partition, key.account, role),)
    return identities.groups.get(key, identities.otherwise)


def _principal(
    member: IamUser | IamRole, config: Config, account: str, partition: str, identities: Identities
) -> Expansion:
    kind, name = named(member)
    try:
        key = principal_key(member, config, account)
    except ValueError as error:
        return Unusable(str(error), f"write the {kind}'s name or its ARN")
    if key is None:
        return _NO_ACCOUNT
    found = identities.principals.get(key, identities.otherwise)
    if is_bare(name):
        return (found,) if isinstance(found, str) else found
    full = name if name.startswith("arn:") else f"arn:{partition}:iam::{key.account}:{kind}/{name}"
    if isinstance(found, Missing):
        return found
    if isinstance(found, str) and found != full:
        return Unusable(f"IAM has it as {found}, and not as {full}", "correct the path")
    return (full,)


def _usable(arns: tuple[str, ...], partition: str) -> Expansion:
    """What EKS would not take as a principal is said before it is asked (eks-facts §1.2)."""
    for text in arns:
        try:
            arn = Arn.parse(text)
        except ValueError as error:
            return Unusable(str(error), "correct the name")
        if arn.partition != partition:
            return Unusable(
                f"{text} is in the partition {arn.partition}, and the cluster in {partition}: IAM does not cross them",
                "name a principal of the cluster's partition",
            )
        if arn.service_linked:
            return Unusable(f"{text} belongs to an AWS service: EKS does not map it", "name a role of your own")
    return tuple(sorted(set(arns)))
