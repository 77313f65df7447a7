"""Who decides about a namespace: the first rule of the config that matches its name (design §2, Consent)."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from iamrbac.compile.globs import Patience, example, literal_prefix
from iamrbac.model.documents import NamespaceRule
from iamrbac.model.selection import consents, matches, reserved

MAX_REFUSALS = 10
UNPATTERNED = "kube-*"
"""No pattern of a policy ever matches these, nor the home namespace (design §2, Scope)."""


class Owners:
    """The rules of a config, found by what a name or pattern begins with."""

    def __init__(self, rules: Sequence[NamespaceRule], home: str, catalogue: Iterable[str] = ()) -> None:
        """Take the rules in order, the home namespace, and names of namespaces that make better examples."""
        self.rules = rules
        self._home = home
        self._catalogue = sorted(set(catalogue))
        self._by_prefix: dict[str, list[int]] = defaultdict(list)
        for index, rule in enumerate(rules):
            self._by_prefix[literal_prefix(rule.name)].append(index)
        self._prefixes = sorted(self._by_prefix)
        self._of_name: dict[str, NamespaceRule | None] = {}
        self._patience = Patience()

    def of_name(self, name: str) -> NamespaceRule | None:
        """Return the rule that decides about a namespace, None where it is free."""
        if name not in self._of_name:
            near = (self.rules[at] for at in sorted(self._before(name)))
            self._of_name[name] = next((rule for rule in near if matches(rule.name, name)), None)
        return self._of_name[name]

    def of_pattern(self, pattern: str, team: str) -> Iterator[tuple[NamespaceRule, str]]:
        """Yield each rule that decides about some name of the pattern and refuses the team, with such a name.

        At most MAX_REFUSALS of them.
        """
        return islice(self._refusals(pattern, team), MAX_REFUSALS)

    def _refusals(self, pattern: str, team: str) -> Iterator[tuple[NamespaceRule, str]]:
        near = self._near(pattern)
        for place, index in enumerate(near):
            rule = self.rules[index]
            if consents(rule, team):
                continue
            earlier = tuple(self.rules[at].name for at in near[:place])
            name = example((pattern, rule.name), (*earlier, UNPATTERNED, self._home), self._patience)
            if name is not None:
                yield rule, self._known(pattern, rule) or name

    def unreachable(self) -> Iterator[tuple[int, NamespaceRule, NamespaceRule]]:
        """Yield each rule that never decides, since earlier ones take all its names, with the first of these."""
        for index, rule in enumerate(self.rules):
            earlier = [at for at in self._near(rule.name) if at < index]
            taken = tuple(self.rules[at].name for at in earlier)
            if taken and example((rule.name,), taken, self._patience) is None:
                hiding = next(self.rules[at] for at in earlier if example((rule.name, self.rules[at].name), ()))
                yield index, rule, hiding

    def _known(self, pattern: str, rule: NamespaceRule) -> str | None:
        """Return a name of the catalogues that the pattern means and the rule decides about."""
        meant = (name for name in self._catalogue if matches(pattern, name) and not reserved(name, self._home))
        return next((name for name in meant if self.of_name(name) is rule), None)

    def _near(self, pattern: str) -> list[int]:
        """Return the rules that may share a name with the pattern, in order: one's beginning begins the other's."""
        prefix = literal_prefix(pattern)
        found = list(self._before(prefix))
        at = bisect_left(self._prefixes, prefix)
        while at < len(self._prefixes) and self._prefixes[at].startswith(prefix):
            if self._prefixes[at] != prefix:
                found += self._by_prefix[self._prefixes[at]]
            at += 1
        return sorted(found)

    def _before(self, text: str) -> Iterable[int]:
        for length in range(len(text) + 1):
            yield from self._by_prefix.get(text[:length], ())
