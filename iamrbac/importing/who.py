"""Whom a cluster maps: those that a policy can name, and for all others why it cannot.

Entries and rows are read together, as EKS does (`mapping.resolve`). What lets nobody in today is left out and said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from iamrbac.access.world import World
from iamrbac.compile import names
from iamrbac.identity.permission_sets import KEY, PATH, set_of
from iamrbac.identity.snapshot import IamName, Identities, Missing, Wanted
from iamrbac.identity.ways import ways
from iamrbac.importing.proposal import Person, Source, Unsaid
from iamrbac.mapping.aws_auth import ReadRow
from iamrbac.mapping.node import is_system
from iamrbac.mapping.objects import AccessEntry
from iamrbac.mapping.resolve import Mapped, can_match, identity, mapped, shadows
from iamrbac.model.arn import Arn
from iamrbac.model.documents import Config
from iamrbac.plan.form import owned_rows
from iamrbac.plan.simulate import before


@dataclass(frozen=True, slots=True)
class Who:
    """A cluster's mappings, judged."""

    world: World
    """The cluster today, with the mappings of people only that are alive: no nodes, none of ours."""
    people: tuple[Person, ...]
    unsaid: tuple[Unsaid, ...]


def principals(world: World) -> tuple[Arn, ...]:
    """Return the users and roles that a cluster maps by name, without nodes and services of AWS."""
    return tuple(
        arn
        for one in mapped(_human_entries(world), world.reading)
        if not _system(world, one) and (arn := _parsed(one.principal)) is not None and arn.kind in ("user", "role")
    )


def asked(sources: Collection[Source], config: Config, groups: Collection[IamName] = ()) -> Wanted:
    """Return what IAM has to be asked: every user and role that is mapped, its permission set, and these groups."""
    found: set[IamName] = set()
    for source in sources:
        for arn in principals(before(source.state)):
            found.add(IamName(arn.account, f"{arn.kind}/{arn.name}"))
            permission_set = set_of(arn.name) if arn.kind == "role" else None
            if permission_set is not None:
                found.add(IamName(arn.account, KEY + permission_set))
    return Wanted(frozenset(groups), frozenset(found), ways=ways(config))


def who(source: Source, instance: str, identities: Identities) -> Who:
    """Judge a cluster's mappings."""
    return _Judging(source, instance, identities).judged()


def _human_entries(world: World) -> tuple[AccessEntry, ...]:
    return tuple(one for one in world.entries if not is_system(one))


def _system(world: World, one: Mapped) -> bool:
    rows = world.reading.rows if world.reading is not None else ()
    return one.source == "row" and any(row.arn == one.principal and is_system(row) for row in rows)


@dataclass(slots=True)
class _Judging:
    source: Source
    instance: str
    identities: Identities
    unsaid: list[Unsaid] = field(default_factory=list)
    made: dict[str, datetime | None] = field(default_factory=dict)
    """When each access entry was made."""

    def judged(self) -> Who:
        world = before(self.source.state)
        items = self.source.state.objects
        self.made |= {item.key.name: item.meta.created for item in items if isinstance(item.spec, AccessEntry)}
        systems = {identity(one.principal) for one in world.entries if is_system(one)}
        rows = world.reading.rows if world.reading is not None else ()
        node_rows = {identity(row.arn) for row in rows if is_system(row)}
        count = len(systems | node_rows)
        if count:
            self._say(
                f"{count} mapping{'s' if count > 1 else ''} of nodes and AWS services",
                "they are not people's: iamrbac leaves them as they are",
                access=False,
            )
        self._odd_rows(world)
        ours = self._ours()
        kept: list[Person] = []
        drop = systems | {one for one in node_rows if one not in {identity(e.principal) for e in world.entries}}
        for one in mapped(world.entries, world.reading):
            key = identity(one.principal)
            if key in drop:
                continue
            if key in ours:
                self._say(_shown(one), "iamrbac maps it already, by this instance", access=False)
                drop.add(key)
                continue
            dead = self._dead(one)
            if dead:
                self._say(_shown(one), dead, access=False)
                drop.add(key)
                continue
            person = self._person(one, world)
            if isinstance(person, str):
                self._say(_shown(one), person)
            else:
                kept.append(person)
        return Who(_without(world, drop), tuple(sorted(kept, key=lambda one: one.arn)), tuple(self.unsaid))

    def _ours(self) -> frozenset[str]:
        tagged = {
            identity(item.spec.principal)
            for item in self.source.state.objects
            if isinstance(item.spec, AccessEntry) and item.meta.labels.get(names.INSTANCE_LABEL) == self.instance
        }
        rows = owned_rows(self.source.state.aws_auth, self.instance) or frozenset()
        return frozenset(tagged | {identity(arn) for arn in rows})

    def _odd_rows(self, world: World) -> None:
        """Say what of aws-auth EKS ignores, hides or takes for more than names."""
        reading = world.reading
        if reading is None:
            return
        for text in (*reading.broken, *reading.faults):
            self._say("aws-auth", f"{text}; EKS gives nothing by it", access=False)
        for account in reading.accounts:
            self._say(
                f"aws-auth mapAccounts {account}",
                "every user and role of the account may log in, each under its ARN: a policy names its members",
            )
        for row in reading.rows:
            if not can_match(row.arn) and not is_system(row):
                self._say(
                    f"aws-auth row {row.arn}", "it matches nobody: EKS compares roles without their path", access=False
                )
        for shadow in shadows(world.entries, reading):
            if not is_system(shadow.hidden):
                by = "the access entry" if isinstance(shadow.by, AccessEntry) else "another row"
                self._say(f"aws-auth row {shadow.hidden.arn}", f"{by} for it is what counts", access=False)

    def _dead(self, one: Mapped) -> str:
        """Return why a mapping lets nobody in, as far as IAM says; "" for one that does."""
        arn = _parsed(one.principal)
        if arn is None or arn.kind not in ("user", "role"):
            return ""
        answer = self.identities.principals.get(IamName(arn.account, f"{arn.kind}/{arn.name}"))
        if isinstance(answer, Missing):
            return "IAM has no such principal any more"
        if not isinstance(answer, str):
            return ""
        if arn.kind == "user" and answer.lower() != one.principal.lower():
            return f"IAM has it as {answer}, so that this mapping matches nobody"
        made, mapped_at = self.identities.created.get(answer), self._mapped_at(one)
        if made is not None and mapped_at is not None and made > mapped_at:
            return "it was deleted and made anew after its access entry: EKS knows it by the old id and lets nobody in"
        return ""

    def _mapped_at(self, one: Mapped) -> datetime | None:
        return self.made.get(one.principal) if one.source == "entry" else None

    def _person(self, one: Mapped, world: World) -> Person | str:
        """Return somebody whom a policy can name, or why none can."""
        arn = _parsed(one.principal)
        if arn is None or arn.kind not in ("user", "role"):
            kind = "root" if arn is None else arn.kind
            return f"a policy names users, roles, groups and permission sets, and this is a {kind} principal"
        if arn.partition != self.source.state.target.partition:
            return f"it is of the partition {arn.partition}, which does not reach into this cluster's"
        answer = self.identities.principals.get(IamName(arn.account, f"{arn.kind}/{arn.name}"))
        full = answer if isinstance(answer, str) else str(arn)
        if set_of(arn.name) is not None and arn.kind == "role" and not Arn.parse(full).path.startswith(PATH):
            return "it is the role of a permission set, and its path is not known, since IAM did not say it"
        associations = tuple(item for item in world.associations if item.principal == one.principal)
        return Person(full, one.username, one.groups, associations if one.source == "entry" else ())

    def _say(self, what: str, why: str, *, access: bool = True) -> None:
        self.unsaid.append(Unsaid(self.source.cluster.name, what, why, access))


def _without(world: World, gone: Collection[str]) -> World:
    """Return a world without the mappings of some principals."""
    reading = world.reading
    if reading is not None:
        reading = replace(reading, rows=tuple(_kept_rows(reading.rows, gone)))
    entries = tuple(one for one in world.entries if identity(one.principal) not in gone)
    return replace(world, entries=entries, reading=reading)


def _kept_rows(rows: Collection[ReadRow], gone: Collection[str]) -> Iterator[ReadRow]:
    return (row for row in rows if identity(row.arn) not in gone)


def _shown(one: Mapped) -> str:
    return f"{'access entry' if one.source == 'entry' else 'aws-auth row'} {one.principal}"


def _parsed(text: str) -> Arn | None:
    """Read an ARN as a mapping has it, whatever its case."""
    for spelling in (text, text.lower()):
        try:
            return Arn.parse(spelling)
        except ValueError:
            continue
    return None
