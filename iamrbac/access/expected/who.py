"""Whom a test is about, on each cluster: principals by name or pattern, an IAM group, a team's sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from iamrbac.access.expected.known import Known, declared
from iamrbac.access.expected.mistake import WHO, Guesses, MistakeError
from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.naming import Asked, by_name, find_somebody, names_of
from iamrbac.compile.documents import Documents
from iamrbac.compile.sets import AccessSet
from iamrbac.identity.expand import expand
from iamrbac.identity.members import describe
from iamrbac.identity.snapshot import Identities
from iamrbac.mapping.resolve import identity
from iamrbac.model.arn import partition_of
from iamrbac.model.documents import IamGroup, Member
from iamrbac.model.selection import is_pattern, matches

_SUBJECTS = ("user", "group", "serviceaccount")


@dataclass(frozen=True, slots=True)
class Person:
    """One of those whom a test is about, on one cluster."""

    text: str
    """The principal, or what the test calls it."""
    somebody: Somebody | None
    """None: nothing maps it there."""
    unknown: str = ""
    """Why nobody knows what it may do there."""


class _Directory:
    """Everybody on one cluster, by every name."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.everybody = judge.everybody()

    @cached_property
    def by_identity(self) -> Mapping[str, Somebody]:
        """Everybody by their principal, however it is written."""
        return {identity(one.principal): one for one in self.everybody}

    def called(self, text: str) -> tuple[Somebody, ...]:
        """Return who has a name, or a name that a pattern matches."""
        if text == "*":
            return self.everybody
        if is_pattern(text):
            found = (some for name, some in by_name(self._judge).items() if matches(text, name))
            return tuple({one.principal: one for some in found for one in some}.values())
        exact = self.by_identity.get(identity(text))
        return (exact,) if exact is not None else by_name(self._judge).get(text, ())


class Cast:
    """Finds people by what tests call them. All answers are by cluster."""

    def __init__(
        self,
        documents: Documents,
        sets: Collection[AccessSet],
        judges: Mapping[str, Judge],
        identities: Identities | None,
        guesses: Guesses,
    ) -> None:
        """Take what the policies say; with `identities` an IAM group is its people, else it is itself."""
        config = documents.config.document
        self._config = config
        self._instance = config.metadata.name
        self._clusters = {cluster.name: cluster for cluster in config.clusters if cluster.name in judges}
        self._judges = judges
        self._identities = identities
        self._guesses = guesses
        self._members = {describe(member): member for member in declared(documents)}
        self._teams: dict[str, list[AccessSet]] = defaultdict(list)
        for one in sets:
            self._teams[one.team].append(one)
        self._directories = {name: _Directory(judge) for name, judge in judges.items()}
        self._known = Known(config, self._members, sets, judges, identities, guesses)
        self._found: dict[tuple[str, str, tuple[str, ...]], dict[str, tuple[Person, ...]]] = {}

    def principal(self, text: str, but: tuple[str, ...] = ()) -> dict[str, tuple[Person, ...]]:
        """Return who is called so, without those of `but`. Raises MistakeError where nobody is, or several are."""
        return self._once("principal", text, but, lambda: self._principal(text, but))

    def group(self, text: str) -> dict[str, tuple[Person, ...]]:
        """Return an IAM group, or its people. Raises MistakeError for one that no policy names."""
        return self._once("group", text, (), lambda: self._group(text))

    def team(self, text: str) -> dict[str, tuple[Person, ...]]:
        """Return everybody in a set or in all sets of a team. Raises MistakeError for one that is not there."""
        return self._once("team", text, (), lambda: self._team(text))

    def _once(
        self, kind: str, text: str, but: tuple[str, ...], find: Callable[[], dict[str, tuple[Person, ...]]]
    ) -> dict[str, tuple[Person, ...]]:
        key = (kind, text, but)
        if key not in self._found:
            self._found[key] = find()
        return self._found[key]

    def _principal(self, text: str, but: tuple[str, ...]) -> dict[str, tuple[Person, ...]]:
        kind, colon, rest = text.partition(":")
        if colon and kind == "team":
            found = self.team(rest)
        elif colon and kind in _SUBJECTS:
            self._known.check_subject(kind, rest)
            found = {name: (self._subject(judge, text),) for name, judge in self._judges.items()}
        else:
            self._known.check_called(text)
            found = {name: self._called(name, text) for name in self._judges}
        for index, one in enumerate(but):
            try:
                self._known.check_called(one)
            except MistakeError as error:
                raise MistakeError(error.id, error.message, error.hint, "but", index) from error
        left = {name: self._without(name, people, but) for name, people in found.items()}
        if but and any(found.values()) and not any(left.values()):
            raise MistakeError(WHO, "but leaves nobody out of whom this could be true", "leave out fewer", "but")
        return left

    def _without(self, cluster: str, people: Iterable[Person], but: Collection[str]) -> tuple[Person, ...]:
        out = {person.text for one in but for person in self._called(cluster, one, every=True)}
        return tuple(person for person in people if person.text not in out)

    def _called(self, cluster: str, text: str, *, every: bool = False) -> tuple[Person, ...]:
        """Return who is called so on a cluster, with the people of groups that are called so."""
        several = every or is_pattern(text)
        direct = self._directories[cluster].called(text)
        members = self._called_members(text) if self._identities is not None and text != "*" else []
        kinds = {describe(member) for member in members} or {one.principal for one in direct}
        if len(kinds) > 1 and not several:
            raise MistakeError(WHO, f"{text} may be {' or '.join(sorted(kinds))}", "write the one that is meant")
        people = {one.principal: Person(one.principal, one) for one in direct}
        for member in members:
            people |= {one.text: one for one in self._people(member, cluster)}
        if people or several:
            return tuple(people.values())
        return (Person(text, None, self._elsewhere(cluster)),)

    def _called_members(self, text: str) -> list[Member]:
        if not is_pattern(text):
            return self._named_members.get(text, [])
        found = {
            describe(one): one for name, some in self._named_members.items() if matches(text, name) for one in some
        }
        return list(found.values())

    @cached_property
    def _named_members(self) -> Mapping[str, list[Member]]:
        found: dict[str, list[Member]] = defaultdict(list)
        for name, member in self._members.items():
            for own in names_of(name):
                found[own].append(member)
        return found

    def _people(self, member: Member, cluster: str) -> tuple[Person, ...]:
        """Return a member as it is mapped: itself, or with identities the people that it stands for."""
        directory, where = self._directories[cluster], self._clusters[cluster]
        if self._identities is None or where.mapping == "external":
            name = describe(member)
            return (Person(name, directory.by_identity.get(identity(name))),)
        found = expand(member, self._config, where.account, partition_of(where.region), self._identities)
        if not isinstance(found, tuple):
            return (Person(describe(member), None, f"who {describe(member)} is, is not in the snapshot of people"),)
        return tuple(Person(arn, directory.by_identity.get(identity(arn))) for arn in found)

    def _elsewhere(self, cluster: str) -> str:
        """Return why somebody who is not found on a cluster may be there all the same."""
        if self._identities is None or self._clusters[cluster].mapping != "external":
            return ""
        return f"somebody else maps principals on {cluster} (mapping: external)"

    def _group(self, text: str) -> dict[str, tuple[Person, ...]]:
        meant = [one for one in self._named_members.get(f"iamGroup:{text}", ()) if isinstance(one, IamGroup)]
        if not meant:
            known = {one.iam_group for one in self._members.values() if isinstance(one, IamGroup)}
            hint = self._guesses.suggest(text, known, f"groups of the policies: {', '.join(sorted(known)) or 'none'}")
            raise MistakeError(WHO, f"no policy names an IAM group {text}", hint)
        return self._each(meant)

    def _team(self, text: str) -> dict[str, tuple[Person, ...]]:
        team, slash, name = text.partition("/")
        sets = self._teams.get(team, ())
        if not sets:
            hint = self._guesses.suggest(team, self._teams, f"teams: {', '.join(sorted(self._teams)) or 'none'}")
            raise MistakeError(WHO, f"there is no team {team}", hint)
        meant = [one for one in sets if not slash or one.name == name]
        if not meant:
            known = {one.name for one in sets}
            hint = self._guesses.suggest(name, known, f"its sets: {', '.join(sorted(known))}")
            raise MistakeError(WHO, f"the team {team} has no set {name}", hint)
        return self._each([member for one in meant for member, _ in one.members])

    def _each(self, members: Iterable[Member]) -> dict[str, tuple[Person, ...]]:
        unlike = list({describe(member): member for member in members}.values())
        return {
            cluster: tuple({one.text: one for member in unlike for one in self._people(member, cluster)}.values())
            for cluster in self._clusters
        }

    def _subject(self, judge: Judge, text: str) -> Person:
        return Person(text, find_somebody(judge, Asked(text), self._instance))
