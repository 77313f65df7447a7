"""Edges in memory, for use cases: an AWS and clusters that remember, count and can fail at any write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from iamrbac.compile.desired import Desired, Key
from iamrbac.gitops.deliverer import Asked
from iamrbac.identity.assumable import GroupPolicy
from iamrbac.identity.assume import IamUserRights
from iamrbac.identity.snapshot import Ambiguous, IamName, Identities, Missing, Unreadable, Wanted, Way
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import AwsError, ConflictError, ExistsError, IamrbacError, KubeError, NoNamespaceError
from iamrbac.plan.accounts import AccountState
from iamrbac.plan.drift import FieldManager
from iamrbac.plan.observed import AuthenticationMode, AwsAuth, Meta, Observed, Target
from iamrbac.rbac.objects import Binding, Role
from iamrbac.usecases.home import ConfigMap, Notice
from iamrbac.usecases.lease import Lease
from iamrbac.usecases.ports import Caller

ACCOUNT = "111122223333"
PAT = f"arn:aws:iam::{ACCOUNT}:user/pat"


class Killed(BaseException):
    """The process died: nobody may catch this."""


@dataclass
class Faults:
    """Counts writes, and fails or dies at the chosen ones."""

    writes: int = 0
    fail: Callable[[int, str], IamrbacError | Killed | None] = lambda _number, _what: None
    log: list[str] = field(default_factory=list)

    def write(self, what: str) -> None:
        """Count a write that is about to happen; raise what the test wants."""
        self.writes += 1
        error = self.fail(self.writes, what)
        if error is not None:
            raise error
        self.log.append(what)


class FakeKube:
    """One cluster's API."""

    def __init__(self, faults: Faults, namespaces: frozenset[str], aws_auth: AwsAuth | None = None) -> None:
        self.faults = faults
        self.namespaces = namespaces
        self.objects: dict[Key, Observed] = {}
        self.map = aws_auth
        self.version = 100
        self.unreadable: KubeError | None = None
        self.written_by: dict[Key, tuple[FieldManager, ...]] = {}
        self.custom_objects: dict[str, Mapping[str, Any]] = {}
        self.leases: dict[tuple[str, str], Lease] = {}
        self.lease_fault: Callable[[str], KubeError | None] = lambda _doing: None
        """Asked before each read and write of a lease."""
        self.notices: list[Notice] = []
        self.home_maps: dict[tuple[str, str], ConfigMap] = {}
        self.map_fault: Callable[[str], KubeError | None] = lambda _doing: None
        """Asked before each read and write of a ConfigMap of the home namespace: list, get, create, update, delete."""

    def state(self) -> tuple[frozenset[str], tuple[Observed, ...], AwsAuth | None]:
        if self.unreadable is not None:
            raise self.unreadable
        return self.namespaces, tuple(self.objects.values()), self.map

    def managers(self, key: Key) -> tuple[FieldManager, ...]:
        return self.written_by.get(key, ())

    def custom(self, asked: Asked) -> Mapping[str, Any]:
        if asked.name not in self.custom_objects:
            raise KubeError(f"cannot get {asked.name}: not found (404)")
        return self.custom_objects[asked.name]

    def lease(self, namespace: str, name: str) -> Lease | None:
        self._lease_fault("get")
        return self.leases.get((namespace, name))

    def write_lease(self, namespace: str, name: str, wanted: Lease) -> Lease:
        self._lease_fault("update" if wanted.version else "create")
        if namespace not in self.namespaces:
            raise NoNamespaceError(f"namespace {namespace} is not there")
        current = self.leases.get((namespace, name))
        if current is not None and not wanted.version:
            raise ExistsError("already there", where=name)
        if wanted.version != (current.version if current is not None else ""):
            raise ConflictError("stale", where=name)
        self.version += 1
        self.leases[namespace, name] = replace(wanted, version=str(self.version))
        return self.leases[namespace, name]

    def configmaps(self, namespace: str, labels: Mapping[str, str]) -> tuple[ConfigMap, ...]:
        self._map_fault("list")
        there = (one for (place, _), one in sorted(self.home_maps.items()) if place == namespace)
        return tuple(one for one in there if labels.items() <= one.labels.items())

    def configmap(self, namespace: str, name: str) -> ConfigMap | None:
        self._map_fault("get")
        return self.home_maps.get((namespace, name))

    def write_configmap(self, namespace: str, wanted: ConfigMap) -> ConfigMap:
        self._map_fault("update" if wanted.version else "create")
        if namespace not in self.namespaces:
            raise NoNamespaceError(f"namespace {namespace} is not there")
        current = self.home_maps.get((namespace, wanted.name))
        if current is not None and not wanted.version:
            raise ExistsError("already there", where=wanted.name)
        if wanted.version != (current.version if current is not None else ""):
            raise ConflictError("stale", where=wanted.name)
        self.version += 1
        self.home_maps[namespace, wanted.name] = replace(wanted, version=str(self.version))
        return self.home_maps[namespace, wanted.name]

    def delete_configmap(self, namespace: str, name: str) -> None:
        self._map_fault("delete")
        self.home_maps.pop((namespace, name), None)

    def notify(self, namespace: str, notice: Notice) -> None:
        self._map_fault("create event")
        self.notices.append(notice)

    def _map_fault(self, doing: str) -> None:
        fault = self.map_fault(doing)
        if fault is not None:
            raise fault

    def _lease_fault(self, doing: str) -> None:
        fault = self.lease_fault(doing)
        if fault is not None:
            raise fault

    def create(self, desired: Desired) -> None:
        self.faults.write(f"create {desired.key.kind} {desired.key.namespace}/{desired.key.name}")
        if desired.key.kind == "Namespace":
            self.namespaces |= {desired.key.name}
            return
        if desired.key in self.objects:
            raise ExistsError("already there", where=desired.key.name)
        if isinstance(desired.spec, Binding) and desired.spec.role_ref.kind == "Role":
            role = Key(desired.key.cluster, "Role", desired.key.namespace, desired.spec.role_ref.name)
            if role not in self.objects:
                raise KubeError("a binding to a role that is not there", where=desired.key.name)
        self._put(desired)

    def update(self, observed: Observed, desired: Desired) -> None:
        self.faults.write(f"update {desired.key.kind} {desired.key.namespace}/{desired.key.name}")
        if self.objects[desired.key].meta.version != observed.meta.version:
            raise ConflictError("stale", where=desired.key.name)
        self._put(desired)

    def delete(self, observed: Observed) -> None:
        self.faults.write(f"delete {observed.key.kind} {observed.key.namespace}/{observed.key.name}")
        if isinstance(observed.spec, Role):
            bound = [one for one in self.objects.values() if isinstance(one.spec, Binding)]
            here = [one for one in bound if one.key.namespace == observed.key.namespace]
            if any(one.spec.role_ref.name == observed.key.name for one in here if isinstance(one.spec, Binding)):
                raise KubeError("a role that a binding still names", where=observed.key.name)
        self.objects.pop(observed.key, None)

    def aws_auth(self) -> AwsAuth | None:
        return self.map

    def write_aws_auth(self, before: AwsAuth, data: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        self.faults.write("write aws-auth")
        if self.map is None or before.version != self.map.version:
            raise ConflictError("stale", where="aws-auth")
        self.version += 1
        self.map = AwsAuth(dict(data), dict(annotations), str(self.version))

    def _put(self, desired: Desired) -> None:
        self.version += 1
        meta = Meta(labels=dict(desired.labels), version=str(self.version))
        self.objects[desired.key] = Observed(desired.key, desired.spec, meta)


class FakeAws:
    """EKS and STS for some clusters."""

    def __init__(self, faults: Faults, modes: Mapping[str, AuthenticationMode]) -> None:
        self.faults = faults
        self.modes = dict(modes)
        self.entries: dict[str, dict[Key, Observed]] = {name: {} for name in modes}

    def caller(self) -> Caller:
        return Caller(ACCOUNT, PAT, "AIDAPAT")

    def target(self, cluster: Cluster) -> Target:
        if cluster.name not in self.modes:
            raise AwsError("no such cluster", where=cluster.name, hint="look at eksName")
        arn = f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/{cluster.eks}"
        return Target(cluster.name, cluster.eks, arn, "eu-west-1", "https://x", "PEM", self.modes[cluster.name])

    def mappings(self, target: Target) -> tuple[Observed, ...]:
        return tuple(self.entries[target.name].values())

    def create(self, target: Target, desired: Desired) -> None:
        self.faults.write(f"create {desired.key.kind} {desired.key.name}")
        there = self.entries[target.name]
        if desired.key in there and desired.key.kind == "AccessEntry":
            raise ExistsError("already there", where=desired.key.name)
        there[desired.key] = Observed(desired.key, desired.spec, Meta(labels=dict(desired.labels)))

    def update(self, target: Target, observed: Observed, desired: Desired) -> None:
        self.faults.write(f"update {desired.key.kind} {desired.key.name}")
        there = self.entries[target.name]
        labels = dict(there[desired.key].meta.labels) | dict(desired.labels)
        there[desired.key] = replace(there[desired.key], spec=desired.spec, meta=Meta(labels=labels))

    def delete(self, target: Target, observed: Observed) -> None:
        self.faults.write(f"delete {observed.key.kind} {observed.key.name}")
        there = self.entries[target.name]
        there.pop(observed.key, None)
        if isinstance(observed.spec, AccessEntry):
            for key, one in list(there.items()):
                if isinstance(one.spec, PolicyAssociation) and one.spec.principal == observed.spec.principal:
                    del there[key]


class FakePeople:
    """IAM."""

    def __init__(self, groups: Mapping[str, tuple[str, ...] | Unreadable]) -> None:
        self.groups = dict(groups)
        self.principals: dict[str, str | Missing | Ambiguous | Unreadable] = {}
        """By `user/NAME` and so on; whoever is not in it has no path."""
        self.created: dict[str, datetime] = {}
        self.asked = 0
        self.there: dict[str, frozenset[str] | Unreadable] = {}
        """`user` or `role` → the names of all of them; nothing is said of others."""
        self.listed: list[frozenset[IamName]] = []

    def identities(self, wanted: Wanted) -> Identities:
        self.asked += 1
        groups: dict[IamName, tuple[str, ...] | Missing | Unreadable] = {}
        for name in wanted.groups:
            groups[name] = self.groups.get(name.name, Missing())
        principals: dict[IamName, str | Missing | Ambiguous | Unreadable] = {
            name: self.principals.get(name.name, f"arn:aws:iam::{name.account}:{name.name}")
            for name in wanted.principals
        }
        return Identities(groups, principals, self.created)

    def existing(
        self, kinds: Collection[IamName], _ways: Mapping[str, Way], /
    ) -> Mapping[IamName, frozenset[str] | Unreadable]:
        self.listed.append(frozenset(kinds))
        return {kind: self.there[kind.name] for kind in kinds if kind.name in self.there}


class FakeIam:
    """IAM's roles below our path, and the groups' policies."""

    def __init__(
        self, faults: Faults, members: Mapping[str, tuple[str, ...] | Unreadable] = MappingProxyType({})
    ) -> None:
        self.faults = faults
        self.there: dict[Key, Observed] = {}
        self.members = members
        self.users: tuple[IamUserRights, ...] | Unreadable = ()
        self.unreadable: AwsError | None = None
        self.asked = 0

    def account(
        self,
        account: str,
        instance: str,
        roles: Collection[str],
        groups: Collection[str],
        *,
        known: Collection[str],
        way: Way | None = None,
    ) -> AccountState:
        self.asked += 1
        if self.unreadable is not None:
            raise self.unreadable
        here = [one for one in self.there.values() if one.key.account == account]
        found = tuple(one for one in here if one.key.kind == "IamRole")
        if not found and not roles:
            return AccountState(account)
        policies = tuple(one for one in here if one.key.kind == "IamGroupPolicy")
        named = {one.spec.group for one in policies if isinstance(one.spec, GroupPolicy)} | set(groups)
        members = {group: self.members.get(group, ()) for group in named - set(known)}
        return AccountState(account, found, policies, members, self.users)

    def create(self, desired: Desired) -> None:
        self.faults.write(f"create {desired.key.kind} {desired.key.name}")
        if desired.key in self.there:
            raise ExistsError("already there", where=desired.key.name)
        self._put(desired)

    def update(self, observed: Observed, desired: Desired) -> None:
        self.faults.write(f"update {desired.key.kind} {desired.key.name}")
        if self.there.get(desired.key) != observed:
            raise ConflictError("changed", where=desired.key.name)
        self._put(desired)

    def delete(self, observed: Observed) -> None:
        self.faults.write(f"delete {observed.key.kind} {observed.key.name}")
        self.there.pop(observed.key, None)

    def _put(self, desired: Desired) -> None:
        meta = Meta(labels=dict(desired.labels)) if desired.key.kind == "IamRole" else Meta()
        self.there[desired.key] = Observed(desired.key, desired.spec, meta)


class Silent:
    """Progress that nobody reads."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def step(self, text: str) -> None:
        """Say nothing."""
