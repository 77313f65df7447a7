"""What `iamrbac fleet apply` does once somebody said yes: write, show, and come to an end on Ctrl-C."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from iamrbac.cli import show
from iamrbac.cli.options import Output
from iamrbac.cli.planning import at_now
from iamrbac.cli.terminal import Terminal

if TYPE_CHECKING:
    from iamrbac.usecases.apply import Applying
    from iamrbac.usecases.fence import Fences
    from iamrbac.usecases.fleet import FleetPlan
    from iamrbac.usecases.fleet_run import FleetApplying, FleetEvent, FleetRun
    from iamrbac.usecases.outcome import Delivered, Event
    from iamrbac.usecases.ports import Edges


@dataclass(frozen=True, slots=True)
class Way:
    """How the person wants it applied."""

    allowed: tuple[tuple[str, str], ...]
    """What was allowed by name."""
    lock_patience: float
    no_lock: bool = False
    no_backup: bool = False


def run_fleet(terminal: Terminal, output: Output, edges: Edges, fleet: FleetPlan, fences: Fences, way: Way) -> int:
    """Apply to the fleet, show what happens, and return the exit code."""
    from iamrbac.fleet.result import exit_code
    from iamrbac.render import fleet as view
    from iamrbac.usecases.fleet_run import FleetRun
    from iamrbac.usecases.outcome import Outcome

    how = applying(terminal, edges, fleet, fences, way)
    run = FleetRun(edges, fleet, how)
    again = "iamrbac fleet apply --resume"
    with _interruptible(run, terminal), closing(run.events()) as events:
        for event in events:
            _show(terminal, output, event)
    code = exit_code(
        run.results,
        interrupted=run.interrupted,
        iam_undone=any(one.outcome is not Outcome.DONE for one in run.iam),
        accounts_failed=bool(fleet.plan.failed_accounts),
    )
    if output is Output.JSON:
        terminal.line(view.summary_json(run, code, way.allowed))
    else:
        terminal.answer(view.summary_text(run, terminal.paint, again))
    return code


def applying(terminal: Terminal, edges: Edges, fleet: FleetPlan, fences: Fences, way: Way) -> FleetApplying:
    """Return how to apply to the fleet. Raises AwsError, FleetStateError."""
    from iamrbac import wiring
    from iamrbac.usecases.fleet_run import FleetApplying

    store = wiring.fleet_store(fleet.key.instance, _part(fleet))
    return FleetApplying(_each(terminal, edges, fleet, way), store, fences, at_now)


def _part(fleet: FleetPlan) -> str:
    shard = fleet.request.part.shard
    return str(shard).replace("/", "-of-") if shard is not None else ""


def _each(terminal: Terminal, edges: Edges, fleet: FleetPlan, way: Way) -> Applying:
    """Return how each cluster is applied: all of them in one run, which one rollback undoes."""
    from iamrbac import wiring
    from iamrbac.usecases.apply import Applying
    from iamrbac.usecases.deliver import Recorded

    plan = fleet.plan
    locking = None if way.no_lock else wiring.locking(way.lock_patience, terminal, lambda: None)
    each = Applying(terminal, time.sleep, locking=locking, allowed=way.allowed, recorded=Recorded(way.allowed))
    if plan.changed and way.no_lock:
        terminal.warn("no lock is taken (--no-lock): make sure that nobody else applies to these clusters meanwhile")
    if plan.changed and way.no_backup:
        terminal.warn("no backup is kept (--no-backup): what is changed now cannot be rolled back")
    if not plan.planned:
        return each
    run = wiring.this_run(edges, plan, "apply", way.allowed)
    keeping = None
    if not way.no_backup:
        lines = show.lines_of(edges.repository, (origin for change in plan.changes for origin in change.because))
        keeping = wiring.keeping(run, terminal, terminal.warn, lines, lambda _: None)
        if plan.changed:
            terminal.step(f"Backups are kept; to go back: iamrbac rollback {run.id}")
    return replace(each, recording=wiring.recording(run, terminal.warn, terminal.note), keeping=keeping)


def _show(terminal: Terminal, output: Output, event: FleetEvent) -> None:
    from iamrbac.fleet.result import FINISHED, Became, Result
    from iamrbac.render import apply as writes
    from iamrbac.render import fleet as view
    from iamrbac.usecases.fleet_run import Pausing, WaveBegun
    from iamrbac.usecases.outcome import Delivered, Event, Outcome

    if output is Output.JSON:
        terminal.line(writes.event_json(event) if isinstance(event, Event | Delivered) else view.event_json(event))
    elif isinstance(event, WaveBegun | Pausing):
        terminal.step(view.wave_text(event))
    elif isinstance(event, Result):
        if event.became not in (Became.NOT_BEGUN, Became.EARLIER):
            (terminal.step if event.became in FINISHED else terminal.tell)(view.result_text(event, terminal.paint))
    elif isinstance(event, Event) and event.outcome is Outcome.DONE:
        terminal.note(writes.event_text(event, terminal.paint))
    elif not _of_git(event):
        terminal.tell(writes.event_text(event, terminal.paint))


def _of_git(event: Event | Delivered) -> bool:
    """Say whether an event is one object of a commit, which is told as a whole."""
    from iamrbac.usecases.outcome import Event, Outcome

    return isinstance(event, Event) and (bool(event.commit) or event.outcome is Outcome.WAITING)


@contextmanager
def _interruptible(run: FleetRun, terminal: Terminal) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM begin nothing more; the second one ends at once."""
    kinds = (signal.SIGINT, signal.SIGTERM)

    def stop(_number: int, _frame: object) -> None:
        for kind, old in zip(kinds, before, strict=True):
            signal.signal(kind, old)
        run.interrupt()
        terminal.tell("Nothing more is begun; what is being written comes to an end. Once more ends it at once.")

    try:
        before = [signal.signal(kind, stop) for kind in kinds]
    except ValueError:
        # Not the main thread: nobody interrupts it.
        yield
        return
    try:
        yield
    finally:
        for kind, old in zip(kinds, before, strict=True):
            signal.signal(kind, old)
