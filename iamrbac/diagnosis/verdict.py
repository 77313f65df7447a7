"""What a check says: whether it held, what was seen, what may be wrong, and who can do something about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from iamrbac.model.origin import Origin

Check: TypeAlias = Literal["credentials", "clock", "endpoint", "cluster", "mapping", "rbac"]
CHECKS: Final[tuple[Check, ...]] = ("credentials", "clock", "endpoint", "cluster", "mapping", "rbac")
"""In the order in which they are made: each is worth asking only where the ones before it hold."""

NEAREST: Final = "nearest"
"""The id of what comes nearest to being granted, of which there may be several."""


class Status(StrEnum):
    """How a check ended. Unknown is not failed: it could not be made, or not to the end."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_REACHED = "not-reached"


class Fixer(StrEnum):
    """Who can do something about a cause."""

    YOU = "you"
    PLATFORM = "platform-team"
    OWNERS = "owners"
    """The owners of a team's policy (spec.owners), or of the team that a namespace belongs to."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that may be wrong."""

    id: str
    """Stable, for scripts: `role-path-in-aws-auth`."""
    text: str
    fixer: Fixer
    run: str = ""
    """What to run or to do next."""
    sure: bool = False
    """It was seen; else it is one of those that look alike from here."""
    people: tuple[str, ...] = ()
    """Who the owners are, where that is known."""
    origins: tuple[Origin | str, ...] = ()
    """The policy lines that it is about, a text as an index has it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check's answer."""

    check: Check
    status: Status
    saw: str = ""
    """What was seen, as one line."""
    causes: tuple[Cause, ...] = ()
    """The likeliest first; where one was seen, nothing else."""


def ok(check: Check, saw: str) -> Verdict:
    """Return the verdict of a check that held."""
    return Verdict(check, Status.OK, saw)


def failed(check: Check, saw: str, causes: Iterable[Cause]) -> Verdict:
    """Return the verdict of a check that did not hold: the causes that were seen, or else all that there may be."""
    found: dict[str, Cause] = {}
    for cause in causes:
        found.setdefault(cause.text if cause.id == NEAREST else cause.id, cause)
    ordered = tuple(found.values())
    seen = tuple(cause for cause in ordered if cause.sure)
    return Verdict(check, Status.FAILED, saw, seen or ordered)


def unknown(check: Check, saw: str, causes: Iterable[Cause] = ()) -> Verdict:
    """Return the verdict of a check that could not be made."""
    return Verdict(check, Status.UNKNOWN, saw, tuple(causes))


def not_reached(check: Check) -> Verdict:
    """Return the verdict of a check that makes no sense before an earlier one holds."""
    return Verdict(check, Status.NOT_REACHED)
