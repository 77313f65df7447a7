"""Who gets nothing anywhere, whatever the policies say (design §2, `suspended`)."""

from __future__ import annotations

from collections.abc import Iterable

from iamrbac.identity.members import principal_key
from iamrbac.identity.snapshot import IamName
from iamrbac.model.arn import Arn, canonical
from iamrbac.model.documents import Config, IamRole, IamUser, Member


class Suspended:
    """The suspended principals by account, kind and name.

    A path does not count: a name is unique in its account, and whoever writes the ARN in a hurry must not miss.
    """

    def __init__(self, arns: Iterable[str]) -> None:
        """Take ARNs of users and roles (or sessions). Raises ValueError for anything else."""
        self._names = frozenset(_key(arn) for arn in arns)

    def covers(self, arn: str) -> bool:
        """Say whether the principal is suspended. Raises ValueError when it is no principal's ARN."""
        return bool(self._names) and _key(arn) in self._names

    def users(self, account: str) -> tuple[str, ...]:
        """Return the names of the suspended IAM users of an account, sorted."""
        found = (one.name.split("/", 1) for one in self._names if one.account == account)
        return tuple(sorted(name for kind, name in found if kind == "user"))

    def covers_member(self, member: Member, config: Config, account: str) -> bool:
        """Say whether a user or role as declared is suspended, without asking IAM; False for what is unclear."""
        if not self._names or not isinstance(member, IamUser | IamRole):
            return False
        try:
            return principal_key(member, config, account) in self._names
        except ValueError:
            return False


def _key(text: str) -> IamName:
    arn = Arn.parse(canonical(text))
    if arn.kind not in ("user", "role"):
        raise ValueError(f"{text!r} is not the ARN of a user or role")
    return IamName(arn.account, f"{arn.kind}/{arn.name}")
