"""Who may do what on one cluster: people of equal access together, and what each of their roles gives where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from iamrbac.access.held import of_others, subject_text
from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.rights import Right, rights
from iamrbac.access.world import shown_role
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Rule
from iamrbac.rbac.subjects import AUTHENTICATED, subject_key
from iamrbac.report.strength import RANK, Strength, size, strength


@dataclass(frozen=True, slots=True)
class Holding:
    """A role in a place. `rules` say what it gives: None is unknown, not nothing."""

    role: str
    """As a policy calls it."""
    strength: Strength
    groups: tuple[str, ...] = ()
    """The Kubernetes groups that give it; () where the user itself is named."""
    origins: tuple[Origin, ...] = ()
    """The policy lines that give it; () for what is not ours."""
    ends: datetime | None = None
    """When it ends by itself."""
    rules: tuple[Rule, ...] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """People who have the same on a cluster."""

    principals: tuple[str, ...]
    """As entries, rows or declarations have them; `Group x`, `User x`, `ServiceAccount ns/x` for other subjects."""
    holdings: Mapping[str, tuple[Holding, ...]]
    """Namespace, "" for the whole cluster → roles, strongest first."""
    somebody: Somebody | None = None
    """One of them, to ask about; None for subjects that nobody is mapped to."""


def profiles(judge: Judge) -> tuple[Profile, ...]:
    """Return everybody who is mapped and every other subject of a binding, sorted; without what has nothing.

    What everybody has who logs in is told once, of the group system:authenticated; what Kubernetes itself gives to
    everybody (discovery, self reviews) and to its own controllers is left out.
    """
    making = _Making()
    named = {
        key.name
        for binding in judge.world.rbac.bindings
        for subject in binding.subjects
        if (key := subject_key(subject, binding.namespace)) is not None and key.kind == "User"
    }
    alike: dict[Hashable, list[Somebody]] = defaultdict(list)
    for one in judge.everybody():
        own = one.user.name if one.user.name in named else ""
        alike[one.user.groups, judge.associations(one), own].append(one)
    found = [
        Profile(tuple(one.principal for one in some), held, some[0])
        for some in alike.values()
        if (held := making.held(right for right in rights(judge, some[0]) if right.group != AUTHENTICATED))
    ]
    others: dict[str, list[Right]] = defaultdict(list)
    for binding, subject in of_others(judge):
        role = judge.authorizer.role_of(binding)
        group = subject.name if subject.kind == "Group" else ""
        ends = judge.world.ends.get(group)
        others[subject_text(subject, binding.namespace)].append(
            Right(
                binding.namespace or "",
                role.rules if role is not None else None,
                shown_role(judge.world, binding),
                group,
                judge.origins(binding),
                ends,
            )
        )
    found += [Profile((name,), held) for name, some in others.items() if (held := making.held(some))]
    return tuple(sorted(found, key=lambda one: one.principals))


class _Making:
    """Judges equal rules in equal places once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bool], tuple[Strength, int]] = {}
        self._kept: dict[int, tuple[Rule, ...] | None] = {}

    def held(self, found: Iterable[Right]) -> dict[str, tuple[Holding, ...]]:
        """Return rights by namespace, those of one role together."""
        together: dict[str, dict[str, list[Right]]] = defaultdict(lambda: defaultdict(list))
        for right in found:
            together[right.namespace][right.role].append(right)
        return {
            place: tuple(one for _, one in sorted(self._holdings(together[place], place), key=lambda one: one[0]))
            for place in sorted(together)
        }

    def _holdings(
        self, roles: Mapping[str, list[Right]], namespace: str
    ) -> Iterator[tuple[tuple[int, int, str], Holding]]:
        for role, some in roles.items():
            rules = _union(some)
            word, much = self._judged(rules, namespace)
            ends = [one.ends for one in some]
            known = [one for one in ends if one is not None]
            yield (
                (RANK[word], -much, role),
                Holding(
                    role,
                    word,
                    tuple(sorted({one.group for one in some if one.group})),
                    tuple(sorted({origin for one in some for origin in one.origins})),
                    max(known) if len(known) == len(ends) else None,
                    rules,
                ),
            )

    def _judged(self, rules: tuple[Rule, ...] | None, namespace: str) -> tuple[Strength, int]:
        key = (id(rules), bool(namespace))
        if key not in self._known:
            self._kept[id(rules)] = rules
            self._known[key] = strength(rules, namespace), size(rules)
        return self._known[key]


def _union(some: list[Right]) -> tuple[Rule, ...] | None:
    first = some[0].rules
    if all(one.rules is first for one in some):
        return first
    if any(one.rules is None for one in some):
        return None
    return tuple(dict.fromkeys(rule for one in some for rule in one.rules or ()))
