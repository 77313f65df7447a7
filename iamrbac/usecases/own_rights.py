"""What a cluster lets the caller do in a namespace, by its own word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from iamrbac.rbac.objects import Request, Rule
from iamrbac.usecases.ports import OwnAccess

# Everybody may ask these about himself; they are no access (the default ClusterRole system:basic-user).
_ABOUT_ONESELF: Final = frozenset({"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"})
# What is asked where a cluster cannot list all of the caller's rules: EKS's access policies all give it.
_PROBE: Final = Request("list", "pods")


def may_something(access: OwnAccess, namespace: str) -> bool:
    """Say whether the caller may do anything in a namespace beside asking about himself. Raises KubeError."""
    rules, complete = access.rules(namespace)
    if _more_than_about_oneself(rules):
        return True
    return not complete and access.can(Request(_PROBE.verb, _PROBE.resource, namespace=namespace))


def _more_than_about_oneself(rules: Iterable[Rule]) -> bool:
    return any(not _ABOUT_ONESELF.issuperset(rule.resources) for rule in rules if rule.resources)
