"""Which resources an API has, and how people name them: plural, singular, kind, short name, `resource.group`.

Kubernetes' own are data (`roles.builtin`); a cluster's are its discovery. RBAC itself knows no names: a rule about a
resource that is not there is valid, and gives nothing.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

_SPECIAL_VERBS = frozenset({"use", "bind", "escalate", "impersonate", "approve", "sign", "attest", "proxy"})
VERBS = frozenset(
    {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*", *_SPECIAL_VERBS}
)
"""Verbs that some authorizer asks about (rbac-semantics §5.11), besides `impersonate:…` and `impersonate-on:…`."""


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
        self._exact = {(resource.group, resource.plural): resource for resource in self.resources}

    def find(self, text: str) -> Resource | Unknown:
        """Return what kubectl takes `pods`, `po`, `Pod` or `deployments.apps` for.

        `RESOURCE.GROUP` of a group that is not known stands for itself: a custom resource, its plural as written.
        """
        name, dot, group = text.lower().partition(".")
        if not dot:
            found = self._named.get(name)
            return found[0] if found else Unknown(text, tuple(difflib.get_close_matches(name, self._named, 3)))
        for resource in self._named.get(name, ()):
            if resource.group == group:
                return resource
        if any(resource.group == group for resource in self.resources):
            return Unknown(text, tuple(one.qualified for one in self._named.get(name, ())))
        return Resource(group, name, name, name)

    def exact(self, group: str, plural: str) -> Resource | None:
        """Return the resource of a rule's apiGroup and resource, both as written; None where there is none."""
        return self._exact.get((group, plural))

    def named(self, name: str) -> tuple[Resource, ...]:
        """Return every resource that has this plural, singular, kind or short name."""
        return tuple(self._named.get(name.lower(), ()))
