"""Edges that end: what takes too long is given up, and whoever was told to end, or was overtaken, writes no more.

A read that hangs is left behind in its thread and its answer is not used. A write is never left behind: it has bounds
of its own (the transport's), and before each it is asked whether it may begin. What an apply says of itself (locks,
backups, records, events) is not held up, so that it can end in order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, TypeVar

from iamrbac.compile.desired import Desired, Key
from iamrbac.gitops.deliverer import Asked
from iamrbac.identity.snapshot import IamName, Identities, Unreadable, Wanted, Way
from iamrbac.model.documents import Cluster
from iamrbac.model.errors import EndedError, OvertimeError
from iamrbac.model.span import span_text
from iamrbac.plan.accounts import AccountState
from iamrbac.plan.drift import FieldManager
from iamrbac.plan.observed import AwsAuth, Observed, Target
from iamrbac.usecases.handed import Handed
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
        future: Future[T] = Future()

        def run() -> None:
            with Handed(future.set_exception):
                future.set_result(work())

        threading.Thread(target=run, name=f"reading {where}", daemon=True).start()
        while not wait((future,), _LOOK).done:
            self.check(where)
        return future.result()

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


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each cluster may keep a round: from when it is first asked, however long others were before it."""

    seconds: float
    monotonic: Callable[[], float]
    ended: Callable[[], str]
    _began: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, cluster: str) -> Bounds:
        """Return the bounds of a cluster."""
        with self._lock:
            return self._from(self._began.setdefault(cluster, self.monotonic()))

    def now(self) -> Bounds:
        """Return bounds from now on, for what is no cluster's."""
        return self._from(self.monotonic())

    def _from(self, began: float) -> Bounds:
        text = span_text(timedelta(seconds=self.seconds))
        return Bounds(began + self.seconds, text, self.monotonic, self.ended)


def bounded(edges: Edges, limits: Limits) -> Edges:
    """Return the same edges within bounds."""
    return replace(
        edges,
        people=_People(edges.people, limits),
        aws=_Aws(edges.aws, limits),
        kube=lambda target: _Kube(edges.kube(target), target.name, limits.of(target.name)),
        iam=_Iam(edges.iam, limits),
    )


@dataclass(frozen=True, slots=True)
class _People:
    people: People
    limits: Limits

    def identities(self, wanted: Wanted) -> Identities:
        return self.limits.now().read("IAM", lambda: self.people.identities(wanted))

    def existing(
        self, kinds: Collection[IamName], ways: Mapping[str, Way], /
    ) -> Mapping[IamName, frozenset[str] | Unreadable]:
        return self.limits.now().read("IAM", lambda: self.people.existing(kinds, ways))


@dataclass(frozen=True, slots=True)
class _Aws:
    aws: Aws
    limits: Limits

    def caller(self) -> Caller:
        return self.limits.now().read("AWS", self.aws.caller)

    def target(self, cluster: Cluster) -> Target:
        return self.limits.of(cluster.name).read(cluster.name, lambda: self.aws.target(cluster))

    def mappings(self, target: Target) -> tuple[Observed, ...]:
        return self.limits.of(target.name).read(target.name, lambda: self.aws.mappings(target))

    def create(self, target: Target, desired: Desired) -> None:
        self.limits.of(target.name).check(target.name)
        self.aws.create(target, desired)

    def update(self, target: Target, observed: Observed, desired: Desired) -> None:
        self.limits.of(target.name).check(target.name)
        self.aws.update(target, observed, desired)

    def delete(self, target: Target, observed: Observed) -> None:
        self.limits.of(target.name).check(target.name)
        self.aws.delete(target, observed)


@dataclass(frozen=True, slots=True)
class _Iam:
    iam: Iam
    limits: Limits

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
        return self.limits.now().read(
            f"account {account}", lambda: self.iam.account(account, instance, roles, groups, known=known, way=way)
        )

    def create(self, desired: Desired) -> None:
        self.limits.now().check(desired.key.account)
        self.iam.create(desired)

    def update(self, observed: Observed, desired: Desired) -> None:
        self.limits.now().check(desired.key.account)
        self.iam.update(observed, desired)

    def delete(self, observed: Observed) -> None:
        self.limits.now().check(observed.key.account)
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
