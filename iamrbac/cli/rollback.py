"""`iamrbac rollback`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from iamrbac.cli.applying import applying
from iamrbac.cli.options import (
    ClusterOption,
    NoColorOption,
    Output,
    OutputOption,
    QuietOption,
    RepoOption,
    VerboseOption,
)
from iamrbac.cli.planning import (
    LockoutOption,
    LockTimeoutOption,
    NoBackupOption,
    NoLockOption,
    RemovalsOption,
    YesOption,
    allowed,
    ask,
    at_now,
    lock_seconds,
    locking_of,
    request_of,
    show,
)
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import UsageError

if TYPE_CHECKING:
    from iamrbac.backup.backup import Run
    from iamrbac.findings.finding import Finding
    from iamrbac.plan.change import Plan
    from iamrbac.usecases.plan import PlanRequest
    from iamrbac.usecases.ports import Edges
    from iamrbac.usecases.rollback import TurnedBack


@dataclass(frozen=True, slots=True)
class _How:
    """The options, beside what is gone back to."""

    terminal: Terminal
    output: Output
    edges: Edges
    request: PlanRequest
    yes: bool
    patience: float
    no_lock: bool
    no_backup: bool


def command(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="ID", help="A run that `iamrbac history` lists; without: the last that changed something."
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="REV", help="A commit of the delivery repository (an id, a tag, main~1)."),
    ] = None,
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    yes: YesOption = False,
    allow_removals: RemovalsOption = 0,
    allow_lockout_of: LockoutOption = None,
    lock_timeout: LockTimeoutOption = None,
    no_lock: NoLockOption = False,
    no_backup: NoBackupOption = False,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Undo a run on clusters that are written directly, or take clusters that are delivered by Git back to a commit.

    With an ID, or nothing: each object that this run or a later one touched goes back to what it was before it, also
    where the run was cut short; all else stays. What it adopted is given back. Namespaces stay. Who is suspended in
    iamrbac.yaml, and temporary access that is over, does not come back; who left an IAM group since does. A rollback
    is a run like any other: it keeps a backup and can be rolled back.

    With --to REV: a new commit puts the files that iamrbac wrote back to what was delivered then; namespaces stay, and
    so do access entries and rows of aws-auth that are written directly.

    Shows who gains and who loses what, and asks first. The next `iamrbac apply` brings what the policies say again:
    revert the policy too.

    Exit codes: 0 done or nothing to do; 1 a cluster could not be planned (the others are done), locked, or REV is no
    commit of the branch; 3 the documents are invalid or a finding refuses; 4 something changed while a lock was waited
    for; 5 declined; 6 partly done: run it again; 64 no such run.

    Examples:
      iamrbac rollback
      iamrbac rollback 20261126-122146-1a2b3c --cluster staging
      iamrbac rollback --to main~1 --yes
    """
    from iamrbac import wiring

    if run is not None and to is not None:
        raise UsageError("a run is undone, or a commit gone back to", hint="use either ID or --to REV")
    patience = lock_seconds(lock_timeout, no_lock=no_lock)
    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    edges = wiring.edges(repo)
    request = request_of(at_now(), cluster, (), allow_removals, allow_lockout_of)
    how = _How(terminal, output, edges, request, yes, patience, no_lock, no_backup)
    return _by_git(how, to) if to is not None else _directly(how, run)


def _directly(how: _How, run: str | None) -> int:
    from iamrbac import wiring
    from iamrbac.usecases.restore import make_restore

    places = wiring.places()
    restored = make_restore(how.edges, how.request, run, places, how.terminal)
    plan = restored.plan
    code = _shown(how, plan, restored.findings, f"before run {restored.run}", restored.runs)
    if restored.by_git:
        names = ", ".join(restored.by_git)
        how.terminal.warn(f"delivered by Git, and not concerned: {names} (iamrbac rollback --to REV)")
    if plan is None or code:
        return code
    if plan.changed:
        how.terminal.warn("the next `iamrbac apply` brings what the policies say again: revert the policy too")
        if not how.yes:
            ask(sum(one.changed for one in plan.planned), f"Go back to before {restored.run} on")

    def again() -> Plan | None:
        return make_restore(how.edges, how.request, run, places, how.terminal).plan

    doing = f"rollback {restored.run}"
    locking = locking_of(how.terminal, plan, again, how.patience, no_lock=how.no_lock)
    said = allowed(how.request)
    along = applying(how.terminal, how.output, how.edges, plan, doing, said, locking, no_backup=how.no_backup)
    return show.apply(how.terminal, how.output, how.edges, plan, along, again=f"iamrbac {doing}")


def _by_git(how: _How, to: str) -> int:
    from iamrbac.usecases.rollback import make_rollback

    back = make_rollback(how.edges, how.request, to, how.terminal)
    code = _shown(how, back.plan, back.findings, to)
    if back.elsewhere:
        names = ", ".join(back.elsewhere)
        how.terminal.warn(f"written directly, and not concerned: {names} (iamrbac rollback ID)")
    if back.plan is None or code:
        return code
    if back.plan.changed:
        _warn(how.terminal, back)
        if not how.yes:
            ask(sum(one.changed for one in back.plan.planned), "Commit this way back for")

    def again() -> Plan | None:
        return make_rollback(how.edges, how.request, to, how.terminal).plan

    said = allowed(how.request)
    recorded = replace(back.recorded, trailers=(*back.recorded.trailers, *said))
    locking = locking_of(how.terminal, back.plan, again, how.patience, no_lock=how.no_lock)
    doing = f"rollback --to {to}"
    along = applying(how.terminal, how.output, how.edges, back.plan, doing, said, locking, no_backup=how.no_backup)
    along = replace(along, recorded=recorded)
    return show.apply(how.terminal, how.output, how.edges, back.plan, along, again=f"iamrbac {doing}")


def _shown(how: _How, plan: Plan | None, findings: Sequence[Finding], then: str, runs: Sequence[Run] = ()) -> int:
    """Show the plan, and return 3 where it may not be applied, else 0."""
    from iamrbac.render.findings import findings_text
    from iamrbac.usecases.apply import refused

    if plan is None:
        if how.output is Output.JSON:
            return show.refused(how.terminal, findings, ())
        show.invalid(how.terminal, how.output, findings, findings_text)
        return 3
    for run in runs:
        how.terminal.step(f"Undoing {run.id}: {run.doing}, by {run.who}")
    if how.output is Output.TEXT:
        show.plan(how.terminal, how.output, plan, how.edges.repository, then if runs else f"{then} says")
    if refused(plan):
        if how.output is Output.JSON:
            show.refused(how.terminal, plan.all_findings, plan.failed)
        how.terminal.error("[ERR403] refused by the findings above; nothing was changed")
        return 3
    return 0


def _warn(terminal: Terminal, back: TurnedBack) -> None:
    """Say on stderr what a rollback by Git is not."""
    policies = ", ".join(back.policies) or "the commit does not say which"
    terminal.warn(
        f"the next `iamrbac apply` delivers the policies again: revert the policy too (delivered then: {policies})"
    )
    if back.direct:
        terminal.warn("access entries and rows of aws-auth are written directly here, and stay as they are")
