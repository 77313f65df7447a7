"""Lines of access and people become policies: a team for each Kubernetes group, and one for what people have alone.

A Kubernetes group of the mapping becomes a team of its name, with one set: whoever carries it. Where it has other
people on other clusters, each such group of people is a set. What bindings give a user by name, and EKS access
policies, which are an entry's own, is in the team `people`: whoever has exactly the same on a cluster is one set.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from iamrbac.compile.check.owners import Owners
from iamrbac.identity.permission_sets import KEY, set_of
from iamrbac.identity.snapshot import IamName, Identities
from iamrbac.importing.groups import Groups
from iamrbac.importing.names import MOST_TEAM, free, label, policy_label
from iamrbac.importing.proposal import Line, RoleSaid, Unsaid
from iamrbac.model.arn import Arn
from iamrbac.model.base import API_VERSION
from iamrbac.model.documents import (
    Access,
    AccessPolicy,
    Cluster,
    ClusterRoleRef,
    Config,
    EksAccessPolicy,
    IamRole,
    IamUser,
    Member,
    Metadata,
    PermissionSet,
    PolicySpec,
)
from iamrbac.model.selection import consents, is_pattern

PEOPLE = "people"
"""The team of what people have by themselves."""
MEMBERS = "members"
"""The set of a Kubernetes group's team."""


@dataclass(slots=True)
class _Set:
    wanted: str
    members: tuple[str, ...]
    group: str
    lines: set[Line] = field(default_factory=set)


class Teams:
    """Makes policies. Where a namespace has an owner who does not accept a team, its lines are in the owner's team."""

    def __init__(
        self, config: Config, clusters: Sequence[Cluster], identities: Identities, taken: Collection[str]
    ) -> None:
        self._config = config
        self._accounts = {cluster.account for cluster in clusters}
        self._identities = identities
        self._owners = Owners(config.namespaces, config.home.namespace)
        self._groups = Groups(config, identities)
        self._there = frozenset(taken)
        self._names: dict[str, str] = {}
        self._drafts: dict[str, dict[tuple[str, tuple[str, ...]], _Set]] = defaultdict(dict)
        self.unsaid: list[Unsaid] = []

    def group(self, group: str, carried: Mapping[str, Collection[str]], lines: Iterable[Line]) -> None:
        """Take a Kubernetes group; `carried` is cluster → the ARNs of whoever carries it there."""
        for line in sorted(lines):
            members = tuple(sorted(carried.get(line.cluster, ())))
            if members:
                self._add(group, label(group, MOST_TEAM), members, line)

    def people(self, personal: Mapping[str, Collection[Line]]) -> None:
        """Take what people have by themselves; `personal` is ARN → lines."""
        alike: dict[frozenset[Line], list[str]] = defaultdict(list)
        for arn, lines in sorted(personal.items()):
            for cluster in {line.cluster for line in lines}:
                alike[frozenset(line for line in lines if line.cluster == cluster)].append(arn)
        together: dict[tuple[str, ...], set[Line]] = defaultdict(set)
        for some, arns in alike.items():
            together[tuple(arns)] |= some
        for members, found in sorted(together.items()):
            wanted = Arn.parse(members[0]).name if len(members) == 1 else _called(min(found))
            for line in sorted(found):
                self._add("", label(wanted, MOST_TEAM), members, line)

    def made(self) -> tuple[tuple[AccessPolicy, ...], tuple[str, ...]]:
        """Return the policies by team, and what a person may want to look at."""
        policies = tuple(self._policy(team, tuple(sets.values())) for team, sets in sorted(self._drafts.items()))
        return policies, tuple(self._groups.notes)

    def _add(self, group: str, wanted: str, members: tuple[str, ...], line: Line) -> None:
        team = self._team(group, line)
        if team is not None:
            drafts = self._drafts[team]
            # What a person has alone is told apart by name too: two sets of the same people may be two things.
            drafts.setdefault((group or wanted, members), _Set(wanted, members, group)).lines.add(line)

    def _team(self, group: str, line: Line) -> str | None:
        """Return the team of a line, the owner's where nobody else may grant; None where nobody of ours may."""
        own = self._own(group)
        refusing = self._refusing(line.place, own)
        if refusing is None:
            return own
        if refusing not in self._there and self._refusing(line.place, refusing) is None:
            self._names.setdefault(f"team {refusing}", refusing)
            return refusing
        what = f"{line.role.kind} {line.role.name} in {line.place} for {f'group {group}' if group else 'a person'}"
        why = f"{refusing} owns the namespace: it has a policy already, write it there, or let it accept {own}"
        self.unsaid.append(Unsaid(line.cluster, what, why))
        return None

    def _own(self, group: str) -> str:
        key = f"group {group}" if group else PEOPLE
        if key not in self._names:
            owners = {one.owner for one in self._config.namespaces}
            taken = {*self._there, *self._names.values(), *owners}
            self._names[key] = free(label(group or PEOPLE, MOST_TEAM), taken, MOST_TEAM)
        return self._names[key]

    def _refusing(self, place: str, team: str) -> str | None:
        """Return the owner who does not let a team grant in a place."""
        if is_pattern(place):
            return next((rule.owner for rule, _ in self._owners.of_pattern(place, team)), None)
        rule = self._owners.of_name(place) if place else None
        return None if consents(rule, team) or rule is None else rule.owner

    def _policy(self, team: str, drafts: Sequence[_Set]) -> AccessPolicy:
        groups = {one.group for one in drafts}
        sets: dict[str, _Set] = {}
        for one in drafts:
            wanted = (
                MEMBERS
                if groups == {one.group} and one.group and team == self._names.get(f"group {one.group}")
                else one.wanted
            )
            if sum(other.wanted == one.wanted for other in drafts) > 1:
                wanted = label(f"{wanted}-{min(one.lines).cluster}", MOST_TEAM)
            sets[free(wanted, sets, MOST_TEAM)] = one
        members: dict[str, tuple[Member, ...]] = {
            name: self._groups.whole(one.members, one.group, f"{team}/{name}") or tuple(map(self._member, one.members))
            for name, one in sets.items()
        }
        access = tuple(line for name, one in sets.items() for line in _access(name if len(sets) > 1 else None, one))
        return AccessPolicy(
            api_version=API_VERSION,
            kind="AccessPolicy",
            metadata=Metadata(name=team),
            spec=PolicySpec(members=members, access=access),
        )

    def _member(self, text: str) -> Member:
        """Return a principal as short as it can be said: by name where the account goes without saying."""
        arn = Arn.parse(text)
        path = arn.path.removeprefix("/")
        known = self._identities.principals.get(IamName(arn.account, f"{arn.kind}/{arn.name}")) == text
        if arn.kind == "user":
            here = self._config.people == arn.account and (known or bool(path))
            return IamUser(iam_user=f"{path}{arn.name}" if here else text)
        permission_set = set_of(arn.name)
        here = self._accounts == {arn.account}
        if permission_set is not None:
            if self._identities.principals.get(IamName(arn.account, KEY + permission_set)) == text:
                return (
                    PermissionSet(permission_set=permission_set)
                    if here
                    else PermissionSet(permission_set=permission_set, account=arn.account)
                )
            return IamRole(iam_role=text)
        return IamRole(iam_role=f"{path}{arn.name}" if here and (known or path) else text)


def _access(to: str | None, one: _Set) -> Iterator[Access]:
    """Yield a set's lines: places of one role together, then clusters where it is the same."""
    places: dict[tuple[RoleSaid, str], set[str]] = defaultdict(set)
    for line in one.lines:
        places[line.role, line.cluster].add(line.place)
    clusters: dict[tuple[RoleSaid, tuple[str, ...]], list[str]] = defaultdict(list)
    for (role, cluster), found in places.items():
        whole, named = "" in found, tuple(sorted(found - {""}))
        if whole:
            clusters[role, ()].append(cluster)
        # Beside the whole cluster a namespace gives nothing more, and is another object all the same.
        elif named:
            clusters[role, named].append(cluster)
    for (role, named), some in sorted(clusters.items()):
        reach: dict[str, object] = {"namespaces": named} if named else {"scope": "cluster"}
        only: dict[str, object] = {"to": (to,)} if to is not None else {}
        yield Access.model_validate({**only, "clusters": tuple(sorted(some)), **reach, "role": _choice(role)})


def _choice(role: RoleSaid) -> str | ClusterRoleRef | EksAccessPolicy:
    if role.kind == "clusterRole":
        return ClusterRoleRef(cluster_role=role.name)
    if role.kind == "eksAccessPolicy":
        return EksAccessPolicy(eks_access_policy=role.name)
    return role.name


def _called(line: Line) -> str:
    """Return a name for several people by what they have: view-payments."""
    role = policy_label(line.role.name) if line.role.kind == "eksAccessPolicy" else line.role.name
    if line.role.name == "system:basic-user":
        return "login"
    return label(f"{role}-{line.place.strip('*-')}" if line.place.strip("*-") else role, MOST_TEAM)
