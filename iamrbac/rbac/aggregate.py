"""Aggregated ClusterRoles, as Kubernetes' clusterrole-aggregation-controller fills them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from iamrbac.rbac.objects import Requirement, Role, Rule, Selector


def aggregate(roles: Iterable[Role]) -> tuple[Role, ...]:
    """Return `roles`, in order, with the rules of each aggregated ClusterRole replaced by what its selectors gather.

    This is where the controller settles: chains (view → edit → admin) are followed to their ends, each rule stands
    once, in the controller's order. Rules that an aggregated role had before are dropped, as the controller does. Where
    aggregated roles select each other in a circle, only rules of plain roles count: no rule keeps itself alive.
    """
    roles = tuple(roles)
    gathering = _Gathering(tuple(sorted((r for r in roles if r.kind == "ClusterRole"), key=lambda r: r.name)))
    return tuple(replace(role, rules=gathering.rules(role)) if role.aggregation else role for role in roles)


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector matches: all its terms must hold, and an empty one matches everything."""
    return all(labels.get(key) == value for key, value in selector.match_labels) and all(
        _holds(term, labels) for term in selector.match_expressions
    )


def _holds(term: Requirement, labels: Mapping[str, str]) -> bool:
    match term.operator:
        case "In":
            return term.key in labels and labels[term.key] in term.values
        case "NotIn":
            return term.key not in labels or labels[term.key] not in term.values
        case "Exists":
            return term.key in labels
        case "DoesNotExist":
            return term.key not in labels


class _Gathering:
    def __init__(self, cluster_roles: tuple[Role, ...]) -> None:
        self._cluster_roles = cluster_roles
        self._selected: dict[Selector, tuple[Role, ...]] = {}

    def rules(self, role: Role) -> tuple[Rule, ...]:
        return tuple(dict.fromkeys(rule for plain in self._sources(role, {role.name}) for rule in plain.rules))

    def _sources(self, role: Role, seen: set[str]) -> Iterator[Role]:
        """Yield the plain roles behind an aggregated one, depth first; `seen` breaks circles."""
        for selector in role.aggregation:
            for found in self._select(selector):
                if found.name not in seen:
                    seen.add(found.name)
                    if found.aggregation:
                        yield from self._sources(found, seen)
                    else:
                        yield found

    def _select(self, selector: Selector) -> tuple[Role, ...]:
        if selector not in self._selected:
            self._selected[selector] = tuple(r for r in self._cluster_roles if selects(selector, r.labels))
        return self._selected[selector]
