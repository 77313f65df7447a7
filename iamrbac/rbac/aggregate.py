"""Aggregated ClusterRoles, as Kubernetes' clusterrole-aggregation-controller fills them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from iamrbac.rbac.objects import Requirement, Role, Rule, Selector


def aggregate(roles: Iterable[Role]) -> tuple[Role, ...]:
    """Return `roles`, in order, with the rules of each aggregated ClusterRole replaced by what its selectors gather.

    This is where the controller settles: chains (view → edit → admin) are followed to their ends, each rule stands
    once, in the controller's order. Rules that an aggregated role had before are dropped, as the controller does, but
    not where nothing is gathered: the controller then applies no rules at all, which leaves somebody else's (tried on
    1.36). Where aggregated roles select each other in a circle, only rules from outside of it count; upstream such
    roles also keep alive what any of them ever had, and may never settle: there only what is stored tells.
    """
    roles = tuple(roles)
    settled = _Gathering(roles).settled()
    return tuple(replace(role, rules=settled[role.name]) if role.aggregation else role for role in roles)


def gathered(roles: Iterable[Role]) -> dict[str, tuple[Rule, ...]]:
    """Return what the controller finds for each aggregated ClusterRole, by name; () where it finds no rule."""
    gathering = _Gathering(tuple(roles))
    settled = gathering.settled()
    return {role.name: gathering.gather(role, settled) for role in gathering.aggregated}


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
    def __init__(self, roles: tuple[Role, ...]) -> None:
        self._cluster_roles = tuple(sorted((r for r in roles if r.kind == "ClusterRole"), key=lambda r: r.name))
        self.aggregated = tuple(role for role in self._cluster_roles if role.aggregation)
        self._selected = {role.name: self._select(role) for role in self.aggregated}

    def gather(self, role: Role, rules: Mapping[str, tuple[Rule, ...]]) -> tuple[Rule, ...]:
        """Return the rules of the roles that an aggregated one selects, each once."""
        return tuple(dict.fromkeys(rule for found in self._selected[role.name] for rule in rules[found.name]))

    def settled(self) -> dict[str, tuple[Rule, ...]]:
        """Return the rules of each ClusterRole when the controller has nothing more to do."""
        rules = {role.name: () if role.aggregation else role.rules for role in self._cluster_roles}
        self._spread(rules)
        kept: set[str] = set()
        while keep := [role for role in self.aggregated if role.name not in kept and self._keeps(role, rules)]:
            kept |= {role.name for role in keep}
            rules |= {role.name: role.rules for role in keep}
            self._spread(rules)
        return rules

    def _spread(self, rules: dict[str, tuple[Rule, ...]]) -> None:
        # The longest chain goes through all of them; twice, since in a circle the order of rules may turn for ever.
        for _ in range(2 * len(self.aggregated) + 1):
            before = dict(rules)
            for role in self.aggregated:
                rules[role.name] = self.gather(role, rules) or rules[role.name]
            if rules == before:
                return

    def _keeps(self, role: Role, rules: Mapping[str, tuple[Rule, ...]]) -> bool:
        """Return whether an aggregated role keeps its own rules: nothing comes, and nothing still may."""
        return bool(role.rules) and not rules[role.name] and not self._waits(role, rules, set())

    def _waits(self, role: Role, rules: Mapping[str, tuple[Rule, ...]], seen: set[str]) -> bool:
        """Return whether a role selects, maybe through others, an empty aggregated one that may keep its own rules."""
        for found in self._selected[role.name]:
            if found.aggregation and not rules[found.name] and found.name not in seen:
                seen.add(found.name)
                if found.rules or self._waits(found, rules, seen):
                    return True
        return False

    def _select(self, role: Role) -> tuple[Role, ...]:
        """Return what a role selects besides itself: its selectors in order, each by name."""
        found = (r for selector in role.aggregation for r in self._cluster_roles if selects(selector, r.labels))
        return tuple({r.name: r for r in found if r.name != role.name}.values())
