"""A rule of lint: what it is called, why it matters, what to do, and how it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from iamrbac.access.powers import Held, Power
from iamrbac.findings.finding import Level
from iamrbac.lint.matter import Grant, Grants, Ground, Hit, Rules, Scope, Shelf, Sourced, Told, Where
from iamrbac.rbac.catalogue import Catalogue

ERROR, WARNING, INFO = Level.ERROR, Level.WARNING, Level.INFO
LOWER = {ERROR: WARNING, WARNING: INFO, INFO: INFO}
EVERY = "*"
"""In `unless`: any other rule that is an error."""


class Levels(NamedTuple):
    """How much a rule weighs in the whole cluster, in a namespace, and in a privileged one; None: it says nothing.

    An error reaches further than its line seems to: the whole cluster, other people's namespaces, credentials. A
    warning takes over what is in the namespace. An info is worth knowing, and what an ordinary role needs.
    """

    cluster: Level | None
    namespace: Level | None = None
    privileged: Level | None = None

    def of(self, scope: Scope) -> Level | None:
        """Return the level in a scope."""
        match scope:
            case Scope.CLUSTER:
                return self.cluster
            case Scope.NAMESPACE:
                return self.namespace
            case Scope.PRIVILEGED:
                return self.privileged


def always(level: Level) -> Levels:
    """Return the same level everywhere."""
    return Levels(level, level, level)


class Example(NamedTuple):
    """A snippet that a rule speaks of, or does not: a test and its documentation."""

    kind: Literal["cluster", "namespace", "documents", "manifests"]
    """Rules of a template that is given in the whole cluster or in a namespace; whole documents; manifests."""
    text: str
    namespace: str = "payments"
    role: str = "example"
    """The template's name."""


def in_cluster(text: str) -> Example:
    """Rules of a template that is given in the whole cluster."""
    return Example("cluster", text)


def in_namespace(text: str, namespace: str = "payments", role: str = "example") -> Example:
    """Rules of a template that is given in a namespace."""
    return Example("namespace", text, namespace, role)


def documents(text: str) -> Example:
    """Documents of a repository."""
    return Example("documents", text)


def manifests(text: str) -> Example:
    """Kubernetes manifests."""
    return Example("manifests", text)


@dataclass(frozen=True, slots=True)
class RightsCheck:
    """Looks at the rights in one scope: of one role, and `together` those of several that somebody holds at once."""

    find: Callable[[Held, Where, Ground], Iterator[Hit]]
    together: bool = False


@dataclass(frozen=True, slots=True)
class RolesCheck:
    """Looks at the rules of a role as they are written."""

    find: Callable[[Rules, Where, Catalogue], Iterator[Hit]]
    placed: bool = False
    """What it says depends on where the role is given, not only on its words."""


@dataclass(frozen=True, slots=True)
class GrantCheck:
    """Looks at one grant: its role's name, its subjects."""

    find: Callable[[Grant, Ground], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class TogetherCheck:
    """Looks at all that one set or subject has on one cluster, where that is more than one grant."""

    find: Callable[[Grants, Ground], Iterator[tuple[Grant, Hit]]]


@dataclass(frozen=True, slots=True)
class DocumentsCheck:
    """Looks at the documents of a repository."""

    find: Callable[[Shelf], Iterator[Told]]


@dataclass(frozen=True, slots=True)
class ObjectsCheck:
    """Looks at manifests."""

    find: Callable[[Sequence[Sourced], Ground], Iterator[Told]]


@dataclass(frozen=True, slots=True)
class PathCheck:
    """Whom a grant makes somebody through others; the search itself is `access.escalation`."""


Check: TypeAlias = RightsCheck | RolesCheck | GrantCheck | TogetherCheck | DocumentsCheck | ObjectsCheck | PathCheck


@dataclass(frozen=True, slots=True)
class LintRule:
    """One rule."""

    id: str
    title: str
    """What somebody may do, or what is wrong, in a few words."""
    why: str
    fix: str
    levels: Levels
    references: tuple[str, ...]
    """Public documents."""
    check: Check
    good: Example
    bad: Example
    unless: tuple[str, ...] = ()
    """Rules that say more already where both find something."""
    broad: bool = False
    """It is about so much that what it finds hides what other rules find in the same RBAC rules."""
    also: tuple[str, ...] = ()
    """Rules that speak of its bad example too."""


def may(says: str, *rights: Power) -> RightsCheck:
    """Look for any of some rights; {what} in `says` is those that are held. By name they weigh less."""

    def find(held: Held, _: Where, __: Ground) -> Iterator[Hit]:
        return hold(held, says, rights)

    return RightsCheck(find)


def hold(held: Held, says: str, rights: Sequence[Power], level: Level | None = None) -> Iterator[Hit]:
    """Yield one hit for whichever of the rights are held."""
    found = [(right, reach) for right in rights if (reach := held.reach(right)) is not None]
    unlimited = [(right, reach) for right, reach in found if reach.unlimited]
    told = unlimited or found
    if not told:
        return
    what = ", ".join(dict.fromkeys(right.qualified for right, _ in told))
    rules = tuple(dict.fromkeys(rule for _, reach in told for rule in reach.rules))
    names = sorted({name for _, reach in told for name in reach.names}) if not unlimited else ()
    named = f" named {listed(names)}" if names else ""
    yield Hit(says.replace("{what}", what) + named, rules, bool(names), level)


def listed(names: Sequence[str]) -> str:
    """Return names for a sentence, at most six of them."""
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
