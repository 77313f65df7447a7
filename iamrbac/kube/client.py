"""The Kube port: everything of one cluster's Kubernetes API that iamrbac reads and writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from iamrbac.compile.desired import Desired, Key, Kind
from iamrbac.compile.manifest import manifest_json
from iamrbac.gitops.deliverer import Asked
from iamrbac.kube import configmaps, events, lease, parse, paths, reviews, single, witness
from iamrbac.kube.errors import is_absence, refusal, unreadable
from iamrbac.kube.listing import list_all
from iamrbac.kube.manifest import changed
from iamrbac.kube.transport import TOKEN_LIFE, Transport
from iamrbac.model.errors import ConflictError, KubeError
from iamrbac.plan.drift import FieldManager
from iamrbac.plan.observed import AwsAuth, Observed, Target
from iamrbac.rbac.objects import Request, Rule, User
from iamrbac.usecases.home import ConfigMap, Notice
from iamrbac.usecases.lease import Lease
from iamrbac.usecases.pool import Pool

T = TypeVar("T")
RBAC_KINDS: tuple[Kind, ...] = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
_READ_AWS_AUTH = "get configmap kube-system/aws-auth"


class KubeApi:
    """One cluster, asked with the caller's own token; used from several threads at once.

    `page` is the number of objects per LIST, `timeout` the seconds to connect and to read, `token_life` those after
    which the token is asked for again. `called` is called before each request; what it raises keeps it from being sent.
    """

    def __init__(
        self,
        target: Target,
        token: Callable[[], str],
        *,
        page: int = 500,
        timeout: tuple[float, float] = (5, 30),
        sleep: Callable[[float], None] = time.sleep,
        token_life: float = TOKEN_LIFE,
        called: Callable[[], None] = lambda: None,
    ) -> None:
        self._cluster = target.name
        self._page = page
        self._transport = Transport(target, token, timeout, sleep, token_life, called)
        # Its own, with bounds of its own; nothing is opened or signed before it is used.
        self._lease_transport = Transport(target, token, lease.TIMEOUT, sleep, token_life, called)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
        self._lease_transport.close()

    def state(self) -> tuple[frozenset[str], tuple[Observed, ...], AwsAuth | None]:
        """Namespaces that are not terminating, RBAC objects sorted by key, and aws-auth.

        One paged LIST per kind and one GET, at the same time. Raises KubeError unless all of it could be read.
        """
        with Pool(max_workers=len(RBAC_KINDS) + 2) as pool:
            namespaces = pool.submit(self._namespaces)
            kinds = [pool.submit(self._rbac, kind) for kind in RBAC_KINDS]
            aws_auth = pool.submit(self.aws_auth)
            objects = sorted((item for kind in kinds for item in kind.result()), key=lambda item: item.key)
            return namespaces.result(), tuple(objects), aws_auth.result()

    def create(self, desired: Desired) -> None:
        """POST. Raises ExistsError when there is one already, KubeError else."""
        key = desired.key
        path = paths.collection(key.kind, key.namespace)
        self._written(f"create {_named(key)}", "POST", path, manifest_json(desired))

    def update(self, observed: Observed, desired: Desired) -> None:
        """PUT on the object as it was observed; labels, annotations and all else of others on it are kept.

        Raises ConflictError when it is no longer as observed, KubeError else.
        """
        key = desired.key
        path = paths.item(key.kind, key.namespace, key.name)
        current = self._current(f"get {_named(key)}", path)
        if current is None or _version(current) != observed.meta.version:
            raise self._conflict(_named(key))
        self._written(f"update {_named(key)}", "PUT", path, changed(current, desired))

    def delete(self, observed: Observed) -> None:
        """DELETE the object as it was observed; already gone is fine. Raises ConflictError or KubeError."""
        key = observed.key
        if key.kind == "Namespace":
            raise KubeError(f"namespace {key.name} is never deleted by iamrbac", where=self._cluster)
        doing = f"delete {_named(key)}"
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"resourceVersion": observed.meta.version},
        }
        answer = self._transport.write(doing, "DELETE", paths.item(key.kind, key.namespace, key.name), body)
        if answer.status == 404 and not is_absence(answer.body):
            raise refusal(self._cluster, doing, 404, answer.body)

    def aws_auth(self) -> AwsAuth | None:
        """Read kube-system/aws-auth; None when the API says that it is not there. Raises KubeError."""
        current = self._current(_READ_AWS_AUTH, paths.AWS_AUTH)
        return None if current is None else self._shaped(_READ_AWS_AUTH, parse.aws_auth, current)

    def write_aws_auth(self, before: AwsAuth, data: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        """Write data and annotations (all of them) over `before`; a map that is not there is never made.

        Raises ConflictError when the map is no longer `before`, KubeError else.
        """
        current = self._current(_READ_AWS_AUTH, paths.AWS_AUTH)
        if current is None or _version(current) != before.version:
            raise self._conflict("configmap kube-system/aws-auth")
        metadata = {**current["metadata"], "annotations": dict(annotations)}
        body = {**current, "metadata": metadata, "data": dict(data)}
        self._written("update configmap kube-system/aws-auth", "PUT", paths.AWS_AUTH, body)

    def lease(self, namespace: str, name: str) -> Lease | None:
        """Read a lease; None where it is not there. Raises ForbiddenError, KubeError."""
        return lease.read_lease(self._lease_transport, namespace, name)

    def write_lease(self, namespace: str, name: str, wanted: Lease) -> Lease:
        """Write a lease over the version that it carries, or a new one; return it with its new version.

        Raises ConflictError or ExistsError when somebody else did so before, NoNamespaceError where the namespace is
        not there, ForbiddenError, KubeError.
        """
        return lease.write_lease(self._lease_transport, namespace, name, wanted)

    def configmaps(self, namespace: str, labels: Mapping[str, str]) -> tuple[ConfigMap, ...]:
        """Return a namespace's ConfigMaps with these labels, sorted by name. Raises ForbiddenError, KubeError."""
        return configmaps.read_maps(self._transport, namespace, labels, self._page)

    def configmap(self, namespace: str, name: str) -> ConfigMap | None:
        """Read a ConfigMap; None where it is not there. Raises ForbiddenError, KubeError."""
        return configmaps.read_map(self._transport, namespace, name)

    def write_configmap(self, namespace: str, wanted: ConfigMap) -> ConfigMap:
        """Write a ConfigMap over the version that it carries, or a new one; return it with its new version.

        Raises ConflictError or ExistsError when somebody else did so before, NoNamespaceError where the namespace is
        not there, ForbiddenError, KubeError.
        """
        return configmaps.write_map(self._transport, namespace, wanted)

    def delete_configmap(self, namespace: str, name: str) -> None:
        """Delete a ConfigMap; already gone is fine. Raises ForbiddenError, KubeError."""
        configmaps.delete_map(self._transport, namespace, name)

    def notify(self, namespace: str, notice: Notice) -> None:
        """Create an event; one of that name is fine. Raises NoNamespaceError, ForbiddenError, KubeError."""
        events.post(self._transport, namespace, notice)

    def managers(self, key: Key) -> tuple[FieldManager, ...]:
        """Who wrote which fields of an RBAC object or of aws-auth; () where it is gone by now. Raises KubeError."""
        return witness.managers(self._transport, key)

    def custom(self, asked: Asked) -> Mapping[str, Any]:
        """Read a custom resource. Raises KubeError, also where the API says that it has none."""
        return witness.custom(self._transport, asked)

    def whoami(self) -> User:
        """Whom the cluster takes the caller for (SelfSubjectReview). Raises NotMappedError for nobody, KubeError."""
        return reviews.whoami(self._transport)

    def rules(self, namespace: str) -> tuple[tuple[Rule, ...], bool]:
        """What the caller may do in a namespace, and whether that is all of it. Raises KubeError."""
        return reviews.rules(self._transport, namespace)

    def can(self, request: Request) -> bool:
        """Whether the caller may do it. Raises KubeError."""
        return reviews.can(self._transport, request)

    def ruling(self, request: Request) -> tuple[bool, str]:
        """Return whether the caller may do it, and why, as far as the cluster tells. Raises KubeError."""
        return reviews.ruling(self._transport, request)

    def _namespaces(self) -> frozenset[str]:
        doing = "list namespaces"
        items = list_all(self._transport, paths.everywhere("Namespace"), "namespaces", self._page)
        there = [item for item in items if not self._shaped(doing, parse.terminating, item)]
        return frozenset(self._shaped(doing, parse.namespace, item) for item in there)

    def _rbac(self, kind: Kind) -> list[Observed]:
        path = paths.everywhere(kind)
        plural = path.rpartition("/")[2]
        items = list_all(self._transport, path, plural, self._page)
        return [
            self._shaped(f"list {plural}", lambda one: parse.rbac_object(self._cluster, kind, one), item)
            for item in items
        ]

    def _current(self, doing: str, path: str) -> dict[str, Any] | None:
        """GET one object as it is; None when the API says that it is not there."""
        body = single.read(self._transport, doing, path)
        if body is None:
            return None
        if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
            raise unreadable(self._cluster, doing, "the answer is not an object")
        return body

    def _written(self, doing: str, method: str, path: str, body: object) -> None:
        answer = self._transport.write(doing, method, path, body)
        if answer.status == 404:
            raise refusal(self._cluster, doing, 404, answer.body)

    def _shaped(self, doing: str, read: Callable[[Any], T], value: object) -> T:
        try:
            return read(value)
        except ValueError as error:
            metadata = value.get("metadata") if isinstance(value, Mapping) else None
            name = metadata.get("name") if isinstance(metadata, Mapping) else None
            raise unreadable(self._cluster, doing, f"{name or 'an object'} has another shape: {error}") from error

    def _conflict(self, name: str) -> ConflictError:
        return ConflictError(
            f"{name} changed since it was read", where=self._cluster, hint="run the same command again"
        )


def _named(key: Key) -> str:
    return f"{key.kind.lower()} {key.namespace}/{key.name}" if key.namespace else f"{key.kind.lower()} {key.name}"


def _version(value: Mapping[str, Any]) -> object:
    return value["metadata"].get("resourceVersion")
