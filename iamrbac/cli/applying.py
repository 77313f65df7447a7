"""How a command that writes applies its plan: locked, with a backup, and with word of it left on the clusters."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from iamrbac.cli import show
from iamrbac.cli.options import Output
from iamrbac.cli.terminal import Terminal

if TYPE_CHECKING:
    from iamrbac.plan.change import Plan
    from iamrbac.usecases.apply import Applying
    from iamrbac.usecases.lock import Locking
    from iamrbac.usecases.ports import Edges


def applying(
    terminal: Terminal,
    output: Output,
    edges: Edges,
    plan: Plan,
    doing: str,
    said: tuple[tuple[str, str], ...],
    locking: Locking | None,
    *,
    no_backup: bool,
) -> Applying:
    """Return how to apply. `doing` is the command as history shows it, `said` what was allowed by name."""
    from iamrbac import wiring
    from iamrbac.usecases.apply import Applying

    if plan.changed and no_backup:
        terminal.warn("no backup is kept (--no-backup): what is changed now cannot be rolled back")
    keeping, recording = None, None
    if plan.planned:
        run = wiring.this_run(edges, plan, doing, said)
        keeping = show.keeping(terminal, output, edges, plan, run) if not no_backup else None
        recording = wiring.recording(run, terminal.warn, terminal.note)
    return Applying(terminal, time.sleep, locking=locking, recording=recording, keeping=keeping, allowed=said)
