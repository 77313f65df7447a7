"""Which resources an API has, and how people name them: plural, singular, kind, short name, `resource.group`.

Kubernetes' own are data (`roles.builtin`); a cluster's are its discovery. RBAC itself knows no names: a rule about a
resource that is not there is valid, and gives nothing.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

_SPECIAL_VERBS = frozenset({"use", "bind", "escalate", "impersonate", "approve", "sign", "attest", "proxy"})
VERBS = frozenset(
    {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*", *_SPECIAL_VERBS}
)
"""Verbs that some authorizer asks about (rbac-semantics §5.11), besides `impersonate:…` and `impersonate-on:…`."""


STANDARD = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
"""What an API offers for a resource, where nothing more exact is known."""
PATH_VERBS = frozenset({"get", "head", "post", "put", "patch", "delete", "options"})
"""Of a path that is no resource: HTTP methods in lower case."""
_VERSION = re.compile(r"v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?")


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as discovery has it."""

    group: str
    """"" is the core group."""
    plural: str
    kind: str
    singular: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    verbs: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()

    @property
    def qualified(self) -> str:
        """`deployments.apps`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


VIRTUAL = (
    Resource("", "users", "User", "user", namespaced=False, verbs=("impersonate",)),
    Resource("", "groups", "Group", "group", namespaced=False, verbs=("impersonate",)),
    Resource("authentication.k8s.io", "uids", "UID", "uid", namespaced=False, verbs=("impersonate",)),
    Resource("authentication.k8s.io", "userextras", "UserExtra", "userextra", namespaced=False, verbs=("impersonate",)),
    Resource(
        "certificates.k8s.io", "signers", "Signer", "signer", (), namespaced=False, verbs=("approve", "sign", "attest")
    ),
)
"""What only the authorizer is asked about; no API lists it (rbac-semantics §5.11)."""
KUBELET = ("checkpoint", "configz", "healthz", "log", "metrics", "pods", "spec", "stats")
"""Subresources of nodes that the kubelet asks about."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name that no resource has, with what is near to it."""

    name: str
    near: tuple[str, ...]


class Catalogue:
    """The resources of one API, by every name that kubectl takes. Of equal names the core group's counts first."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(sorted(resources, key=lambda one: (one.group != "", one.group, one.plural)))
        self._named: dict[str, list[Resource]] = defaultdict(list)
        for resource in self.resources:
            for name in {resource.plural, resource.singular, resource.kind.lower(), *resource.short}:
                self._named[name].append(resource)
        for resource in VIRTUAL:
            self._named[resource.plural].append(resource)
        self._exact = {(resource.group, resource.plural): resource for resource in self.resources}

    def find(self, text: str) -> Resource | Unknown:
        """Return what kubectl takes `pods`, `po`, `Pod`, `deployments.apps` or `deployments.v1.apps` for.

        `RESOURCE.GROUP` of a group that is not known stands for itself: a custom resource, its plural as written.
        """
        name, dot, group = text.lower().partition(".")
        version, _, rest = group.partition(".")
        if _VERSION.fullmatch(version):
            group = rest
        named = self._named.get(name, [])
        if not dot:
            return named[0] if named else Unknown(text, tuple(difflib.get_close_matches(name, self._named, 3)))
        for resource in named:
            if resource.group == group:
                return resource
        siblings = [resource.plural for resource in self.resources if resource.group == group]
        if siblings:
            elsewhere = [resource.qualified for resource in named]
            near = [f"{one}.{group}".rstrip(".") for one in difflib.get_close_matches(name, siblings, 3)]
            return Unknown(text, tuple(dict.fromkeys((*elsewhere, *near))))
        return Resource(group, name, name, name)

    def exact(self, group: str, plural: str) -> Resource | None:
        """Return the resource of a rule's apiGroup and resource, both as written; None where there is none."""
        return self._exact.get((group, plural))

    def subresources(self, resource: Resource) -> tuple[str, ...]:
        """Return what a resource has below it, also what only the authorizer is asked about."""
        own = (resource.group, resource.plural) == ("", "nodes")
        return (*resource.subresources, *KUBELET) if own else resource.subresources

    def named(self, name: str) -> tuple[Resource, ...]:
        """Return every resource that has this plural, singular, kind or short name."""
        return tuple(self._named.get(name.lower(), ()))
