"""Our own objects in a cluster's home namespace: ConfigMaps, and the namespace itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from iamrbac.compile import names
from iamrbac.compile.desired import Desired, Key, Namespace
from iamrbac.model.errors import ExistsError


@dataclass(frozen=True, slots=True)
class ConfigMap:
    """A ConfigMap of ours."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    binary: Mapping[str, bytes] = field(default_factory=dict)
    version: str = field(default="", compare=False)
    """The resourceVersion; "" for one that is not there yet."""
    metadata: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """As it was read: what others wrote there is kept."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A core/v1 Event about a ConfigMap of ours."""

    name: str
    about: ConfigMap
    """As it was read: the API's uid of it is how `kubectl describe` finds the event."""
    reason: str
    """In CamelCase."""
    type: Literal["Normal", "Warning"]
    message: str
    at: str
    """2026-11-26T12:21:46Z"""
    host: str = ""
    kind: Literal["ConfigMap", "Lease"] = "ConfigMap"
    """What `about` is the name of."""


class HomeMaps(Protocol):
    """The ConfigMaps of one cluster's home namespace, and events about them."""

    def configmaps(self, namespace: str, labels: Mapping[str, str]) -> tuple[ConfigMap, ...]:
        """Return all that carry these labels, sorted by name: one paged LIST. Raises ForbiddenError, KubeError."""
        ...

    def configmap(self, namespace: str, name: str) -> ConfigMap | None:
        """Read one; None where it is not there. Raises ForbiddenError, KubeError."""
        ...

    def write_configmap(self, namespace: str, wanted: ConfigMap) -> ConfigMap:
        """Write one over the version that it carries, or a new one, and return it with its new version.

        Raises ConflictError or ExistsError when somebody else did so before, NoNamespaceError where the namespace is
        not there, ForbiddenError, KubeError.
        """
        ...

    def delete_configmap(self, namespace: str, name: str) -> None:
        """Delete one; already gone is fine. Raises ForbiddenError, KubeError."""
        ...

    def notify(self, namespace: str, notice: Notice) -> None:
        """Create an event; one of that name that is there already is fine. Raises ForbiddenError, KubeError."""
        ...


def make_home(create: Callable[[Desired], None], cluster: str, namespace: str) -> None:
    """Create the home namespace; one that is there by now is fine. Raises KubeError.

    It carries no instance: it is home to the locks of all of them. Nobody ever deletes it.
    """
    labels = {names.MANAGED_BY_LABEL: names.MANAGED_BY}
    try:
        create(Desired(Key(cluster, "Namespace", "", namespace), Namespace(namespace), labels))
    except ExistsError:
        return
