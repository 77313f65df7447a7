"""What some rules let somebody do, power by power, in one scope: judged as the authorizer matches, never by words.

A power is held by any one rule, so the powers of a union are the union of the powers; what needs two of them together
(a combination) is asked of the union.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from iamrbac.rbac.match import ALL, allows
from iamrbac.rbac.objects import Request, Rule

RBAC = "rbac.authorization.k8s.io"
WRITE = ("create", "update", "patch")


class Power(NamedTuple):
    """Any of some verbs on one resource, `pods` or `pods/exec`."""

    verbs: tuple[str, ...]
    resource: str
    group: str = ""
    namespaced: bool = True
    """False: the API server asks in the cluster scope only, so that a rule in a namespace gives nothing."""

    @property
    def qualified(self) -> str:
        """`deployments.apps`, `pods/exec`."""
        resource, slash, subresource = self.resource.partition("/")
        return f"{resource}.{self.group}{slash}{subresource}" if self.group else self.resource


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a right is held."""

    unlimited: bool
    """For objects of any name."""
    names: frozenset[str]
    """What rules with resourceNames name, whether it is held for any name too or not."""
    rules: tuple[Rule, ...]
    """The rules that give it."""
    verbs: tuple[str, ...]
    """The right's verbs that are held."""

    def means(self, *names: str) -> bool:
        """Say whether it is held for one of these names."""
        return self.unlimited or not self.names.isdisjoint(names)


class Held:
    """The rules that somebody has in one scope: those of the whole cluster, and those of a namespace besides."""

    def __init__(self, cluster: Iterable[Rule], namespace: Iterable[Rule] = ()) -> None:
        here = tuple(namespace)
        self.own = frozenset(here)
        """The rules that hold because of the namespace."""
        self._cluster = _by_group(cluster)
        self._namespace = _by_group(here)
        self._known: dict[Power, Reach | None] = {}

    @cached_property
    def cluster(self) -> Held:
        """What holds in the whole cluster."""
        return Held(rule for rules in self._cluster.values() for rule in rules) if self._namespace else self

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules about resources, each once."""
        several = (*self._cluster.values(), *self._namespace.values())
        return tuple(dict.fromkeys(rule for rules in several for rule in rules))

    def reach(self, right: Power) -> Reach | None:
        """Return how far a right is held here; None where it is not."""
        if right not in self._known:
            self._known[right] = self._reach(right)
        return self._known[right]

    def any_of(self, *rights: Power) -> Reach | None:
        """Return how far one of some rights is held: for objects of any name if there is such a one."""
        found = [reach for right in rights if (reach := self.reach(right)) is not None]
        return next((reach for reach in found if reach.unlimited), found[0] if found else None)

    def _reach(self, right: Power) -> Reach | None:
        rules = [*self._cluster.get(right.group, ()), *self._cluster.get(ALL, ())]
        if right.namespaced:
            rules += [*self._namespace.get(right.group, ()), *self._namespace.get(ALL, ())]
        unlimited = False
        names: set[str] = set()
        giving: dict[Rule, None] = {}
        verbs: dict[str, None] = {}
        for verb in right.verbs:
            for rule in rules:
                named = _named(rule, verb, right, rules)
                if named is not None:
                    giving[rule] = verbs[verb] = None
                    unlimited = unlimited or not rule.resource_names
                    names |= named
        return Reach(unlimited, frozenset(names), tuple(giving), tuple(verbs)) if giving else None


def _named(rule: Rule, verb: str, right: Power, rules: Iterable[Rule]) -> frozenset[str] | None:
    """Return the names that a rule gives a verb for, none where for any; None where it does not give it.

    A list or watch of one name is a request with a field selector; a create of one is a server-side apply, which needs
    patch too; a deletecollection never has a name, nor has a subresource none (rbac-semantics: Kubernetes'
    requestinfo.go and the create-on-update authorization of its patch handler).
    """
    resource, _, subresource = right.resource.partition("/")
    if not rule.resource_names:
        return frozenset() if allows(rule, Request(verb, resource, right.group, subresource)) else None
    if verb == "deletecollection":
        return None
    found = frozenset(
        name for name in rule.resource_names if allows(rule, Request(verb, resource, right.group, subresource, name))
    )
    if verb == "create" and not subresource:
        found = frozenset(
            name
            for name in found
            if any(allows(other, Request("patch", resource, right.group, "", name)) for other in rules)
        )
    return found or None


def _by_group(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    """Return resource rules by API group; URLs lead nobody to more rights."""
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        for group in (ALL,) if ALL in rule.api_groups else dict.fromkeys(rule.api_groups):
            found.setdefault(group, []).append(rule)
    return found
