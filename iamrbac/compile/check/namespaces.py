"""Namespaces: their owners agree, they are there, and the ones that keep the cluster safe are left alone."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice, takewhile

from iamrbac.compile.check.owners import Owners
from iamrbac.compile.check.said import Line, Said, error, listed, warning
from iamrbac.compile.globs import literal_prefix
from iamrbac.findings.finding import Finding
from iamrbac.model.documents import NamespaceRule
from iamrbac.model.origin import Path
from iamrbac.model.selection import consents, is_pattern, matches, reserved


def namespaces(said: Said) -> Iterator[Finding]:
    """POL008 to POL010, for every namespace of every line."""
    catalogue = {name for cluster in said.config.clusters for name in cluster.namespaces or ()}
    owners = Owners(said.config.namespaces, said.config.home.namespace, catalogue)
    absent = _Absent(said)
    for line in said.lines:
        for index, wanted in enumerate(line.access.namespaces or ()):
            path = (*line.path, "namespaces", index)
            yield from _consent(said, owners, line, wanted, path)
            if reserved(wanted, said.config.home.namespace) and not is_pattern(wanted):
                yield _guarded(said, line, wanted, path)
            else:
                yield from absent.findings(line, wanted, path)


def owner_rules(said: Said) -> Iterator[Finding]:
    """POL025 a team that is misspelled (one without a policy may be meant so), POL026 a rule that never decides."""
    for index, rule in enumerate(said.config.namespaces if said.complete else ()):
        named = ((("owner",), rule.owner), *((("accepts", at), team) for at, team in enumerate(rule.accepts)))
        for part, team in named:
            meant = None if team in said.teams else said.closest(team, said.teams)
            if meant is not None:
                path: Path = ("namespaces", index, *part)
                message = f"there is no policy of a team {team}"
                yield warning("POL025", said.config_file, path, message, f"did you mean {meant}?")
    owners = Owners(said.config.namespaces, said.config.home.namespace)
    for index, rule, hiding in owners.unreachable():
        message = f"the rule {rule.name} decides about nothing: the first that matches does, and {hiding.name} is above"
        yield warning("POL026", said.config_file, ("namespaces", index), message, "move it up, or remove it")


def _consent(said: Said, owners: Owners, line: Line, wanted: str, path: Path) -> Iterator[Finding]:
    if is_pattern(wanted):
        for refusing, name in owners.of_pattern(wanted, line.team):
            message = (
                f"{wanted} means {name} too, which belongs to {refusing.owner}, and {line.team} is not accepted there"
            )
            yield error("POL008", line.file, path, message, _ask(said, refusing, line.team) + ", or name namespaces")
        return
    rule = owners.of_name(wanted)
    if rule is not None and wanted != said.config.home.namespace and not consents(rule, line.team):
        message = f"the namespace {wanted} belongs to {rule.owner}, and {line.team} is not accepted there"
        yield error("POL008", line.file, path, message, _ask(said, rule, line.team))


def _ask(said: Said, rule: NamespaceRule, team: str) -> str:
    return f"let {rule.owner} add accepts: [{team}] to the rule {rule.name} in {said.config_file}"


def _guarded(said: Said, line: Line, wanted: str, path: Path) -> Finding:
    """A reserved namespace by name: nobody needs the home; in kube-* reading may be wanted, so that is a warning."""
    if wanted == said.config.home.namespace:
        message = f"{wanted} is where iamrbac keeps its own objects: who may write there decides what iamrbac owns"
        return error("POL010", line.file, path, message, "grant in another namespace")
    message = f"{wanted} belongs to Kubernetes: who may write there can reach the whole cluster"
    return warning("POL010", line.file, path, message, "make sure that the role only reads, or remove it")


class _Absent:
    """Which names the catalogues do not have; asked once for each name and group of clusters."""

    def __init__(self, said: Said) -> None:
        self._said = said
        self._home = said.config.home.namespace
        self._catalogues = {
            cluster.name: frozenset(cluster.namespaces)
            for cluster in said.config.clusters
            if cluster.namespaces is not None
        }
        self._sorted = {cluster: sorted(catalogue) for cluster, catalogue in self._catalogues.items()}
        self._known: dict[tuple[str, int], tuple[str, ...]] = {}

    def findings(self, line: Line, wanted: str, path: Path) -> Iterator[Finding]:
        """POL009 a name that is in no catalogue, a pattern that matches none of its names."""
        key = (wanted, id(line.clusters))
        absent = self._known.get(key)
        if absent is None:
            absent = self._known[key] = tuple(self._without(line, wanted))
        if absent and is_pattern(wanted):
            message = f"{wanted} matches nothing in the catalogue of {listed(absent)}"
            hint = "correct the pattern; or leave it: what appears later is granted by the next run"
            yield warning("POL009", line.file, path, message, hint, absent)
        elif absent:
            message = f"{wanted} is not in the catalogue of {listed(absent)}"
            hint = "make it and add it to the cluster's `namespaces:`, or set manageNamespaces: true"
            known = self._catalogues[absent[0]]
            yield warning("POL009", line.file, path, message, self._said.suggest(wanted, known, hint), absent)

    def _without(self, line: Line, wanted: str) -> Iterator[str]:
        """Return the clusters that lack a name; for a pattern all that are known, when it matches in none of them."""
        known = [
            (cluster, self._catalogues[cluster.name]) for cluster in line.clusters if cluster.name in self._catalogues
        ]
        if is_pattern(wanted):
            if not any(self._means(wanted, self._sorted[cluster.name]) for cluster, _ in known):
                yield from (cluster.name for cluster, _ in known)
            return
        yield from (one.name for one, catalogue in known if wanted not in catalogue and not one.manage_namespaces)

    def _means(self, pattern: str, catalogue: list[str]) -> bool:
        prefix = literal_prefix(pattern)
        near = takewhile(lambda name: name.startswith(prefix), islice(catalogue, bisect_left(catalogue, prefix), None))
        return any(matches(pattern, name) and not reserved(name, self._home) for name in near)
