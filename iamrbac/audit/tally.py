"""Counts audit events, one at a time. What it keeps grows with the grants and the caps, not with the log."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeAlias

from iamrbac.audit.grants import SetGrant
from iamrbac.audit.reading import TIME, UNAUTHORIZED, bound_by, code_of, denied, impersonations, refused_of, request_of
from iamrbac.audit.template import atom_of
from iamrbac.compile.names import team_of
from iamrbac.rbac.covers import Atom
from iamrbac.rbac.objects import Request, Rule

CAP: Final = 100_000
"""As many different requests and denials are kept; and as many different atoms of a role with stars."""
SYSTEM: Final = "system:"
_RECEIVED, _STARTED = "RequestReceived", "ResponseStarted"


@dataclass(slots=True)
class Uses:
    """How often something was done, and when."""

    times: int = 0
    """Requests that ended."""
    first: str = ""
    last: str = ""

    def seen(self, at: str, times: int) -> None:
        """Count it in."""
        self.times += times
        if at > self.last:
            self.last = at
        if not self.first or at < self.first:
            self.first = at


@dataclass(slots=True)
class RoleUse:
    """What was used of a role by a set, in any namespace."""

    atoms: set[Atom] = field(default_factory=set)
    overflow: bool = False
    """There was more than is kept."""
    beyond: bool = False
    """The cluster's role gave more than is known of it here."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Who was denied what; `request.name` is only there where a role of ours names it."""

    user: str
    groups: tuple[str, ...]
    """Of our sets."""
    request: Request


_Key: TypeAlias = tuple[tuple[str, ...], Request]
RoleKey: TypeAlias = tuple[str, str, tuple[Rule, ...] | None]
"""A set's group, the role as its policy calls it, and its rules."""


class Tally:
    """What a log says about some grants of one instance on one cluster."""

    def __init__(self, grants: Iterable[SetGrant], instance: str, cap: int = CAP) -> None:
        self.grants = tuple(grants)
        self.uses: dict[SetGrant, Uses] = {grant: Uses() for grant in self.grants}
        self.roles: dict[RoleKey, RoleUse] = {role_key(grant): RoleUse() for grant in self.grants}
        self.refusals: dict[Refusal, Uses] = {}
        self.counts: Counter[str] = Counter()
        self.first, self.last = "", ""
        self.days: set[str] = set()
        self._prefix = f"iamrbac:{instance}:"
        self._cap = cap
        self._by_group: dict[str, list[SetGrant]] = defaultdict(list)
        for grant in self.grants:
            self._by_group[grant.group].append(grant)
        self._by_binding = {(grant.group, grant.binding): grant for grant in self.grants if grant.binding is not None}
        # A name that no rule has is as good as any other such name, so only these are kept.
        self._names = {name for one in self.grants for rule in one.rules or () for name in rule.resource_names}
        self._found: dict[_Key, tuple[Uses, ...]] = {}

    def add(self, event: Mapping[str, Any]) -> None:
        """Count an event in. Raises ValueError where it is not shaped as one; nothing of it is counted then."""
        at, stage = event.get("requestReceivedTimestamp"), event.get("stage")
        if not isinstance(at, str) or TIME.match(at) is None or not isinstance(stage, str):
            raise ValueError("it has no stage and time")
        at, day = at[:19], at[:10]
        if day not in self.days:
            date.fromisoformat(day)
        if stage != _RECEIVED:
            self._count(event, at, 0 if stage == _STARTED else 1)
        self.counts["events"] += 1
        self.days.add(day)
        if at > self.last:
            self.last = at
        if not self.first or at < self.first:
            self.first = at

    def _count(self, event: Mapping[str, Any], at: str, times: int) -> None:
        user, impersonated = event.get("user"), event.get("impersonatedUser")
        actor = groups = self._ours(user)
        if impersonated is not None:
            groups, user = self._ours(impersonated), impersonated
        no = denied(event)
        if not (groups or actor or no):
            # Of a request whose token nobody knows, the API server tells the first stage alone.
            unknown = code_of(event) == UNAUTHORIZED
            self.counts["unauthenticated" if unknown else "others"] += 1 if unknown else times
            return
        request = self._plain(refused_of(event) if no else request_of(event))
        for asked in impersonations(event) if actor else ():
            self._used(actor, self._plain(asked), None, at, times)
        if no:
            self._refused(_name(user), groups, request, at, times)
            return
        if not groups:
            self.counts["others"] += times
            return
        self.counts["ours"] += times
        self.counts["dryRuns"] += times * ("dryRun=All" in str(event.get("requestURI", "")))
        if not self._used(groups, request, event, at, times):
            self.counts["otherwise"] += times

    def _ours(self, user: Any) -> tuple[str, ...]:
        """Return which groups of our sets a user carries, sorted. Raises ValueError where it is no user."""
        if not isinstance(user, dict):
            raise ValueError("it has no user")
        groups = user.get("groups") or ()
        if not isinstance(groups, list | tuple):
            raise ValueError("its user's groups are no list")
        found = [one for one in groups if isinstance(one, str) and one.startswith(self._prefix) and team_of(one)]
        return tuple(sorted(found)) if found else ()

    def _plain(self, request: Request) -> Request:
        """Return a request without a name that means nothing here."""
        if not request.name or request.name in self._names:
            return request
        return Request(
            request.verb, request.resource, request.api_group, request.subresource, "", request.namespace, request.path
        )

    def _used(
        self, groups: tuple[str, ...], request: Request, event: Mapping[str, Any] | None, at: str, times: int
    ) -> bool:
        key = (groups, request)
        found = self._found.get(key)
        if found is None:
            found = self._judged(groups, request)
            # What is kept here is only quicker than to judge anew.
            if len(self._found) >= self._cap:
                self._found.clear()
            self._found[key] = found
        if not found and event is not None:
            found = self._told(groups, event)
        for one in found:
            one.seen(at, times)
        return bool(found)

    def _judged(self, groups: tuple[str, ...], request: Request) -> tuple[Uses, ...]:
        found = []
        for grant in (one for group in groups for one in self._by_group.get(group, ())):
            rule = grant.allows(request)
            if rule is not None:
                found.append(self.uses[grant])
                self._needed(self.roles[role_key(grant)], atom_of(request, rule))
        return tuple(found)

    def _needed(self, role: RoleUse, atom: Atom | None) -> None:
        if atom is None or atom in role.atoms:
            return
        if len(role.atoms) >= self._cap:
            role.overflow = True
        else:
            role.atoms.add(atom)

    def _told(self, groups: tuple[str, ...], event: Mapping[str, Any]) -> tuple[Uses, ...]:
        """Return the grant by which the API server says it allowed what is not known here to be in the role."""
        kind, namespace, name = bound_by(event)
        found = (self._by_binding.get((group, (kind, namespace or None, name))) for group in groups)
        grant = next((one for one in found if one is not None), None)
        if grant is None:
            return ()
        self.roles[role_key(grant)].beyond = True
        return (self.uses[grant],)

    def _refused(self, user: str, groups: tuple[str, ...], request: Request, at: str, times: int) -> None:
        self.counts["denied"] += times
        if user.startswith(SYSTEM):
            self.counts["deniedSystem"] += times
            return
        key = Refusal(user, groups, request)
        uses = self.refusals.get(key)
        if uses is None:
            if len(self.refusals) >= self._cap:
                self.counts["deniedOther"] += times
                return
            uses = self.refusals[key] = Uses()
        uses.seen(at, times)


def _name(user: Any) -> str:
    name = user.get("username") if isinstance(user, dict) else None
    return name if isinstance(name, str) else ""


def role_key(grant: SetGrant) -> RoleKey:
    """Return what makes grants of one set the same role in several namespaces."""
    return grant.group, grant.role, grant.rules
