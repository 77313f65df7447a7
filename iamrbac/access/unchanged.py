"""Whose access is the same in two worlds at a glance: most people's is in most changes, and is not looked at twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TypeAlias

from iamrbac.access.judge import Judge, Somebody
from iamrbac.rbac.objects import Rule
from iamrbac.rbac.subjects import SubjectKey, keys_of, subject_key, with_authenticated

_Given: TypeAlias = frozenset[object]


class Unchanged:
    """Tells who has certainly the same in both worlds: the same groups, each of which is given the same."""

    def __init__(self, before: Judge, after: Judge) -> None:
        numbers = _Numbers()
        old, new = _given(before, numbers), _given(after, numbers)
        self._changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
        self._before = before
        self._after = after

    def holds_of(self, had: Somebody | None, has: Somebody | None) -> bool:
        """Say so of somebody; False where only a closer look can tell."""
        if had is None or has is None:
            return False
        old, new = (frozenset(keys_of(with_authenticated(one.user))) for one in (had, has))
        return old == new and self._changed.isdisjoint(old) and self._policies(had, has)

    def _policies(self, had: Somebody, has: Somebody) -> bool:
        old, new = self._before.associations(had), self._after.associations(has)
        return {(one.policy, one.scope, one.namespaces) for one in old} == {
            (one.policy, one.scope, one.namespaces) for one in new
        }


class _Numbers:
    """Numbers for lists of rules, the same for equal ones. Each list is compared once, since many bindings share it."""

    def __init__(self) -> None:
        self._by_value: dict[tuple[Rule, ...], int] = {}
        self._by_id: dict[int, tuple[tuple[Rule, ...], int]] = {}

    def of(self, rules: tuple[Rule, ...]) -> int:
        if id(rules) not in self._by_id:
            # Kept with its number, so that no other list gets its id.
            self._by_id[id(rules)] = (rules, self._by_value.setdefault(rules, len(self._by_value)))
        return self._by_id[id(rules)][1]


def _given(judge: Judge, numbers: _Numbers) -> Mapping[SubjectKey, _Given]:
    """Return what each user and group is given by itself: rules by place, access policies, and when it ends."""
    found: dict[SubjectKey, set[object]] = defaultdict(set)
    for binding in judge.world.rbac.bindings:
        role = judge.authorizer.role_of(binding)
        # A role that is not there may be the cluster's own: its name is all that is known.
        what = (binding.namespace, numbers.of(role.rules) if role is not None else binding.role_ref)
        for subject in binding.subjects:
            key = subject_key(subject, binding.namespace)
            if key is not None:
                found[key].add(what)
    for group, grants in judge.world.policies.items():
        found[SubjectKey("Group", group)].update(grants)
    for group, ends in judge.world.ends.items():
        found[SubjectKey("Group", group)].add(ends)
    return {key: frozenset(given) for key, given in found.items()}
