"""How much a role gives in its place, in one word: judged by its rules as the authorizer matches, never by its name."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from iamrbac.access.abilities import NODES_PROXY, READ_SECRETS, TOKENS
from iamrbac.access.admin_like import like_cluster_admin
from iamrbac.access.powers import Held
from iamrbac.access.steps import full
from iamrbac.rbac.objects import Role, Rule

_READING: Final = frozenset({"get", "list", "watch"})
_STAR: Final = 50
"""What a star counts for where roles of the same word are put in order."""


class Strength(StrEnum):
    """The strongest that a role allows, strongest first."""

    ADMINISTRATOR = "administrator"
    UNKNOWN = "unknown"
    """Nobody here knows its rules, so it may be anything."""
    ESCALATES = "escalates"
    """Its holder can take more: escalate, bind, impersonate anybody, make tokens of service accounts, reach nodes."""
    SECRETS = "reads secrets"
    CHANGES = "changes"
    READS = "reads"
    NOTHING = "nothing"
    """It has no rules that count where it is given."""


RANK: Final = {one: place for place, one in enumerate(Strength)}


def strength(rules: tuple[Rule, ...] | None, namespace: str) -> Strength:
    """Return how much some rules give in a namespace, "" being the whole cluster; None is rules that nobody knows."""
    if rules is None:
        return Strength.UNKNOWN
    held = Held((), rules) if namespace else Held(rules)
    if full(held.rules):
        return Strength.ADMINISTRATOR
    role = Role("Role", namespace, "", rules) if namespace else Role("ClusterRole", None, "", rules)
    if like_cluster_admin(role) or held.reach(TOKENS) is not None or held.reach(NODES_PROXY) is not None:
        return Strength.ESCALATES
    if held.reach(READ_SECRETS) is not None:
        return Strength.SECRETS
    verbs = {verb for rule in rules for verb in rule.verbs if rule.resources or not namespace}
    if verbs - _READING:
        return Strength.CHANGES
    return Strength.READS if verbs else Strength.NOTHING


def size(rules: tuple[Rule, ...] | None) -> int:
    """Return how many rights some rules are, more or less: to put roles of equal strength in order."""
    found: set[tuple[str, str, str]] = set()
    stars = 0
    for rule in rules or ():
        stars += sum("*" in some for some in (rule.verbs, rule.api_groups, rule.resources))
        found |= {
            (verb, group, resource)
            for verb in rule.verbs
            for group in (rule.api_groups or ("",))
            for resource in (rule.resources or rule.non_resource_urls)
        }
    return len(found) + stars * _STAR
