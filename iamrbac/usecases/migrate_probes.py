"""Probes of a migration: real tokens, asked who they are and what they may, before, during and after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from iamrbac.access.world import CLUSTER_ADMIN_POLICY, EVERYTHING, World, policy_name
from iamrbac.mapping.resolve import Mapped, resolve
from iamrbac.migrate import bridge
from iamrbac.migrate.translate import MASTERS
from iamrbac.model.errors import IamrbacError, MigrateError, NotMappedError
from iamrbac.plan.observed import Target
from iamrbac.rbac.objects import User
from iamrbac.usecases.migrate_ports import Probe

AUTHENTICATED = "system:authenticated"
LOOK_SECONDS = 1.0
"""Between two looks of the probes."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom the cluster has to take a probe for."""

    name: str
    """"" where a part of it only the token knows ({{SessionName}} of a role that was assumed for us)."""
    groups: frozenset[str]
    admin: bool
    """May do everything, by a group or a policy."""


def wanted(arn: str, world: World, instance: str) -> Wanted | None:
    """Return whom a cluster takes a caller for, by what it maps; None where it maps nobody of that name."""
    found = resolve(arn, world.entries, world.reading)
    if found is None:
        return None
    groups = frozenset(found.groups) - {bridge.group(instance), MASTERS}
    return Wanted("" if "{{" in found.username else found.username, groups, _admin(found, world, instance))


def _admin(found: Mapped, world: World, instance: str) -> bool:
    by_policy = any(
        one.principal == found.principal and one.scope == "cluster" and policy_name(one.policy) == CLUSTER_ADMIN_POLICY
        for one in world.associations
    )
    by_group = not {MASTERS, bridge.group(instance)}.isdisjoint(found.groups)
    return (found.source == "entry" and by_policy) or by_group


@dataclass(frozen=True, slots=True)
class Watch:
    """The probes of one cluster, each with whom it has been taken for before."""

    target: Target
    instance: str
    probes: tuple[tuple[Probe, Wanted], ...]

    def wrong(self) -> str:
        """Ask every probe once; return what is otherwise than it has to be, "" for nothing. Nothing is raised."""
        faults = (self._fault(probe, right) for probe, right in self.probes)
        return "; ".join(fault for fault in faults if fault)

    def _fault(self, probe: Probe, right: Wanted) -> str:
        try:
            access = probe.open(self.target)
            user = access.whoami()
            powerless = right.admin and not all(access.can(one) for one in EVERYTHING)
        except NotMappedError:
            return f"{probe.name} is taken for nobody"
        except IamrbacError as error:
            return f"{probe.name}: {error.message}"
        groups = _own(user, self.instance)
        if right.name and user.name != right.name:
            return f"{probe.name} is {user.name} and has to be {right.name}"
        if groups != right.groups:
            return f"{probe.name} has the groups {_listed(groups)} and has to have {_listed(right.groups)}"
        return f"{probe.name} may not do everything any more" if powerless else ""

    def until_right(self, timeout: float, monotonic: Callable[[], float], pause: Callable[[float], None]) -> str:
        """Ask until nothing is wrong, `timeout` seconds at most; return what is still wrong."""
        began = monotonic()
        while True:
            wrong = self.wrong()
            if not wrong or monotonic() - began >= timeout:
                return wrong
            pause(LOOK_SECONDS)


def watch(target: Target, world: World, instance: str, probes: Sequence[Probe]) -> Watch:
    """Ask everybody who they are before anything is changed.

    Raises MigrateError where a probe is taken for nobody, or for somebody else than the mappings say.
    """
    found: list[tuple[Probe, Wanted]] = []
    for probe in probes:
        right = wanted(probe.arn(target), world, instance)
        try:
            user = probe.open(target).whoami()
        except NotMappedError as error:
            raise MigrateError(
                f"the probe {probe.name} is taken for nobody already",
                where=target.name,
                hint="probe with a profile that has access to this cluster",
            ) from error
        seen = _own(user, instance)
        if right is None:
            # Whoever made the cluster may be let in by EKS itself, which no map shows.
            right = Wanted(user.name, seen, admin=MASTERS in user.groups)
        elif (right.name and user.name != right.name) or seen != right.groups:
            raise MigrateError(
                f"the probe {probe.name} is {user.name} with the groups {_listed(seen)}, and by entries and aws-auth "
                f"it would be {right.name or 'somebody'} with {_listed(right.groups)}: nothing was changed",
                where=target.name,
                hint="entries take seconds: try again; if it stays, look at the probe with `iamrbac doctor`",
            )
        found.append((probe, right))
    return Watch(target, instance, tuple(found))


def _own(user: User, instance: str) -> frozenset[str]:
    return frozenset(user.groups) - {AUTHENTICATED, MASTERS, bridge.group(instance)}


def _listed(groups: frozenset[str]) -> str:
    return ", ".join(sorted(groups)) or "none"
