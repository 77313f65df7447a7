"""Policies and temporary grants, seen alike: sets of members with lines of access. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from iamrbac.compile import names
from iamrbac.compile.documents import Documents
from iamrbac.findings.finding import Finding, Level
from iamrbac.model.documents import Access, Member
from iamrbac.model.origin import Origin


@dataclass(frozen=True, slots=True)
class AccessSet:
    """A team's set: who is in it, and the lines that give it something."""

    team: str
    name: str
    group: str
    members: tuple[tuple[Member, Origin], ...]
    lines: tuple[tuple[Access, Origin], ...]


def access_sets(documents: Documents, at: datetime) -> Iterator[AccessSet]:
    """Return every set of every policy, and every grant whose time is not over, by team and name."""
    found = [*_policies(documents), *_grants(documents, at)]
    yield from sorted(found, key=lambda one: (one.team, one.name))


def expired(documents: Documents, at: datetime) -> Iterator[Finding]:
    """Return an info finding for every grant whose time is over."""
    for grant in documents.grants:
        spec = grant.document.spec
        if at >= datetime.fromisoformat(spec.not_after):
            yield Finding(
                id="CMP001",
                level=Level.INFO,
                message=f"the temporary grant {grant.document.metadata.name} ended at {spec.not_after}",
                hint="delete the file when it is no longer wanted as a record",
                file=grant.file,
                path=("spec", "notAfter"),
            )


def _policies(documents: Documents) -> Iterator[AccessSet]:
    instance = documents.config.document.metadata.name
    for sourced in documents.policies:
        file, policy = sourced.file, sourced.document
        team = policy.metadata.name
        lines = [(line, Origin(file, ("spec", "access", index))) for index, line in enumerate(policy.spec.access)]
        for name, members in policy.spec.members.items():
            yield AccessSet(
                team,
                name,
                names.group_name(instance, team, name),
                tuple((member, Origin(file, ("spec", "members", name, index))) for index, member in enumerate(members)),
                tuple((line, origin) for line, origin in lines if line.to is None or name in line.to),
            )


def _grants(documents: Documents, at: datetime) -> Iterator[AccessSet]:
    instance = documents.config.document.metadata.name
    for sourced in documents.grants:
        file, spec = sourced.file, sourced.document.spec
        if at >= datetime.fromisoformat(spec.not_after):
            continue
        name = names.temporary_set(sourced.document.metadata.name)
        yield AccessSet(
            spec.team,
            name,
            names.group_name(instance, spec.team, name),
            tuple((member, Origin(file, ("spec", "members", index))) for index, member in enumerate(spec.members)),
            tuple((line, Origin(file, ("spec", "access", index))) for index, line in enumerate(spec.access)),
        )
