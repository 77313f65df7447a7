"""What sets with `via: role` need in IAM: one role for each set and account, and a policy in each of its groups.

A function of the documents alone: whoever is in the groups, and whichever clusters are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from iamrbac.compile import names
from iamrbac.compile.desired import Desired, Key
from iamrbac.compile.sets import AccessSet
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.assumable import MOST_TRUST, AssumableRole, GroupPolicy, group_policy, role_arn, trust_policy
from iamrbac.identity.members import group_key, via
from iamrbac.identity.snapshot import IamName
from iamrbac.identity.suspended import Suspended
from iamrbac.model.arn import partition_of
from iamrbac.model.documents import Cluster, Config, IamGroup
from iamrbac.model.origin import Origin
from iamrbac.model.selection import selects


def set_role(config: Config, one: AccessSet) -> str:
    """Return the name of a set's IAM role."""
    template = config.identity.role_name if config.identity is not None else "{instance}.{team}.{set}"
    return names.role_name(template, config.metadata.name, one.team, one.name)


def roles_on(config: Config, sets: Iterable[AccessSet], cluster: Cluster) -> tuple[str, ...]:
    """Return the ARNs of the roles that groups may assume to get into a cluster, sorted."""
    found: set[str] = set()
    for one in sets:
        if any(selects(line.access.clusters, cluster) for line in one.lines):
            accounts = {key.account for key, _ in role_groups(config, one)}
            name = set_role(config, one)
            found |= {role_arn(partition_of(cluster.region), account, name) for account in accounts}
    return tuple(sorted(found))


def role_groups(config: Config, one: AccessSet) -> Iterator[tuple[IamName, Origin]]:
    """Yield a set's groups with `via: role`; one whose account nobody can tell is left out, compiling says so."""
    for member, origin in one.members:
        if isinstance(member, IamGroup) and via(member, config) == "role":
            try:
                key = group_key(member, config)
            except ValueError:
                continue
            if key is not None:
                yield key, origin


def iam_objects(
    config: Config, sets: Iterable[AccessSet], suspended: Suspended
) -> tuple[tuple[Desired, ...], tuple[Finding, ...]]:
    """Return the roles and group policies of all sets that give access on a cluster which we map, sorted by key.

    A member that cannot be read is no finding here: compiling the clusters says so.
    """
    builder = _Builder(config, suspended)
    for one in sets:
        builder.add(one)
    return tuple(sorted(builder.objects(), key=lambda item: item.key)), tuple(builder.findings)


@dataclass(slots=True)
class _Role:
    one: AccessSet
    partition: str
    origins: set[Origin] = field(default_factory=set)
    groups: dict[str, set[Origin]] = field(default_factory=dict)


class _Builder:
    def __init__(self, config: Config, suspended: Suspended) -> None:
        self._config = config
        self._suspended = suspended
        self._roles: dict[tuple[str, str], _Role] = {}
        self.findings: list[Finding] = []

    def add(self, one: AccessSet) -> None:
        members = [*role_groups(self._config, one)]
        partitions = self._partitions(one) if members else []
        if not partitions:
            return
        if len(partitions) > 1:
            where = members[0][1]
            message = f"the set reaches clusters of {' and '.join(partitions)}, and its role can be in one of them only"
            self._error("ROL006", message, "make a set for each partition", where)
            return
        name = set_role(self._config, one)
        for key, origin in members:
            role = self._roles.setdefault((key.account, name.lower()), _Role(one, partitions[0]))
            if (role.one.team, role.one.name) != (one.team, one.name):
                message = (
                    f"{role.one.team}/{role.one.name} and {one.team}/{one.name} would have one IAM role, {name}: "
                    "each would get both's access"
                )
                self._error("ROL007", message, "write {team} and {set} into identity.roleName", origin)
                continue
            role.origins.add(origin)
            role.groups.setdefault(key.name, set()).add(origin)

    def objects(self) -> Iterator[Desired]:
        instance = self._config.metadata.name
        for (account, _), role in self._roles.items():
            one, name = role.one, set_role(self._config, role.one)
            arn = role_arn(role.partition, account, name)
            tags = names.role_tags(instance, one.team, one.name)
            trust = trust_policy(role.partition, account, self._suspended.users(account))
            self._check_trust(name, trust, min(role.origins))
            yield Desired(
                Key("", "IamRole", "", name, account), AssumableRole(arn, trust), tags, tuple(sorted(role.origins))
            )
            policy = names.group_policy_name(instance, one.team, one.name)
            for group, origins in role.groups.items():
                key = Key("", "IamGroupPolicy", "", f"{group}/{policy}", account)
                yield Desired(key, GroupPolicy(group, policy, group_policy(arn)), tags, tuple(sorted(origins)))

    def _partitions(self, one: AccessSet) -> list[str]:
        mapped = (cluster for cluster in self._config.clusters if cluster.mapping != "external")
        return sorted(
            {
                partition_of(cluster.region)
                for cluster in mapped
                if any(selects(line.access.clusters, cluster) for line in one.lines)
            }
        )

    def _check_trust(self, name: str, trust: str, origin: Origin) -> None:
        if len(trust) > MOST_TRUST:
            message = f"the trust policy of {name} has {len(trust)} characters, and IAM has room for {MOST_TRUST}"
            hint = "take users that are gone from IAM, or out of the groups, off `suspended`"
            self._error("ROL008", message, hint, origin)

    def _error(self, id_: str, message: str, hint: str, origin: Origin) -> None:
        self.findings.append(Finding(id_, Level.ERROR, message, hint, file=origin.file, path=origin.path))
