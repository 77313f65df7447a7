"""Which grants the tests speak of: a line of access for one set is tested when some `can` holds by it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from iamrbac.access.expected.keep import Keeper
from iamrbac.access.judge import Judge
from iamrbac.access.world import shown_role
from iamrbac.compile.sets import AccessSet
from iamrbac.model.config import Cluster
from iamrbac.model.documents import EksAccessPolicy
from iamrbac.model.origin import Origin
from iamrbac.model.selection import selects


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A line of access that gives a set something on a cluster that was asked."""

    origin: Origin
    team: str
    set_name: str
    role: str
    """As the policy calls it."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many grants there are, and which no test speaks of."""

    total: int
    untested: tuple[Grant, ...]

    @property
    def tested(self) -> int:
        """How many are tested."""
        return self.total - len(self.untested)

    @property
    def percent(self) -> int:
        """The same in percent, rounded down: 100 means every one."""
        return 100 if self.total == 0 else self.tested * 100 // self.total


def coverage(
    keeper: Keeper, judges: Mapping[str, Judge], sets: Collection[AccessSet], clusters: Collection[Cluster]
) -> Coverage:
    """Return what is tested on the clusters that were asked, after the keeper has judged all promises."""
    there: set[Grant] = set()
    tested: set[Grant] = set()
    by_group = {one.group: one for one in sets}
    for cluster, judge in judges.items():
        for binding in judge.world.rbac.bindings:
            grants = [
                Grant(
                    origin, by_group[subject.name].team, by_group[subject.name].name, shown_role(judge.world, binding)
                )
                for subject in binding.subjects
                for origin in judge.origins(binding)
                if subject.name in by_group
            ]
            there.update(grants)
            if (cluster, (binding.kind, binding.namespace, binding.name)) in keeper.bindings:
                tested.update(grants)
    for one in sets:
        for line in one.lines:
            role = line.access.role
            if not isinstance(role, EksAccessPolicy):
                continue
            here = [found.name for found in clusters if selects(line.access.clusters, found)]
            if here:
                grant = Grant(line.origin, one.team, one.name, f"eksAccessPolicy {role.eks_access_policy}")
                there.add(grant)
                if any((name, one.group, role.eks_access_policy) in keeper.policies for name in here):
                    tested.add(grant)
    return Coverage(len(there), tuple(sorted(there - tested)))
