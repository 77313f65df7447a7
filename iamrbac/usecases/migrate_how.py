"""How a migration goes about it, and what it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from iamrbac.model.backups import Backups
from iamrbac.plan.change import Plan
from iamrbac.usecases.keep import Keeping
from iamrbac.usecases.lock import Locking
from iamrbac.usecases.outcome import Outcome
from iamrbac.usecases.ports import Progress
from iamrbac.usecases.recording import Recording

Step: TypeAlias = Literal["mode", "entries", "verify", "policies", "rows", "undo", "final"]


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that a migration did, or could not do."""

    cluster: str
    step: Step
    text: str
    outcome: Outcome = Outcome.DONE
    why: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class How:
    """How to go about it."""

    instance: str
    home: str
    backups: Backups
    progress: Progress
    pause: Callable[[float], None]
    monotonic: Callable[[], float]
    now: Callable[[], datetime]
    locking: Locking | None
    leaving: Callable[[Plan, str], tuple[Keeping | None, Recording | None]]
    """Returns how what a step changes is kept and recorded; takes it and the step's name for history."""
    settle: float
    """Seconds that an entry gets to count everywhere before its row goes."""
    timeout: float
    """Seconds to wait at most for the mode, and for the probes."""
    keep_rows: bool
    after_conflict: Callable[[int], None]
