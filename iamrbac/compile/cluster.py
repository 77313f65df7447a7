"""One cluster's part of compile: sets and lines become roles, bindings, namespaces and principals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from iamrbac.compile import names
from iamrbac.compile.check.owners import Owners
from iamrbac.compile.desired import (
    ClusterDesired,
    ClusterFacts,
    Desired,
    Key,
    Kind,
    Namespace,
    PolicyGrant,
    Principals,
    RoleFault,
    Spec,
)
from iamrbac.compile.people import People
from iamrbac.compile.places import PlaceFinder, Places
from iamrbac.compile.principals import Policies, check_limits, mapping_objects
from iamrbac.compile.report import Report
from iamrbac.compile.roles import NOT_IN_A_NAMESPACE, BoundRole, RoleBook
from iamrbac.compile.sets import AccessSet, Line
from iamrbac.model.documents import Cluster, Config, EksAccessPolicy
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import NO_LABELS, Binding, Subject


class ClusterCompiler:
    """Compiles one cluster; used once."""

    def __init__(
        self,
        cluster: Cluster,
        facts: ClusterFacts,
        config: Config,
        config_origin: Origin,
        book: RoleBook,
        people: People,
        owners: Owners,
    ) -> None:
        self._cluster = cluster
        self._facts = facts
        self._config = config
        self._origin = config_origin
        self._book = book
        self._people = people
        self.report = Report(cluster.name)
        self._places = PlaceFinder(cluster, facts, config.home.namespace, owners, self.report)
        self._labels = tuple(sorted(cluster.labels.items()))
        # Keyed by kind, namespace and name: the cluster is the same in all.
        self._objects: dict[tuple[Kind, str, str], tuple[Spec, Mapping[str, str], list[Origin]]] = {}
        self._roles: dict[str, str] = {}

    def compile(self, granted: Iterable[tuple[AccessSet, Sequence[Line]]]) -> ClusterDesired:
        """Return the cluster's objects; worth nothing when `report` has an error."""
        principals: list[Principals] = []
        for one, lines in granted:
            policies = Policies()
            gives = [self._line(one, line, policies) for line in lines]
            if any(gives):
                principals.append(self._principals(one, policies))
                if self._facts.form in ("access-entries", "aws-auth"):
                    self._people.join(one, policies, self._cluster, self._facts.partition, self.report)
        carried = self._people.of(self._cluster.name)
        check_limits(self.report, self._facts.form, carried, self._origin)
        objects = self._built()
        if not self.report.failed:
            objects += mapping_objects(
                self._cluster.name, self._facts.form, self._config.metadata.name, self._facts.partition, carried
            )
        objects.sort(key=lambda item: (item.key.kind, item.key.namespace, item.key.name))
        roles = dict(sorted(self._roles.items()))
        return ClusterDesired(self._cluster.name, tuple(objects), tuple(principals), roles)

    def _line(self, one: AccessSet, line: Line, policies: Policies) -> bool:
        """Compile one line for one set; say whether it gives anything here."""
        places = self._places.places(line, one.team)
        choice = line.access.role
        if isinstance(choice, EksAccessPolicy):
            return self._access_policy(choice.eks_access_policy, line, places, policies)
        role = self._book.bound(choice, one, self._cluster.name, self._labels)
        if isinstance(role, RoleFault):
            self._fault(role, line)
            return False
        if places and places[0] is not None and any(rule.non_resource_urls for rule in role.rules):
            self._fault(NOT_IN_A_NAMESPACE, line)
            return False
        for namespace in places:
            self._bind(role, one, namespace, line.origin)
        return bool(places)

    def _bind(self, role: BoundRole, one: AccessSet, namespace: str | None, origin: Origin) -> None:
        kind: Kind = "ClusterRoleBinding" if namespace is None else "RoleBinding"
        place = namespace or ""
        bound = self._objects.get((kind, place, role.name))
        own = role.role(namespace)
        if bound is not None:
            bound[2].append(origin)
            if own is not None:
                self._objects[own.kind, place, role.name][2].append(origin)
            return
        self._roles[role.name] = role.shown
        binding = Binding(
            "ClusterRoleBinding" if namespace is None else "RoleBinding",
            namespace,
            role.name,
            role.ref(namespace),
            (Subject("Group", one.group),),
            role.labels,
        )
        self._objects[kind, place, role.name] = (binding, role.labels, [origin])
        if own is not None:
            self._objects[own.kind, place, role.name] = (own, role.labels, [origin])

    def _access_policy(self, policy: str, line: Line, places: Places, policies: Policies) -> bool:
        form = self._facts.form
        mapping = self._cluster.mapping if form == "neutral" or self._cluster.mapping == "external" else form
        if mapping in ("aws-auth", "external"):
            self.report.error(
                "MAP105",
                f"eksAccessPolicy {policy} needs access entries, and this cluster's mapping is {mapping}",
                "use a role template or {clusterRole: …} here, or mapping: access-entries",
                line.part("role"),
            )
            return False
        if places:
            reach = None if places[0] is None else frozenset(cast(tuple[str, ...], places))
            policies.add(policy, reach, {line.origin})
        return bool(places)

    def _fault(self, fault: RoleFault, line: Line) -> None:
        self.report.error(fault.id, fault.message, fault.hint, line.part("role"))

    def _principals(self, one: AccessSet, policies: Policies) -> Principals:
        return Principals(
            one.group,
            self._people.declared(one, self._cluster.account),
            tuple(
                PolicyGrant(
                    policy,
                    None if reach is None else tuple(sorted(reach)),
                    tuple(sorted(policies.origins[policy])),
                )
                for policy, reach in sorted(policies.reach.items(), key=lambda item: item[0])
            ),
        )

    def _built(self) -> list[Desired]:
        cluster = self._cluster.name
        built = [
            Desired(Key(cluster, kind, namespace, name), spec, labels, _sorted(origins))
            for (kind, namespace, name), (spec, labels, origins) in self._objects.items()
        ]
        marks = names.namespace_labels(self._config.metadata.name)
        for name, lines in self._places.made.items():
            origins = _sorted([line.origin for line in lines])
            built.append(Desired(Key(cluster, "Namespace", "", name), Namespace(name), marks or NO_LABELS, origins))
        return built


def _sorted(origins: list[Origin]) -> tuple[Origin, ...]:
    return tuple(origins) if len(origins) == 1 else tuple(sorted(set(origins)))
