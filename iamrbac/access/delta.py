"""Who gains and who loses what, by effect: two worlds in, a list of changes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from iamrbac.access.world import Holding, World, holdings
from iamrbac.rbac.covers import uncovered
from iamrbac.rbac.objects import Rule


@dataclass(frozen=True, slots=True)
class AccessChange:
    """One principal gains or loses a role in a namespace ("" is the whole cluster), or some of the role's rules."""

    principal: str
    cluster: str
    namespace: str
    role: str
    change: Literal["gain", "lose"]
    rules: tuple[Rule, ...] = ()
    """Empty when the whole role is gained or lost; else the rules of it that are."""
    via: str = ""
    """The IAM role that the principal has to assume for it; "" for what is its own."""


def delta(cluster: str, before: World, after: World) -> tuple[AccessChange, ...]:
    """Return what everybody gains and loses, sorted by principal, namespace and role."""
    return compare(cluster, holdings(before), holdings(after))


def compare(
    cluster: str, had: Mapping[Holding, frozenset[Rule]], has: Mapping[Holding, frozenset[Rule]]
) -> tuple[AccessChange, ...]:
    """Return the same from what is held before and after."""
    changes: list[AccessChange] = []
    for holding in sorted(had.keys() | has.keys()):
        if holding not in had:
            changes.append(_change(cluster, holding, "gain"))
        elif holding not in has:
            changes.append(_change(cluster, holding, "lose"))
        elif had[holding] != has[holding]:
            gained, lost = _rules(had[holding], has[holding])
            if gained:
                changes.append(_change(cluster, holding, "gain", gained))
            if lost:
                changes.append(_change(cluster, holding, "lose", lost))
    return tuple(changes)


def _change(
    cluster: str, holding: Holding, change: Literal["gain", "lose"], rules: tuple[Rule, ...] = ()
) -> AccessChange:
    return AccessChange(holding.principal, cluster, holding.namespace, holding.role, change, rules)


@cache
def _rules(had: frozenset[Rule], has: frozenset[Rule]) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Return gained and lost rules. Many people hold the same role, so the answer is kept."""
    old, new = sorted(had, key=repr), sorted(has, key=repr)
    return uncovered(old, new), uncovered(new, old)
