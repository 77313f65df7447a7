"""Policies and temporary grants, seen alike: sets of members with lines of access."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from iamrbac.compile import names
from iamrbac.compile.documents import Documents
from iamrbac.identity.wanted import over
from iamrbac.model.documents import Access, Member
from iamrbac.model.origin import Origin


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line of access and where it stands. Compared by identity: there are many, and each stands once."""

    access: Access
    origin: Origin

    def part(self, *path: str | int) -> Origin:
        """Return the place of a part of the line."""
        return Origin(self.origin.file, (*self.origin.path, *path))


@dataclass(frozen=True, slots=True, eq=False)
class AccessSet:
    """A team's set: who is in it, and the lines that give it something."""

    team: str
    name: str
    group: str
    members: tuple[tuple[Member, Origin], ...]
    lines: tuple[Line, ...]
    ends: datetime | None = None
    """When a temporary grant ends; None for a set of a policy."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A temporary grant whose time is over."""

    name: str
    not_after: str
    origin: Origin
    lines: tuple[Line, ...]


def access_sets(documents: Documents, at: datetime) -> tuple[AccessSet, ...]:
    """Return every set of every policy, and every grant whose time is not over, by team, name and file."""
    found = [*_policies(documents), *_grants(documents, at)]
    return tuple(sorted(found, key=lambda one: (one.team, one.name, [origin for _, origin in one.members])))


def ended_grants(documents: Documents, at: datetime) -> Iterator[Ended]:
    """Return every temporary grant whose time is over, by file."""
    for sourced in sorted(documents.grants, key=lambda one: one.file):
        grant = sourced.document
        if over(grant, at):
            origin = Origin(sourced.file, ("spec", "notAfter"))
            yield Ended(grant.metadata.name, grant.spec.not_after, origin, _lines(sourced.file, grant.spec.access))


def _policies(documents: Documents) -> Iterator[AccessSet]:
    instance = documents.config.document.metadata.name
    for sourced in documents.policies:
        file, policy = sourced.file, sourced.document
        team = policy.metadata.name
        lines = _lines(file, policy.spec.access)
        for name, members in policy.spec.members.items():
            yield AccessSet(
                team,
                name,
                names.group_name(instance, team, name),
                _placed(file, ("spec", "members", name), members),
                tuple(line for line in lines if line.access.to is None or name in line.access.to),
            )


def _grants(documents: Documents, at: datetime) -> Iterator[AccessSet]:
    instance = documents.config.document.metadata.name
    for sourced in documents.grants:
        file, spec = sourced.file, sourced.document.spec
        if not over(sourced.document, at):
            name = names.temporary_set(sourced.document.metadata.name)
            yield AccessSet(
                spec.team,
                name,
                names.group_name(instance, spec.team, name),
                _placed(file, ("spec", "members"), spec.members),
                _lines(file, spec.access),
                datetime.fromisoformat(spec.not_after),
            )


def _lines(file: str, access: tuple[Access, ...]) -> tuple[Line, ...]:
    return tuple(Line(line, Origin(file, ("spec", "access", index))) for index, line in enumerate(access))


def _placed(file: str, path: tuple[str, ...], members: tuple[Member, ...]) -> tuple[tuple[Member, Origin], ...]:
    return tuple((member, Origin(file, (*path, index))) for index, member in enumerate(members))
