"""Which IAM group a set of principals is, if any: the same users, no more and no fewer."""

from __future__ import annotations

from iamrbac.identity.snapshot import Identities
from iamrbac.importing.names import MOST_TEAM, label
from iamrbac.model.arn import Arn
from iamrbac.model.documents import Config, IamGroup

NEAR = 0.6
"""Part of all, of whom both have: from here on a group is worth a note."""


class Groups:
    """Finds groups; `notes` says which are near, and with whom they differ."""

    def __init__(self, config: Config, identities: Identities) -> None:
        self._say_via = config.identity is None or config.identity.groups != "users"
        people = config.people
        self._found = {
            name.name: frozenset(users)
            for name, users in sorted(identities.groups.items())
            if name.account == people and isinstance(users, tuple) and users
        }
        self.notes: list[str] = []

    def whole(self, members: tuple[str, ...], group: str, shown: str) -> tuple[IamGroup, ...]:
        """Return the IAM group that these principals are, () for none.

        One person alone is a group only where the Kubernetes `group` has the group's name: else it is a coincidence.
        """
        users = frozenset(members)
        same = [name for name, found in self._found.items() if found == users]
        named = [name for name in same if label(name, MOST_TEAM) == label(group, MOST_TEAM)]
        chosen = (named or (same if len(users) > 1 else []))[:1]
        if chosen:
            if len(same) > 1:
                others = ", ".join(name for name in same if name != chosen[0])
                self.notes.append(f"{shown} is the IAM group {chosen[0]}, and {others} has the same users")
            name = chosen[0]
            return (IamGroup(iam_group=name, via="users") if self._say_via else IamGroup(iam_group=name),)
        self._near(users, shown)
        return ()

    def _near(self, users: frozenset[str], shown: str) -> None:
        for name, found in self._found.items():
            both = len(users & found)
            if len(users) > 1 and found != users and both >= NEAR * len(users | found):
                more, fewer = _names(found - users), _names(users - found)
                parts = [f"has {more} too" if more else "", f"lacks {fewer}" if fewer else ""]
                told = " and ".join(part for part in parts if part)
                self.notes.append(f"{shown} is nearly the IAM group {name}, which {told}: members are named one by one")


def _names(arns: frozenset[str]) -> str:
    return ", ".join(sorted(Arn.parse(one).name for one in arns))
