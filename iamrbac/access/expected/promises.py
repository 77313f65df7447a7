"""From documents of kind AccessTest to promises about people, places and requests, or to what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from iamrbac.access.expected.actions import Actions, Asked, said
from iamrbac.access.expected.mistake import ROW, MistakeError
from iamrbac.access.expected.where import Places
from iamrbac.access.expected.who import Cast, Person
from iamrbac.compile.documents import Sourced
from iamrbac.findings.finding import Finding, Level
from iamrbac.model.access_tests import AccessTest, AnyAction, Case, Row, TableCase
from iamrbac.model.origin import Origin, Path
from iamrbac.model.short import short

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wish:
    """One action that must be allowed, all of it, or must not be, none of it."""

    allowed: bool
    asked: Asked
    text: str


@dataclass(frozen=True, slots=True)
class Promise:
    """One test: a case, or a row of a table."""

    name: str
    origin: Origin
    people: Mapping[str, tuple[Person, ...]]
    """Whom it is about, by cluster."""
    places: Mapping[str, tuple[str, ...]] | None
    """Namespaces by cluster; None: everywhere."""
    wishes: tuple[Wish, ...]

    @property
    def judgements(self) -> int:
        """What judging it costs: a principal, an action and a place each."""
        places = {} if self.places is None else self.places
        pairs = sum(len(people) * max(len(places.get(name, ())), 1) for name, people in self.people.items())
        return pairs * len(self.wishes)


@dataclass(frozen=True, slots=True)
class Read:
    """One test as it was read."""

    name: str
    origin: Origin
    promise: Promise | None
    """None: it is about none of the clusters that are asked, or there are errors."""
    findings: tuple[Finding, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether it says nothing, since it names what is not there."""
        return any(finding.level is Level.ERROR for finding in self.findings)


class _Notes:
    """What is wrong with one test."""

    def __init__(self, file: str, at: Path) -> None:
        self._file = file
        self._at = at
        self.found: list[Finding] = []

    def attempt(self, work: Callable[[], T], *path: str | int) -> T | None:
        """Return what some work gives; its mistake is noted at `path` below the test, and None returned."""
        try:
            return work()
        except MistakeError as mistake:
            self.note(Level.ERROR, mistake, *path)
            return None

    def note(self, level: Level, mistake: MistakeError, *path: str | int) -> None:
        """Note a mistake at `path` below the test."""
        at = (*self._at, *path, *mistake.path)
        self.found.append(Finding(mistake.id, level, mistake.message, mistake.hint, self._file, at))


class Reader:
    """Reads tests."""

    def __init__(self, cast: Cast, places: Places, actions: Actions) -> None:
        """Take what knows people, places and actions."""
        self._cast = cast
        self._places = places
        self._actions = actions

    def read(self, documents: Iterable[Sourced[AccessTest]]) -> Iterator[Read]:
        """Yield every case and every row of every table, in order."""
        for sourced in documents:
            for index, case in enumerate(sourced.document.tests):
                at: Path = ("tests", index)
                if isinstance(case, Case):
                    yield self._case(sourced.file, at, case)
                else:
                    yield from self._table(sourced.file, at, case)

    def _case(self, file: str, at: Path, case: Case) -> Read:
        notes = _Notes(file, at)
        who, people = self._people(case, notes)
        wishes = [
            self._wish(action, allowed, case.namespaces is not None, notes, key, index)
            for key, allowed, actions in (("can", True, case.can), ("cannot", False, case.cannot))
            for index, action in enumerate(actions or ())
        ]
        texts = {True: "can", False: "cannot"}
        says = "; ".join(f"{texts[wish.allowed]} {wish.text}" for wish in wishes)
        return self._promise(case.name or f"{who}: {says}", Origin(file, at), case, people, wishes, notes)

    def _table(self, file: str, at: Path, case: TableCase) -> Iterator[Read]:
        columns = case.table.columns
        for number, row in enumerate(case.table.rows):
            path: Path = ("table", "rows", number)
            notes = _Notes(file, at)
            who, people = self._people(row, notes, *path)
            name = f"{case.name}: {who}" if case.name else who
            if len(row.allowed) != len(columns):
                message = f"answers in the row: {len(row.allowed)}; columns in the table: {len(columns)}"
                notes.note(
                    Level.ERROR, MistakeError(ROW, message, "write one answer for each column"), *path, "allowed"
                )
            wishes = [
                self._wish(action, allowed, case.namespaces is not None, notes, "table", "columns", index)
                for index, (action, allowed) in enumerate(zip(columns, row.allowed, strict=False))
            ]
            yield self._promise(name, Origin(file, (*at, *path)), case, people, wishes, notes)

    def _people(
        self, said_: Case | Row, notes: _Notes, *path: str | int
    ) -> tuple[str, dict[str, tuple[Person, ...]] | None]:
        """Return whom a case or row is about, as text and by cluster (None: a mistake)."""
        if said_.group is not None:
            group = said_.group
            return f"group {group}", notes.attempt(lambda: self._cast.group(group), *path, "group")
        if said_.team is not None:
            team = said_.team
            return f"team {team}", notes.attempt(lambda: self._cast.team(team), *path, "team")
        principal, but = said_.principal or "", (said_.but or ()) if isinstance(said_, Case) else ()
        who = "everybody" if principal == "*" else principal
        who += f" but {', '.join(but)}" if but else ""
        try:
            return who, self._cast.principal(principal, but)
        except MistakeError as mistake:
            notes.note(Level.ERROR, mistake, *path, *(() if mistake.path else ("principal",)))
            return who, None

    def _wish(self, action: AnyAction, allowed: bool, placed: bool, notes: _Notes, *path: str | int) -> Wish:
        asked = self._actions.read(action, allowed, placed)
        for mistakes, level in ((asked.errors, Level.ERROR), (asked.warnings, Level.WARNING)):
            for mistake in mistakes:
                notes.note(level, mistake, *path)
        return Wish(allowed, asked, said(action))

    def _promise(
        self,
        name: str,
        origin: Origin,
        case: Case | TableCase,
        people: Mapping[str, tuple[Person, ...]] | None,
        wishes: list[Wish],
        notes: _Notes,
    ) -> Read:
        name = short(name) if case.name is None else name
        clusters = notes.attempt(lambda: self._places.clusters(case.clusters))
        places: Mapping[str, tuple[str, ...]] | None = None
        # All mistakes at once: also those about namespaces where the clusters are a mistake.
        asked = self._places.clusters(None) if clusters is None else clusters
        if asked and case.namespaces is not None:
            listed = case.namespaces
            places = notes.attempt(lambda: self._places.namespaces(listed, asked))
        findings = tuple(dict.fromkeys(notes.found))
        if not clusters or people is None or any(finding.level is Level.ERROR for finding in findings):
            return Read(name, origin, None, findings)
        here = {cluster: people[cluster] for cluster in clusters}
        return Read(name, origin, Promise(name, origin, here, places, tuple(wishes)), findings)
