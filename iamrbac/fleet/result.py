"""What became of the clusters of a fleet, and when a run stops."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Became(StrEnum):
    """What became of one cluster."""

    DONE = "done"
    """Everything is written; through Git: it is on the branch, or proposed."""
    UNCHANGED = "unchanged"
    """Nothing was to change."""
    FAILED = "failed"
    """Something could not be written; perhaps a part was."""
    TIMED_OUT = "timedOut"
    """It took too long; perhaps a part was written."""
    REFUSED = "refused"
    """A finding refuses it, or it is no longer as it was shown; nothing was written."""
    NOT_PLANNED = "notPlanned"
    """It could not be read; nothing was written."""
    WAITING = "waiting"
    """The rest is for a run after Argo CD or Flux has brought there what was committed."""
    INTERRUPTED = "interrupted"
    """The run was interrupted while it was written."""
    NOT_BEGUN = "notBegun"
    """The run stopped before."""
    EARLIER = "earlier"
    """An earlier run that this one goes on from did it: it was neither read nor written."""


COUNTS: Final = frozenset({Became.FAILED, Became.TIMED_OUT, Became.REFUSED, Became.NOT_PLANNED})
"""What counts towards the limit."""
FINISHED: Final = frozenset({Became.DONE, Became.UNCHANGED, Became.EARLIER})
"""What a run that goes on need not look at."""


WROTE: Final = frozenset({Became.DONE, Became.EARLIER, Became.WAITING, Became.TIMED_OUT})
"""Something was written, or may have been."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one cluster of a run."""

    cluster: str
    wave: int
    became: Became
    canary: bool = False
    done: int = 0
    """Changes that were written."""
    changes: int = 0
    """Changes that were to be written."""
    reason: str = ""
    hint: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why nothing more is begun; an empty one while more may be."""

    reason: str = ""

    def __bool__(self) -> bool:
        return bool(self.reason)


def stops(results: Iterable[Result], limit: int) -> Stop:
    """Say whether so many clusters failed that nothing more is to be begun."""
    bad = [one.cluster for one in results if one.became in COUNTS]
    if len(bad) < limit:
        return Stop()
    what = f"{bad[0]} failed" if len(bad) == 1 else f"{len(bad)} clusters failed"
    return Stop(f"{what}, and the fleet stops after {limit}")


def exit_code(
    results: Iterable[Result], *, interrupted: bool = False, iam_undone: bool = False, accounts_failed: bool = False
) -> int:
    """Return the exit code of design §4: 6 where only a part was written, 3 where findings stood in the way, else 1.

    `iam_undone`: a change in IAM was not made; `accounts_failed`: an account's IAM could not be read.
    """
    results = tuple(results)
    if interrupted:
        return 130
    bad = {one.became for one in results} - FINISHED
    if not bad and not iam_undone:
        return 1 if accounts_failed else 0
    if bad == {Became.NOT_PLANNED} and not iam_undone:
        return 1
    if iam_undone or any(one.done or one.became in WROTE for one in results):
        return 6
    return 3 if bad <= {Became.REFUSED, Became.NOT_BEGUN} else 1
