"""Where a line of access holds on one cluster: its namespaces by name and by pattern, or the whole cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from iamrbac.compile.catalogue import Catalogue
from iamrbac.compile.check.owners import Owners
from iamrbac.compile.desired import ClusterFacts
from iamrbac.compile.report import Report
from iamrbac.compile.sets import Line
from iamrbac.model.documents import Cluster
from iamrbac.model.selection import consents, is_pattern

ABSENT = frozenset({"POL102", "POL103"})
"""Findings on names and patterns that mean nothing on a cluster."""
WHOLE_CLUSTER = (None,)
Places = tuple[str | None, ...]
"""Namespaces, sorted; None stands for the whole cluster."""


@dataclass(slots=True)
class _Resolved:
    """What a list of names and patterns means here; the numbers are places in the list."""

    namespaces: dict[str, int] = field(default_factory=dict)
    """Existing ones, and those that may be made."""
    made: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    unknown: list[int] = field(default_factory=list)
    """Patterns, where the cluster's namespaces are not known."""
    empty: list[int] = field(default_factory=list)
    """Patterns that mean no namespace."""


class PlaceFinder:
    """Finds the places of lines on one cluster. Equal lists are resolved once; findings are made for every line."""

    def __init__(self, cluster: Cluster, facts: ClusterFacts, home: str, owners: Owners, report: Report) -> None:
        self._cluster = cluster
        self._facts = facts
        self._owners = owners
        self._report = report
        known = facts.namespaces
        self._catalogue = Catalogue(known, home) if known is not None else None
        self._resolved: dict[tuple[str, ...], _Resolved] = {}
        self.made: dict[str, list[Line]] = {}
        """Namespaces to make, with the lines that name them."""

    def places(self, line: Line, team: str) -> Places:
        """Return where a team's line holds; () where nothing of it exists here, which is a finding."""
        if line.access.scope == "cluster":
            return WHOLE_CLUSTER
        listed = line.access.namespaces or ()
        resolved = self._resolved.get(listed)
        if resolved is None:
            resolved = self._resolved[listed] = self._resolve(listed)
        self._say(resolved, line, listed)
        for name in resolved.made:
            self.made.setdefault(name, []).append(line)
        return tuple(name for name in resolved.namespaces if self._consented(line, team, name, resolved))

    def _resolve(self, listed: Sequence[str]) -> _Resolved:
        found = _Resolved()
        known = self._facts.namespaces
        for index, text in enumerate(listed):
            if is_pattern(text):
                self._match(found, index, text)
            elif known is None or text in known:
                found.namespaces.setdefault(text, index)
            elif self._cluster.manage_namespaces:
                found.namespaces.setdefault(text, index)
                found.made.setdefault(text, index)
            else:
                found.missing.setdefault(text, index)
        found.namespaces = dict(sorted(found.namespaces.items()))
        return found

    def _match(self, found: _Resolved, index: int, pattern: str) -> None:
        if self._catalogue is None:
            found.unknown.append(index)
            return
        matched = self._catalogue.matching(pattern)
        if not matched:
            found.empty.append(index)
        for name in matched:
            found.namespaces.setdefault(name, index)

    def _say(self, resolved: _Resolved, line: Line, listed: Sequence[str]) -> None:
        for index in resolved.unknown:
            self._report.error(
                "POL101",
                f"what the pattern {listed[index]!r} means is not known: the cluster has no catalogue of namespaces",
                "list the cluster's `namespaces:` in iamrbac.yaml, or use `iamrbac plan`, which reads them",
                line.part("namespaces", index),
            )
        for index in resolved.empty:
            self._report.info(
                "POL103",
                f"the pattern {listed[index]!r} matches no namespace, so it grants nothing yet",
                "nothing to do: the next run grants what appears",
                line.part("namespaces", index),
            )
        for name, index in resolved.missing.items():
            self._report.warning(
                "POL102",
                f"there is no namespace {name!r}, so nothing is granted in it",
                "create it, and the next run grants; or set manageNamespaces: true for the cluster",
                line.part("namespaces", index),
                f"Namespace/{name}",
            )

    def _consented(self, line: Line, team: str, name: str, resolved: _Resolved) -> bool:
        """Judge consent here too: what a pattern means on a cluster must not depend on who ran `validate` when."""
        rule = self._owners.of_name(name)
        if rule is None or consents(rule, team):
            return True
        self._report.error(
            "POL104",
            f"the namespace {name!r} belongs to the team {rule.owner}, which does not accept grants of {team}",
            f"ask {rule.owner} to add {team} to `accepts` in iamrbac.yaml, or name fewer namespaces",
            line.part("namespaces", resolved.namespaces[name]),
            f"Namespace/{name}",
        )
        return False
