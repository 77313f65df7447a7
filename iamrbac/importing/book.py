"""Rules become role templates: equal ones one template, named as the role was."""

from __future__ import annotations

from collections.abc import Collection

from iamrbac.importing.names import MOST_TEMPLATE, free, label
from iamrbac.rbac.covers import Atom, atoms
from iamrbac.rbac.objects import Rule


class TemplateBook:
    """Names templates. Rule sets with the same atoms are one: order, and how rules are joined, mean nothing."""

    def __init__(self, taken: Collection[str]) -> None:
        """Take the names that no template of ours may have."""
        self._taken = set(taken)
        self._names: dict[frozenset[Atom], str] = {}
        self.templates: dict[str, tuple[Rule, ...]] = {}

    def name(self, role: str, rules: tuple[Rule, ...]) -> str:
        """Return the template of these rules; a new one is called after the role."""
        key = frozenset(atom for rule in rules for atom in atoms(rule))
        if key not in self._names:
            name = free(label(role, MOST_TEMPLATE), self._taken, MOST_TEMPLATE)
            self._taken.add(name)
            self._names[key] = name
            self.templates[name] = rules
        return self._names[key]
