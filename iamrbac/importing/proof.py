"""Is it the same? What people have today against what the proposal gives them, decided for every request that there is.

**Before** is the cluster as it is, with the people that it maps. **After** is the cluster with only those mappings that
the proposal compiles to, and without the bindings' subjects that stood for these people: nobody keeps anything by an
old name, so that what is equal stays equal when the old bindings are deleted.

**Why a finite set decides it.** All that anybody has are atoms: verb, API group, resource and name, or verb and URL, in
a place (a namespace, a pattern, the whole cluster); each is a part of a rule of one of the two sides. `witness` makes
one request of an atom and its place: a star becomes a text that stands in no rule of either side, and so do "any name"
and the star of a pattern. Say that a request r is allowed before and not after. Some atom a of before allows r, in a
place that reaches r's namespace. The witness w of a is allowed before. Were it allowed after, by an atom b, then b
matched each fresh text of w, which only a star does that is at least as wide; each text that is not fresh b matches as
written, or by a star. So b has at least all that a has, in at least its place: it would allow r as well, against what
was said. Hence: where all witnesses of both sides are answered alike, all requests are. Those of atoms that both sides
have are; the others are asked. (`covers`, the API server's own comparison, is this question asked of rules; the changes
that are told come from it, and `equal` wants both to find nothing.)

Access policies whose rules AWS does not document are compared by name and place. Users whose names are filled in for
each session (`admin:{{SessionName}}`) are looked at once for themselves, and once as each session that a binding names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

from iamrbac.access.effective import Delta, by_identity, delta
from iamrbac.access.eks_policies import matches_star
from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.rights import Right, rights
from iamrbac.access.world import World
from iamrbac.compile.desired import ClusterDesired
from iamrbac.importing.proposal import Person
from iamrbac.importing.sessions import as_session, named_sessions
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.rbac.authorizer import Authorizer
from iamrbac.rbac.covers import Atom, UrlAtom, atoms
from iamrbac.rbac.match import allows
from iamrbac.rbac.objects import Binding, RbacState, Request, Role, Rule, User
from iamrbac.rbac.subjects import SubjectKey, subject_key

Held: TypeAlias = frozenset[tuple[str, tuple[Rule, ...]]]
FRESH = "\N{WHITE STAR}"
"""Stands in no rule, name or namespace of Kubernetes."""


@dataclass(frozen=True, slots=True)
class Has:
    """What somebody has, whatever gives it."""

    held: Held = frozenset()
    """Rules in places."""
    unknown: frozenset[tuple[str, str]] = frozenset()
    """Places and names of what nobody here knows the rules of; it is left to `delta`."""

    @classmethod
    def of(cls, found: Iterable[Right]) -> Has:
        """Return what these rights give."""
        found = tuple(found)
        return cls(
            frozenset((one.namespace, one.rules) for one in found if one.rules),
            frozenset((one.namespace, one.role) for one in found if one.rules is None),
        )


_NOTHING = Has()


@dataclass(frozen=True, slots=True)
class Proof:
    """What one cluster's people gain and lose by the proposal."""

    cluster: str
    principals: int
    """How many were compared."""
    requests: int
    """How many requests decided it."""
    deltas: tuple[Delta, ...]
    """Who gains and who loses what."""
    unlike: tuple[Request, ...] = ()
    """Requests that are answered otherwise although no delta tells it: there are none, or we have a fault."""
    adopt: tuple[str, ...] = ()
    """What of the proposal is on the cluster already, and nobody's: `--adopt` takes these keys."""

    @property
    def equal(self) -> bool:
        """Whether nobody gains or loses anything."""
        return not self.deltas and not self.unlike


def after(before: World, desired: ClusterDesired, people: Iterable[Person]) -> World:
    """Return a cluster on which only the proposal gives these people something."""
    old = {key for person in people for key in person.keys}
    specs = [item.spec for item in desired.objects]
    kept = tuple(_without(binding, old) for binding in before.rbac.bindings)
    rows = tuple(AccessEntry(one.arn, one.username, one.groups) for one in specs if isinstance(one, AwsAuthRow))
    return World(
        entries=(*rows, *(one for one in specs if isinstance(one, AccessEntry))),
        associations=tuple(one for one in specs if isinstance(one, PolicyAssociation)),
        rbac=RbacState(
            (*before.rbac.roles, *(one for one in specs if isinstance(one, Role))),
            (*kept, *(one for one in specs if isinstance(one, Binding))),
        ),
        display={
            (one.kind, one.namespace, one.name): desired.roles.get(one.name, one.name)
            for one in specs
            if isinstance(one, Role)
        },
    )


def prove(cluster: str, before: World, after: World, defaults: Iterable[Role], at: datetime) -> Proof:
    """Compare a cluster before and after for everybody whom either maps by name. `defaults` are Kubernetes' roles."""
    defaults = tuple(defaults)
    had, has = Judge(_bound(before), defaults), Judge(_bound(after), defaults)
    old, new = by_identity(had), by_identity(has)
    keys_of_all = sorted(old.keys() | new.keys())
    compared = _Comparing(cluster, had, has, at)
    for key in keys_of_all:
        compared.pair(old.get(key), new.get(key))
    users, groups = _named(before, after)
    for key in keys_of_all:
        one, other = old.get(key), new.get(key)
        sessions = {s for some in (one, other) if some is not None for s in named_sessions(some.user, users, groups)}
        for session in sorted(sessions):
            compared.pair(_session(one, session), _session(other, session), session)
    for account in before.reading.accounts if before.reading is not None else ():
        compared.pair(Somebody(f"everybody else of account {account}", User(FRESH), "account"), None)
    for name in users:
        somebody = had.somebody(name)
        # mapAccounts lets in whom no list names; those that bindings name have more than to log in.
        if somebody is not None and somebody.source == "account" and somebody.user.name == name:
            compared.pair(somebody, None)
    return Proof(cluster, len(keys_of_all), compared.asked, tuple(compared.deltas), tuple(compared.unlike))


class _Comparing:
    """Compares people one by one; whoever has the same as others is decided once."""

    def __init__(self, cluster: str, had: Judge, has: Judge, at: datetime) -> None:
        self._cluster, self._had, self._has, self._at = cluster, had, has, at
        self._seen: dict[tuple[Held, Held], tuple[int, tuple[Request, ...]]] = {}
        self._by_groups: dict[tuple[Judge, tuple[str, ...]], Has] = {}
        self.asked = 0
        self.deltas: list[Delta] = []
        self.unlike: list[Request] = []

    def pair(self, one: Somebody | None, other: Somebody | None, session: str = "") -> None:
        mine = self._of(self._had, one) if one is not None else _NOTHING
        theirs = self._of(self._has, other) if other is not None else _NOTHING
        asked, differing = self._decided(mine.held, theirs.held)
        self.asked += asked
        if mine == theirs and (one is None) == (other is None):
            return
        change = delta(self._cluster, self._had, one, self._has, other, self._at)
        if change is None:
            self.unlike += differing
        else:
            name = f"{change.principal} as the session {session}" if session else change.principal
            self.deltas.append(replace(change, principal=name))

    def _of(self, judge: Judge, somebody: Somebody) -> Has:
        """Return what somebody has: by name, and by groups, which many share and which is looked up once."""
        groups = somebody.user.groups
        if (judge, groups) not in self._by_groups:
            found = rights(judge, Somebody("", User(FRESH, groups), "row"))
            self._by_groups[judge, groups] = Has.of(found)
        shared = self._by_groups[judge, groups]
        own = Has.of(rights(judge, replace(somebody, user=replace(somebody.user, groups=()))))
        return Has(shared.held | own.held, shared.unknown | own.unknown)

    def _decided(self, mine: Held, theirs: Held) -> tuple[int, tuple[Request, ...]]:
        if (mine, theirs) not in self._seen:
            one, other = pieces(mine), pieces(theirs)
            # What both have both allow: there is nothing to ask.
            asked = {found for piece in one ^ other if (found := witness(*piece)) is not None}
            differing = tuple(found for found in asked if allowed(mine, found) != allowed(theirs, found))
            self._seen[mine, theirs] = (len(one | other), differing)
        return self._seen[mine, theirs]


def pieces(rights: Held) -> frozenset[tuple[str, Atom]]:
    """Return all atoms that somebody has, each with its place."""
    return frozenset((place, atom) for place, rules in rights for atom in _atoms(rules))


def allowed(rights: Held, request: Request) -> bool:
    """Answer a request."""
    return any(
        (not place or matches_star(place, request.namespace)) and any(allows(rule, request) for rule in rules)
        for place, rules in rights
    )


def witness(place: str, atom: Atom) -> Request | None:
    """Return the request of an atom that only atoms allow which are at least as wide; None for what allows nothing."""
    verb = _fresh(atom.verb)
    if isinstance(atom, UrlAtom):
        path = atom.url.rstrip("*") + FRESH if atom.url.endswith("*") else atom.url
        return Request(verb, path=path) if path and not place else None
    resource, _, subresource = atom.resource.partition("/")
    return Request(
        verb,
        # A star is one before a subresource too; behind it, it is a letter like any other.
        _fresh(resource),
        _fresh(atom.group),
        FRESH if atom.resource == "*" else subresource,
        FRESH if atom.name is None else atom.name,
        place.replace("*", FRESH),
    )


@lru_cache(maxsize=65536)
def _atoms(rules: tuple[Rule, ...]) -> frozenset[Atom]:
    return frozenset(atom for rule in rules for atom in atoms(rule))


def _fresh(text: str) -> str:
    return FRESH if text == "*" else text


def _bound(world: World) -> World:
    """Return a world without bindings to roles that are not there: they give nothing, and what they may is unknown.

    And without what policies say of access policies: what entries are associated with counts.
    """
    authorizer = Authorizer(world.rbac)
    bindings = tuple(one for one in world.rbac.bindings if authorizer.role_of(one) is not None)
    return replace(world, rbac=replace(world.rbac, bindings=bindings), policies={})


def _without(binding: Binding, old: Collection[SubjectKey]) -> Binding:
    """Return a binding without these subjects."""
    kept = tuple(one for one in binding.subjects if subject_key(one, binding.namespace) not in old)
    return binding if len(kept) == len(binding.subjects) else replace(binding, subjects=kept)


def _named(*worlds: World) -> tuple[Sequence[str], Sequence[str]]:
    """Return the users and the groups that bindings name, each sorted."""
    found = [subject for world in worlds for binding in world.rbac.bindings for subject in binding.subjects]
    users, groups = (sorted({one.name for one in found if one.kind == kind}) for kind in ("User", "Group"))
    return users, groups


def _session(one: Somebody | None, session: str) -> Somebody | None:
    return replace(one, user=as_session(one.user, session)) if one is not None else None
