"""Edges that end: what takes too long is given up, and whoever was told to end, or was overtaken, writes no more.

A read that hangs is left behind in its thread and its answer is not used. A write is never left behind: it has bounds
of its own (the transport's), and before each it is asked whether it may begin. What an apply says of itself (locks,
backups, records, events) is not held up, so that it can end in order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from iamrbac.compile.desired import Desired, Key
from iamrbac.gitops.deliverer import Asked
from iamrbac.identity.snapshot import IamName, Identities, Unreadable, Wanted, Way
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import EndedError, OvertimeError
from iamrbac.plan.accounts import AccountState
from iamrbac.plan.drift import FieldManager
from iamrbac.plan.observed import AwsAuth, Observed, Target
from iamrbac.usecases.home import ConfigMap, Notice
from iamrbac.usecases.lease import Lease
from iamrbac.usecases.ports import Aws, Caller, Edges, Iam, Kube, People

T = TypeVar("T")
_LOOK: Final = 0.1
"""Seconds between two looks at whether to go on; an answer is taken at once."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Until when, and whether at all, there is to be work."""

    until: float
    """By the monotonic clock."""
    limit: str
    """How long that is, for messages (`5m`)."""
    monotonic: Callable[[], float]
    ended: Callable[[], str]
    """Returns why nothing more is to be done; "" while there is work."""

    def check(self, where: str) -> None:
        """Raise EndedError or OvertimeError where nothing more may begin."""
        why = self.ended()
        if why:
            raise EndedError(why, where=where, hint="the next round, or whoever leads, goes on from what is there")
        if self.monotonic() >= self.until:
            raise self._overtime(where)

    def read(self, where: str, work: Callable[[], T]) -> T:
        """Do what only reads; raise EndedError or OvertimeError when it is not done in time."""
        self.check(where)
        done = threading.Event()
        found: list[T] = []
        broken: list[BaseException] = []

        def run() -> None:
            try:
                found.append(work())
            except BaseException as error:  # noqa: BLE001  it is raised where it was asked for
                broken.append(error)
            finally:
                done.set()

        threading.Thread(target=run, name=f"reading {where}", daemon=True).start()
        while not done.wait(_LOOK):
            self.check(where)
        if broken:
            raise broken[0]
        return found[0]

    def pause(self, where: str, sleep: Callable[[float], bool], seconds: float) -> None:
        """Wait, by a `sleep` that returns True when it is to end. Raises as `check` does."""
        sleep(max(0.0, min(seconds, self.until - self.monotonic())))
        self.check(where)

    def _overtime(self, where: str) -> OvertimeError:
        return OvertimeError(
            f"it was not done within {self.limit}, and is left as it is",
            where=where,
            hint="look at its API and the network; --cluster-timeout gives it more time",
        )


def bounded(edges: Edges, bounds: Bounds) -> Edges:
    """Return the same edges within bounds."""
    return replace(
        edges,
        people=_People(edges.people, bounds),
        aws=_Aws(edges.aws, bounds),
        kube=lambda target: _Kube(edges.kube(target), target.name, bounds),
        iam=_Iam(edges.iam, bounds),
    )


@dataclass(frozen=True, slots=True)
class _People:
    people: People
    bounds: Bounds

    def identities(self, wanted: Wanted) -> Identities:
        return self.bounds.read("IAM", lambda: self.people.identities(wanted))

    def existing(
        self, kinds: Collection[IamName], ways: Mapping[str, Way], /
    ) -> Mapping[IamName, frozenset[str] | Unreadable]:
        return self.bounds.read("IAM", lambda: self.people.existing(kinds, ways))


@dataclass(frozen=True, slots=True)
class _Aws:
    aws: Aws
    bounds: Bounds

    def caller(self) -> Caller:
        return self.bounds.read("AWS", self.aws.caller)

    def target(self, cluster: Cluster) -> Target:
        return self.bounds.read(cluster.name, lambda: self.aws.target(cluster))

    def mappings(self, target: Target) -> tuple[Observed, ...]:
        return self.bounds.read(target.name, lambda: self.aws.mappings(target))

    def create(self, target: Target, desired: Desired) -> None:
        self.bounds.check(target.name)
        self.aws.create(target, desired)

    def update(self, target: Target, observed: Observed, desired: Desired) -> None:
        self.bounds.check(target.name)
        self.aws.update(target, observed, desired)

    def delete(self, target: Target, observed: Observed) -> None:
        self.bounds.check(target.name)
        self.aws.delete(target, observed)


@dataclass(frozen=True, slots=True)
class _Iam:
    iam: Iam
    bounds: Bounds

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
        return self.bounds.read(
            f"account {account}", lambda: self.iam.account(account, instance, roles, groups, known=known, way=way)
        )

    def create(self, desired: Desired) -> None:
        self.bounds.check(desired.key.account)
        self.iam.create(desired)

    def update(self, observed: Observed, desired: Desired) -> None:
        self.bounds.check(desired.key.account)
        self.iam.update(observed, desired)

    def delete(self, observed: Observed) -> None:
        self.bounds.check(observed.key.account)
        self.iam.delete(observed)


@dataclass(frozen=True, slots=True)
class _Kube:
    kube: Kube
    name: str
    bounds: Bounds

    def state(self) -> tuple[frozenset[str], tuple[Observed, ...], AwsAuth | None]:
        return self.bounds.read(self.name, self.kube.state)

    def aws_auth(self) -> AwsAuth | None:
        return self.bounds.read(self.name, self.kube.aws_auth)

    def managers(self, key: Key) -> tuple[FieldManager, ...]:
        return self.bounds.read(self.name, lambda: self.kube.managers(key))

    def custom(self, asked: Asked) -> Mapping[str, Any]:
        return self.bounds.read(self.name, lambda: self.kube.custom(asked))

    def create(self, desired: Desired) -> None:
        self.bounds.check(self.name)
        self.kube.create(desired)

    def update(self, observed: Observed, desired: Desired) -> None:
        self.bounds.check(self.name)
        self.kube.update(observed, desired)

    def delete(self, observed: Observed) -> None:
        self.bounds.check(self.name)
        self.kube.delete(observed)

    def write_aws_auth(self, before: AwsAuth, data: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        self.bounds.check(self.name)
        self.kube.write_aws_auth(before, data, annotations)

    def lease(self, namespace: str, name: str) -> Lease | None:
        return self.kube.lease(namespace, name)

    def write_lease(self, namespace: str, name: str, wanted: Lease) -> Lease:
        return self.kube.write_lease(namespace, name, wanted)

    def configmaps(self, namespace: str, labels: Mapping[str, str]) -> tuple[ConfigMap, ...]:
        return self.kube.configmaps(namespace, labels)

    def configmap(self, namespace: str, name: str) -> ConfigMap | None:
        return self.kube.configmap(namespace, name)

    def write_configmap(self, namespace: str, wanted: ConfigMap) -> ConfigMap:
        return self.kube.write_configmap(namespace, wanted)

    def delete_configmap(self, namespace: str, name: str) -> None:
        self.kube.delete_configmap(namespace, name)

    def notify(self, namespace: str, notice: Notice) -> None:
        self.kube.notify(namespace, notice)
