"""How a document chooses clusters and namespaces: by name, by shell pattern, by labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from iamrbac.model.config import Cluster, NamespaceRule


def is_pattern(text: str) -> bool:
    """Say whether a name is a shell pattern (only * and ? mean something)."""
    return "*" in text or "?" in text


def matches(pattern: str, name: str) -> bool:
    """Say whether a name or pattern means this name; case counts."""
    return fnmatchcase(name, pattern)


def selects(selector: Sequence[str] | Mapping[str, str], cluster: Cluster) -> bool:
    """Say whether `clusters:` of an access line means this cluster: any name or pattern, or all labels."""
    if isinstance(selector, Mapping):
        return all(cluster.labels.get(key) == value for key, value in selector.items())
    return any(matches(pattern, cluster.name) for pattern in selector)


def reserved(namespace: str, home: str) -> bool:
    """Say whether no pattern may mean this namespace: Kubernetes' own, and our home (design §2, Scope)."""
    return namespace.startswith("kube-") or namespace == home


def consents(rule: NamespaceRule | None, team: str) -> bool:
    """Say whether a team's policy may grant where `rule` decides (design §2, Consent)."""
    return rule is None or team == rule.owner or team in rule.accepts
