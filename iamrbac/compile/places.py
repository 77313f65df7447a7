"""Where a line of access holds on one cluster: its namespaces by name and by pattern, or the whole cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from iamrbac.compile.desired import ClusterFacts
from iamrbac.compile.report import Report
from iamrbac.compile.sets import Line
from iamrbac.model.documents import Cluster, Config
from iamrbac.model.selection import consents, deciding_rule, is_pattern, matches, reserved

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

    def __init__(self, cluster: Cluster, facts: ClusterFacts, config: Config, report: Report) -> None:
        self._cluster = cluster
        self._facts = facts
        self._config = config
        self._report = report
        self._resolved: dict[tuple[str, ...], _Resolved] = {}
        self._consents: dict[tuple[str, str], bool] = {}
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
        known = self._facts.namespaces
        if known is None:
            found.unknown.append(index)
            return
        home = self._config.home.namespace
        matched = [name for name in known if matches(pattern, name) and not reserved(name, home)]
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
        """Judge consent here too: only the cluster says which namespaces a pattern means."""
        key = (team, name)
        if key not in self._consents:
            self._consents[key] = consents(deciding_rule(self._config.namespaces, name), team)
        if not self._consents[key]:
            rule = deciding_rule(self._config.namespaces, name)
            owner = rule.owner if rule is not None else ""
            self._report.error(
                "POL104",
                f"the namespace {name!r} belongs to the team {owner}, which does not accept grants of {team}",
                f"ask {owner} to add {team} to `accepts` in iamrbac.yaml, or name fewer namespaces",
                line.part("namespaces", resolved.namespaces[name]),
                f"Namespace/{name}",
            )
        return self._consents[key]
