"""Who gains and who loses which rights where, by what the rules allow: two worlds in, a list of changes out.

Names of roles, bindings, groups and teams do not count, and neither does how many of them give a right. An atom of a
rule is gained where nothing that somebody had there covers it (`covers`, the API server's own comparison), so that a
request which was denied and is allowed now is always in a gain, and one that was allowed and is denied in a loss. A
star is covered by a star only: whoever had every verb that there is and gets `*` gains `*`.

Time counts as well: a right that ends later than before is a gain from the day on which it would have ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Literal, TypeAlias

from iamrbac.access.eks_policies import matches_star
from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.rights import Right, common, rights
from iamrbac.access.unchanged import Unchanged
from iamrbac.compile.names import team_of
from iamrbac.mapping.resolve import identity
from iamrbac.model.origin import Origin
from iamrbac.rbac.covers import Atom, atoms, compact, missing
from iamrbac.rbac.escalation import EVERYTHING
from iamrbac.rbac.match import allows
from iamrbac.rbac.objects import Request, Rule

Way: TypeAlias = Literal["gain", "lose"]
_Piece: TypeAlias = Atom | str
"""An atom of a rule, or the name of a role whose rules nobody here knows."""


@dataclass(frozen=True, slots=True)
class Giver:
    """A role that gives what is gained, or gave what is lost."""

    role: str
    """As a policy calls it."""
    team: str
    """"" where it is no team's of ours."""
    origins: tuple[Origin, ...]
    """The policy lines, of the head for a gain, of the base for a loss."""
    whole: bool
    """Whether that is the role's all."""
    ends: datetime | None = None
    """When what it gives ends by itself: a temporary grant's."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Rights that somebody gains or loses in some places."""

    change: Way
    namespaces: tuple[str, ...]
    """Sorted; ("",) is the whole cluster."""
    rules: tuple[Rule, ...]
    unknown: tuple[str, ...]
    """Roles and access policies whose rules nobody here knows: what they give is gained or lost, too."""
    starts: datetime | None
    """None: at once."""
    until: datetime | None
    """None: for good. For a loss, when it would have ended anyway."""
    givers: tuple[Giver, ...]
    elsewhere: tuple[str, ...] = ()
    """Of a change in the whole cluster: where somebody had it before the gain, or still has it after the loss."""

    def about(self, request: Request) -> bool:
        """Say whether it makes the difference for a request, at its time."""
        here = any(not one or matches_star(one, request.namespace) for one in self.namespaces)
        return here and any(allows(rule, request) for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Delta:
    """Everything that changes for one principal on one cluster."""

    cluster: str
    principal: str
    login: Literal["gain", "lose", ""]
    """Whether the cluster begins or ceases to know the principal; with it goes what everybody has who logs in."""
    effects: tuple[Effect, ...]
    everybodys: tuple[Rule, ...] = ()
    """What everybody has who logs in, which is not in `effects`."""

    def about(self, request: Request, change: Way) -> bool:
        """Say whether a request that is answered otherwise at once is in a change of this kind."""
        if self.login == change and any(allows(rule, request) for rule in self.everybodys):
            return True
        return any(one.change == change and one.starts is None and one.about(request) for one in self.effects)


def deltas(cluster: str, before: Judge, after: Judge, at: datetime) -> tuple[Delta, ...]:
    """Return what changes for every principal that is mapped on a cluster before or after, by name."""
    had, has = by_identity(before), by_identity(after)
    unchanged = Unchanged(before, after)
    keys = (key for key in sorted(had.keys() | has.keys()) if not unchanged.holds_of(had.get(key), has.get(key)))
    found = (delta(cluster, before, had.get(key), after, has.get(key), at) for key in keys)
    return tuple(one for one in found if one is not None)


def by_identity(judge: Judge) -> dict[str, Somebody]:
    """Return everybody by what they are, whatever a revision calls them; by name where two would be the same."""
    found: dict[str, list[Somebody]] = defaultdict(list)
    for one in judge.everybody():
        found[judge.world.same.get(one.principal, identity(one.principal))].append(one)
    return {key if len(some) == 1 else one.principal: one for key, some in found.items() for one in some}


def delta(
    cluster: str, before: Judge, had: Somebody | None, after: Judge, has: Somebody | None, at: datetime
) -> Delta | None:
    """Return what changes for somebody, from the time `at` on; None for nothing. None of both is nobody's mapping."""
    old = rights(before, had) if had is not None else ()
    new = rights(after, has) if has is not None else ()
    if (had is None) == (has is None) and _bare(old) == _bare(new):
        return None
    login: Literal["gain", "lose", ""] = "" if (had is None) == (has is None) else "gain" if had is None else "lose"
    everybodys = common(old or new) if login else ()
    times = sorted({one.ends for one in (*old, *new) if one.ends is not None and one.ends > at})
    gained = _effects("gain", (*old, *everybodys) if login else old, new, at, times)
    lost = _effects("lose", (*new, *everybodys) if login else new, old, at, times)
    effects = (*gained, *lost)
    if not effects and not login:
        return None
    somebody = has or had
    name = somebody.principal if somebody is not None else ""
    return Delta(cluster, name, login, effects, _together(everybodys))


def _bare(found: Iterable[Right]) -> frozenset[object]:
    """Return rights without their names: where these are the same nothing can have changed."""
    return frozenset((one.namespace, one.rules, one.ends, one.role if one.rules is None else "") for one in found)


def _effects(
    change: Way, held: Sequence[Right], given: Sequence[Right], at: datetime, times: Sequence[datetime]
) -> tuple[Effect, ...]:
    """Return what `given` has and `held` has not, place by place, with places together where it is the same."""
    together: dict[Effect, list[str]] = defaultdict(list)
    for place in sorted({one.namespace for one in given}):
        for effect in _at(change, place, held, given, (at, *times)):
            together[replace(effect, namespaces=())].append(place)
    return tuple(replace(effect, namespaces=tuple(places)) for effect, places in together.items())


def _at(
    change: Way, place: str, held: Sequence[Right], given: Sequence[Right], times: Sequence[datetime]
) -> Iterator[Effect]:
    """Yield an effect for each span of time; pieces that come and go together are one effect."""
    spans: dict[_Piece, list[int]] = defaultdict(list)
    for index, time in enumerate(times):
        for piece in _pieces(place, _alive(held, time), _alive(given, time)):
            spans[piece].append(index)
    runs: dict[tuple[int, int], list[_Piece]] = defaultdict(list)
    for piece, indexes in spans.items():
        for run in _runs(indexes):
            runs[run].append(piece)
    for (first, last), pieces in sorted(runs.items()):
        here = [one for one in _alive(given, times[first]) if one.namespace == place]
        found = frozenset(pieces)
        yield Effect(
            change,
            (place,),
            _compact(tuple(one for one in pieces if not isinstance(one, str))),
            tuple(sorted(one for one in pieces if isinstance(one, str))),
            times[first] if first else None,
            times[last + 1] if last + 1 < len(times) else None,
            tuple(dict.fromkeys(_giver(one, found) for one in here if _of(one) & found)),
            _elsewhere(pieces, _alive(held, times[first])) if not place else (),
        )


def _alive(found: Sequence[Right], time: datetime) -> list[Right]:
    return [one for one in found if one.ends is None or one.ends > time]


def _pieces(place: str, held: Sequence[Right], given: Sequence[Right]) -> tuple[_Piece, ...]:
    """Return what is given in a place and not held there; what the whole cluster gives is told there, once."""
    servant = _together(one for one in given if one.namespace == place)
    wider = [one for one in given if place and not one.namespace]
    owner = _together((*(one for one in held if one.reaches(place)), *wider))
    unknown = {one.role for one in given if one.namespace == place and one.rules is None}
    if unknown and not _missing(owner, EVERYTHING):
        unknown = set()
    known = {one.role for one in held if one.reaches(place) and one.rules is None}
    return (*_missing(owner, servant), *sorted(unknown - known - {one.role for one in wider if one.rules is None}))


def _together(found: Iterable[Right]) -> tuple[Rule, ...]:
    return tuple(dict.fromkeys(rule for one in found for rule in one.rules or ()))


@lru_cache(maxsize=65536)
def _missing(owner: tuple[Rule, ...], servant: tuple[Rule, ...]) -> tuple[Atom, ...]:
    """Return the atoms that owner lacks, each once. Many people hold the same rules, so the answers are kept."""
    return tuple(dict.fromkeys(missing(owner, servant)))


@lru_cache(maxsize=65536)
def _atoms(rules: tuple[Rule, ...]) -> frozenset[Atom]:
    return frozenset(atom for rule in rules for atom in atoms(rule))


@lru_cache(maxsize=65536)
def _compact(pieces: tuple[Atom, ...]) -> tuple[Rule, ...]:
    return compact(pieces)


def _of(right: Right) -> frozenset[_Piece]:
    return frozenset((right.role,)) if right.rules is None else _atoms(right.rules)


def _giver(right: Right, found: frozenset[_Piece]) -> Giver:
    return Giver(right.role, team_of(right.group), right.origins, _of(right) <= found, right.ends)


def _elsewhere(pieces: Sequence[_Piece], held: Sequence[Right]) -> tuple[str, ...]:
    """Return the namespaces in which all of the pieces are held."""
    servant = _compact(tuple(one for one in pieces if not isinstance(one, str)))
    unknown = {one for one in pieces if isinstance(one, str)}
    return tuple(
        place
        for place in sorted({one.namespace for one in held if one.namespace})
        if not _missing(_together(one for one in held if one.reaches(place)), servant)
        and unknown <= {one.role for one in held if one.reaches(place) and one.rules is None}
    )


def _runs(indexes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of each row of numbers that follow each other."""
    first = last = indexes[0]
    for index in indexes[1:]:
        if index != last + 1:
            yield first, last
            first = index
        last = index
    yield first, last
