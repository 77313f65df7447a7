"""Which clusters and namespaces an access line means. Pure; results are kept, since lines repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from iamrbac.model.documents import Cluster

GLOB = frozenset("*?")


def is_pattern(text: str) -> bool:
    """Say whether a name is a shell pattern."""
    return not GLOB.isdisjoint(text)


def clusters_of(selector: Sequence[str] | Mapping[str, str], clusters: Sequence[Cluster]) -> tuple[Cluster, ...]:
    """Return the clusters of a selector in the config's order: names and patterns, or labels that must all match."""
    if isinstance(selector, Mapping):
        return tuple(
            cluster for cluster in clusters if all(cluster.labels.get(key) == value for key, value in selector.items())
        )
    return tuple(cluster for cluster in clusters if any(fnmatchcase(cluster.name, pattern) for pattern in selector))


@lru_cache(maxsize=4096)
def namespaces_of(pattern: str, known: frozenset[str], home: str) -> tuple[str, ...]:
    """Return the namespaces that a pattern means, sorted; never kube-* nor the home namespace (design §2, Scope)."""
    return tuple(
        sorted(name for name in known if fnmatchcase(name, pattern) and not name.startswith("kube-") and name != home)
    )
