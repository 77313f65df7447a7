"""What became of the changes of an apply: one event for each, as it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from iamrbac.model.errors import IamrbacError
from iamrbac.plan.change import Change


class Outcome(StrEnum):
    """What became of one change."""

    DONE = "done"
    """It is written; through Git: it is on the branch."""
    PROPOSED = "proposed"
    """It is in a pull request."""
    FAILED = "failed"
    SKIPPED = "skipped"
    WAITING = "waiting"
    """It is to be written once the cluster has what was committed."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change's outcome; `reason` says why it failed, was skipped or waits."""

    change: Change
    outcome: Outcome
    reason: str = ""
    hint: str = ""
    commit: str = ""
    """The commit that it is in, where it goes through Git."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A commit to a delivery repository, or why there is none."""

    repository: str
    branch: str
    clusters: tuple[str, ...]
    files: int
    outcome: Outcome
    commit: str = ""
    url: str = ""
    """The pull request, where it is one."""
    reason: str = ""
    hint: str = ""


def attempt(change: Change, write: Callable[[Change], None]) -> Event:
    """Do one write, and return what became of it."""
    try:
        write(change)
    except IamrbacError as error:
        return Event(change, Outcome.FAILED, error.message, error.hint)
    return Event(change, Outcome.DONE)
