"""What ought to be the caller's on a cluster, by the access index or by the policies' own names, and what differs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from iamrbac.compile.names import group_name
from iamrbac.diagnosis.differences import Difference, difference
from iamrbac.diagnosis.facts import Held, Named, Place, Says, Taken
from iamrbac.index.index import AccessIndex, IndexSet
from iamrbac.index.mine import mine
from iamrbac.model.arn import Arn, canonical, default_username
from iamrbac.model.documents import Cluster
from iamrbac.rbac.objects import User
from iamrbac.usecases.doctor_place import says_of_index
from iamrbac.usecases.policy_says import PolicySide


@dataclass(frozen=True, slots=True)
class ByRole:
    """A role that may be the caller's to assume, and what that gives."""

    role: str
    group: str
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """What the access index says of the caller on one cluster."""

    username: str
    groups: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()
    by_role: tuple[ByRole, ...] = ()
    says: Says = field(default_factory=Says)

    @property
    def nobody(self) -> bool:
        """Whether the caller is nobody there, and nothing is to be tried."""
        return not self.groups and not self.by_role


@dataclass(frozen=True, slots=True)
class Comparing:
    """What a cluster's answer is compared with."""

    caller: str
    instance: str
    offset: timedelta | None
    policies: PolicySide | None = None
    """None without valid documents."""

    def differs(
        self, cluster: Cluster, account: str, user: User | None, expected: Expected | None
    ) -> Difference | None:
        """Return in what the cluster's answer differs from the index; without one, from whom the policies name."""
        place = Place(Named(cluster.name, cluster.eks, cluster.region, cluster.account), account=account)
        says = self.policies.says(cluster, self.caller, user, None) if self.policies is not None else None
        groups = None
        if expected is not None:
            says, groups = expected.says if says is None else says, frozenset(expected.groups)
            says = replace(says, expected=bool(expected.groups))
        elif says is not None and user is None and says.expected is False:
            groups = frozenset[str]()
        prefix = group_name(self.instance, "", "").removesuffix(":")
        return difference(Taken(self.caller, user, place, says=says), groups, prefix, self.offset)


def expected_on(index: AccessIndex, cluster: str, caller: str, at: datetime) -> Expected | None:
    """Return what an index says of the caller on a cluster; None where it does not have it, or somebody else maps."""
    found = next((one for one in mine(index, caller, at) if one.cluster.name == cluster), None)
    if found is None or found.cluster.external:
        return None
    groups = tuple(sorted(one.group for one in found.direct))
    held = tuple(grant for one in found.direct for grant in _held(one))
    by_role = tuple(ByRole(role, one.group, _held(one)) for role, one in found.by_role)
    return Expected(_username(caller), groups, held, by_role, says_of_index(found))


def _held(one: IndexSet) -> tuple[Held, ...]:
    return tuple(Held(grant.role, grant.namespace, grant.because) for grant in one.grants)


def _username(caller: str) -> str:
    """Return the username that EKS gives where none is asked for, which iamrbac never does."""
    try:
        session = Arn.parse(caller).session
        return default_username(canonical(caller)).replace("{{SessionName}}", session.replace("@", "-"))
    except ValueError:
        return caller
