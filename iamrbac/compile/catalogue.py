"""The namespaces of a cluster, and which of them a pattern means."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from itertools import takewhile

from iamrbac.compile.globs import literal_prefix
from iamrbac.model.selection import matches, reserved


class Catalogue:
    """Namespaces, sorted. A pattern is compared only with the names that begin as it does, once."""

    def __init__(self, namespaces: Collection[str], home: str) -> None:
        """Take all names; the reserved ones (kube-*, the home namespace) are meant by no pattern."""
        self._names = sorted(name for name in namespaces if not reserved(name, home))
        self._matched: dict[str, tuple[str, ...]] = {}

    def matching(self, pattern: str) -> tuple[str, ...]:
        """Return the namespaces that a pattern means, sorted."""
        if pattern not in self._matched:
            begin = literal_prefix(pattern)
            near = takewhile(lambda name: name.startswith(begin), self._names[bisect_left(self._names, begin) :])
            self._matched[pattern] = tuple(name for name in near if matches(pattern, name))
        return self._matched[pattern]
