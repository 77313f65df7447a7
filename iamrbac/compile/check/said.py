"""What the checks of documents look at, and how they say what they found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from iamrbac.compile.documents import Documents
from iamrbac.findings.finding import Finding, Level
from iamrbac.model.documents import Access, Cluster, Config, Member
from iamrbac.model.origin import Path
from iamrbac.model.selection import selects
from iamrbac.model.suggest import closest

MAX_GUESSES: Final = 200


@dataclass(frozen=True, slots=True)
class Line:
    """A line of access, in whose name it is, and where it stands."""

    file: str
    path: Path
    team: str
    access: Access
    clusters: tuple[Cluster, ...]


@dataclass(frozen=True, slots=True)
class NamedSet:
    """A set of members, where it stands, and the clusters where some line gives it something."""

    file: str
    path: Path
    name: str
    members: tuple[Member, ...]
    lines: tuple[Line, ...]

    def clusters(self) -> tuple[Cluster, ...]:
        """Return the clusters where the set has a line, each once."""
        return tuple({cluster.name: cluster for line in self.lines for cluster in line.clusters}.values())


@dataclass
class Said:
    """All documents of a repository, unfolded once for all checks."""

    documents: Documents
    templates: Collection[str]
    complete: bool
    """False when some file could not be read: what seems to be missing may be in there."""
    _selected: dict[object, tuple[Cluster, ...]] = field(default_factory=dict)
    _guesses: int = 0

    @property
    def config(self) -> Config:
        """The repository's config."""
        return self.documents.config.document

    @property
    def config_file(self) -> str:
        """The config's file."""
        return self.documents.config.file

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all clusters, each once, in the config's order."""
        return tuple(dict.fromkeys(cluster.name for cluster in self.config.clusters))

    @cached_property
    def teams(self) -> Mapping[str, str]:
        """Team → the file of its policy (the first by name)."""
        found: dict[str, str] = {}
        for policy in sorted(self.documents.policies, key=lambda one: one.file):
            found.setdefault(policy.document.metadata.name, policy.file)
        return found

    @cached_property
    def sets(self) -> tuple[NamedSet, ...]:
        """All sets of all policies, and every temporary grant as a set of its own."""
        return (*self._policy_sets(), *self._grant_sets())

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """All lines of access, each once."""
        return (
            *(line for lines in self._policy_lines for line in lines),
            *(line for lines in self._grant_lines for line in lines),
        )

    def selected(self, access: Access) -> tuple[Cluster, ...]:
        """Return the clusters that a line means; asked once for each selector."""
        selector = access.clusters
        key: object = frozenset(selector.items()) if isinstance(selector, Mapping) else selector
        if key not in self._selected:
            self._selected[key] = tuple(one for one in self.config.clusters if selects(selector, one))
        return self._selected[key]

    def closest(self, word: str, known: Iterable[str]) -> str | None:
        """Return the known word that was meant; None too after many guesses: so many unknown words are no typos."""
        self._guesses += 1
        return closest(word, known) if self._guesses <= MAX_GUESSES else None

    def suggest(self, word: str, known: Iterable[str], otherwise: str) -> str:
        """Return the next step for an unknown word: the one that was meant, or else `otherwise`."""
        found = self.closest(word, known)
        return otherwise if found is None else f"did you mean {found}?"

    @cached_property
    def _policy_lines(self) -> tuple[tuple[Line, ...], ...]:
        return tuple(
            self._lines(policy.file, policy.document.metadata.name, policy.document.spec.access)
            for policy in self.documents.policies
        )

    @cached_property
    def _grant_lines(self) -> tuple[tuple[Line, ...], ...]:
        return tuple(
            self._lines(grant.file, grant.document.spec.team, grant.document.spec.access)
            for grant in self.documents.grants
        )

    def _lines(self, file: str, team: str, access: tuple[Access, ...]) -> tuple[Line, ...]:
        return tuple(
            Line(file, ("spec", "access", index), team, line, self.selected(line)) for index, line in enumerate(access)
        )

    def _policy_sets(self) -> Iterator[NamedSet]:
        for policy, lines in zip(self.documents.policies, self._policy_lines, strict=True):
            for name, members in policy.document.spec.members.items():
                own = tuple(line for line in lines if line.access.to is None or name in line.access.to)
                yield NamedSet(policy.file, ("spec", "members", name), name, members, own)

    def _grant_sets(self) -> Iterator[NamedSet]:
        for grant, lines in zip(self.documents.grants, self._grant_lines, strict=True):
            yield NamedSet(
                grant.file, ("spec", "members"), grant.document.metadata.name, grant.document.spec.members, lines
            )


def error(id_: str, file: str, path: Path, message: str, hint: str, clusters: Collection[str] = ()) -> Finding:
    """Return an error; its cluster is set when it concerns just one."""
    return _finding(id_, Level.ERROR, file, path, message, hint, clusters)


def warning(id_: str, file: str, path: Path, message: str, hint: str, clusters: Collection[str] = ()) -> Finding:
    """Return a warning; its cluster is set when it concerns just one."""
    return _finding(id_, Level.WARNING, file, path, message, hint, clusters)


def info(id_: str, file: str, path: Path, message: str, hint: str, clusters: Collection[str] = ()) -> Finding:
    """Return something to know; its cluster is set when it concerns just one."""
    return _finding(id_, Level.INFO, file, path, message, hint, clusters)


def listed(names: Collection[str]) -> str:
    """Return names for a sentence, at most six of them."""
    shown = list(names)
    return ", ".join(shown[:6]) + (f" and {len(shown) - 6} more" if len(shown) > 6 else "")


def _finding(
    id_: str, level: Level, file: str, path: Path, message: str, hint: str, clusters: Collection[str]
) -> Finding:
    cluster = next(iter(clusters)) if len(clusters) == 1 else None
    return Finding(id_, level, message, hint, file, path, cluster=cluster)
