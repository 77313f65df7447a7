"""Where a test holds: clusters by name, pattern or labels, and namespaces of each cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from iamrbac.access.expected.mistake import CLUSTERS, NAMESPACES, Guesses, MistakeError
from iamrbac.access.judge import Judge
from iamrbac.model.config import Cluster, Config
from iamrbac.model.selection import is_pattern, matches, selects

OWN = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
"""Namespaces that every cluster has."""


class Places:
    """The clusters that are asked, and their namespaces."""

    def __init__(self, config: Config, judges: Mapping[str, Judge], guesses: Guesses) -> None:
        """Take the config, and a judge for each cluster that is asked."""
        self._clusters = {cluster.name: cluster for cluster in config.clusters}
        self._asked = judges.keys()
        self._guesses = guesses
        own = OWN | {config.home.namespace}
        self._named = {
            name: own | {binding.namespace for binding in judge.world.rbac.bindings if binding.namespace}
            for name, judge in judges.items()
        }
        self._known: dict[str, frozenset[str]] = {}

    def clusters(self, selector: Sequence[str] | Mapping[str, str] | None) -> tuple[str, ...]:
        """Return the clusters that a test is about and that are asked, in the config's order.

        Raises MistakeError for a name, a pattern or labels that no cluster of the config has.
        """
        chosen = [one for one in self._clusters.values() if selector is None or selects(selector, one)]
        if isinstance(selector, Mapping):
            if not chosen:
                labels = ", ".join(f"{key}: {value}" for key, value in selector.items())
                raise MistakeError(CLUSTERS, f"no cluster has the labels {labels}", self._hint(), "clusters")
        else:
            for index, text in enumerate(selector or ()):
                if not any(matches(text, name) for name in self._clusters):
                    what = "no cluster matches the pattern" if is_pattern(text) else "there is no cluster"
                    hint = self._guesses.suggest(text, self._clusters, self._hint())
                    raise MistakeError(CLUSTERS, f"{what} {text}", hint, "clusters", index)
        return tuple(one.name for one in chosen if one.name in self._asked)

    def namespaces(self, listed: Sequence[str], clusters: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the namespaces that a test means on each of its clusters.

        A name that exists on one of the clusters is asked about on all. Raises MistakeError for a name that none of
        them has, for a pattern that means none, and for one whose meaning is not known.
        """
        found: dict[str, dict[str, None]] = {name: {} for name in clusters}
        for index, text in enumerate(listed):
            if is_pattern(text):
                meant = {name: self._matching(text, self._clusters[name], index) for name in clusters}
            elif any(text in self._names(name) for name in clusters):
                meant = dict.fromkeys(clusters, (text,))
            else:
                meant = {}
            if not any(meant.values()):
                raise self._missing(text, clusters, index)
            for name in clusters:
                found[name].update(dict.fromkeys(meant[name]))
        return {name: tuple(names) for name, names in found.items()}

    def _names(self, cluster: str) -> frozenset[str]:
        """The namespaces that a cluster has for all that we know."""
        if cluster not in self._known:
            self._known[cluster] = self._named[cluster] | frozenset(self._clusters[cluster].namespaces or ())
        return self._known[cluster]

    def _matching(self, pattern: str, cluster: Cluster, index: int) -> tuple[str, ...]:
        if cluster.namespaces is None:
            message = f"what the pattern {pattern} means on {cluster.name} is not known: it has no catalogue"
            hint = "list the cluster's `namespaces:` in iamrbac.yaml"
            raise MistakeError(NAMESPACES, message, hint, "namespaces", index)
        return tuple(name for name in cluster.namespaces if matches(pattern, name))

    def _missing(self, text: str, clusters: Sequence[str], index: int) -> MistakeError:
        where = ", ".join(clusters)
        what = "no namespace matches the pattern" if is_pattern(text) else "there is no namespace"
        hint = "list it among the cluster's `namespaces:` in iamrbac.yaml, if it is there"
        known = {name for cluster in clusters for name in self._names(cluster)}
        return MistakeError(
            NAMESPACES, f"{what} {text} on {where}", self._guesses.suggest(text, known, hint), "namespaces", index
        )

    def _hint(self) -> str:
        return f"clusters of iamrbac.yaml: {', '.join(self._clusters)}"
