"""The table of kinds that the embedded API serves, and how each behaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

NameRule = Literal["label", "subdomain", "path"]

_ALL = ("all",)
RBAC_GROUP = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind as the API serves it."""

    group: str
    version: str
    kind: str
    plural: str
    type: str
    """Its struct in the schema."""
    namespaced: bool = True
    names: NameRule = "subdomain"
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    status: bool = False
    """It has a status that only its status subresource writes."""
    generation: bool = False
    """metadata.generation counts changes of the spec."""
    create_on_update: bool = False
    """PUT on a name that is not there creates it."""
    unconditional_update: bool = True
    """PUT without resourceVersion is allowed."""
    returns_deleted: bool = False
    """DELETE answers with the object, not with a Status."""

    @property
    def api_version(self) -> str:
        """GROUP/VERSION, or v1 for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


def _apps(kind: str, plural: str, short: str) -> Kind:
    return Kind(
        "apps", "v1", kind, plural, f"apps.v1.{kind}", short=(short,), categories=_ALL, status=True, generation=True
    )


def _rbac(kind: str, plural: str, namespaced: bool) -> Kind:
    return Kind(RBAC_GROUP, "v1", kind, plural, f"rbac.v1.{kind}", namespaced, "path", create_on_update=True)


KINDS: tuple[Kind, ...] = (
    Kind("", "v1", "Namespace", "namespaces", "core.v1.Namespace", False, "label", ("ns",), status=True),
    Kind(
        "",
        "v1",
        "Pod",
        "pods",
        "core.v1.Pod",
        short=("po",),
        categories=_ALL,
        status=True,
        generation=True,
        returns_deleted=True,
    ),
    Kind("", "v1", "ConfigMap", "configmaps", "core.v1.ConfigMap", short=("cm",)),
    Kind("", "v1", "Secret", "secrets", "core.v1.Secret"),
    Kind(
        "",
        "v1",
        "Service",
        "services",
        "core.v1.Service",
        names="label",
        short=("svc",),
        categories=_ALL,
        status=True,
        returns_deleted=True,
    ),
    Kind("", "v1", "ServiceAccount", "serviceaccounts", "core.v1.ServiceAccount", short=("sa",), returns_deleted=True),
    Kind("", "v1", "Endpoints", "endpoints", "core.v1.Endpoints", short=("ep",)),
    Kind("", "v1", "Event", "events", "core.v1.Event", short=("ev",), create_on_update=True),
    _apps("Deployment", "deployments", "deploy"),
    _apps("ReplicaSet", "replicasets", "rs"),
    _apps("StatefulSet", "statefulsets", "sts"),
    _apps("DaemonSet", "daemonsets", "ds"),
    Kind("batch", "v1", "Job", "jobs", "batch.v1.Job", categories=_ALL, status=True, generation=True),
    Kind(
        "batch",
        "v1",
        "CronJob",
        "cronjobs",
        "batch.v1.CronJob",
        short=("cj",),
        categories=_ALL,
        status=True,
        generation=True,
    ),
    Kind(
        "coordination.k8s.io",
        "v1",
        "Lease",
        "leases",
        "coordination.v1.Lease",
        create_on_update=True,
        unconditional_update=False,
    ),
    _rbac("Role", "roles", True),
    _rbac("RoleBinding", "rolebindings", True),
    _rbac("ClusterRole", "clusterroles", False),
    _rbac("ClusterRoleBinding", "clusterrolebindings", False),
)

BY_KIND: Mapping[str, Kind] = MappingProxyType({kind.kind: kind for kind in KINDS})
BY_RESOURCE: Mapping[tuple[str, str, str], Kind] = MappingProxyType(
    {(kind.group, kind.version, kind.plural): kind for kind in KINDS}
)
"""(group, version, plural) → kind."""

NAMESPACE = BY_KIND["Namespace"]

AUTHORIZATION = "authorization.k8s.io"
AUTHENTICATION = "authentication.k8s.io"
REVIEWS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (AUTHENTICATION, "selfsubjectreviews"): "SelfSubjectReview",
        (AUTHORIZATION, "localsubjectaccessreviews"): "LocalSubjectAccessReview",
        (AUTHORIZATION, "selfsubjectaccessreviews"): "SelfSubjectAccessReview",
        (AUTHORIZATION, "selfsubjectrulesreviews"): "SelfSubjectRulesReview",
        (AUTHORIZATION, "subjectaccessreviews"): "SubjectAccessReview",
    }
)
"""(group, plural) → kind; all of version v1, only created, never stored."""


def type_of(api_version: str, kind: str) -> str | None:
    """The struct in the schema of what a client may send; None for what is not served."""
    if kind == "DeleteOptions":
        # It is sent under the version of whatever is deleted.
        return "meta.v1.DeleteOptions"
    found = BY_KIND.get(kind)
    if found is not None:
        return found.type if found.api_version == api_version else None
    group = api_version.removesuffix("/v1")
    return f"{group.partition('.')[0]}.v1.{kind}" if (group, f"{kind.lower()}s") in REVIEWS else None
