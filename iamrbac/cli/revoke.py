"""`iamrbac revoke`."""

from __future__ import annotations

from pathlib import Path
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
from iamrbac.model.errors import OutputError

if TYPE_CHECKING:
    from iamrbac.plan.change import Plan
    from iamrbac.usecases.revoke import Revoked


def command(
    principal: Annotated[
        str,
        typer.Argument(
            metavar="PRINCIPAL",
            help="The ARN of a user or role; or a user of identity.account by name, with path or not.",
        ),
    ],
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    yes: YesOption = False,
    write: Annotated[
        bool, typer.Option("--write", help="Put the principal under suspended: in iamrbac.yaml, as a text edit.")
    ] = False,
    allow_lockout_of: LockoutOption = None,
    lock_timeout: LockTimeoutOption = None,
    no_lock: NoLockOption = False,
    no_backup: NoBackupOption = False,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Take one principal's access away on all clusters, now: its access entries and rows of aws-auth that are ours.

    Shows who loses what, and asks first. No policy is asked: a change that waits in them does not come along, and an
    invalid one stops nothing. Protected principals, the last administrators and your own access have to be allowed by
    name. What is not ours stays; it is named, with the command that removes it.

    The next `iamrbac apply` gives it back unless iamrbac.yaml suspends the principal: commit the line that is printed,
    or let --write put it there.

    Exit codes: 0 done or nothing to do; 1 a cluster could not be read (the others are done), or locked; 3 a finding
    refuses; 4 something changed while a lock was waited for; 5 declined; 6 not all of it is done, or something that is
    not ours still lets the principal in.

    Examples:
      iamrbac revoke mallory --write
      iamrbac revoke arn:aws:iam::111122223333:role/ci/deployer --cluster production
    """
    from iamrbac import wiring
    from iamrbac.render.findings import findings_text
    from iamrbac.render.revoke import revoke_json, revoke_text
    from iamrbac.usecases.apply import refused
    from iamrbac.usecases.revoke import make_revocation

    patience = lock_seconds(lock_timeout, no_lock=no_lock)
    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    edges = wiring.edges(repo)
    request = request_of(at_now(), cluster, (), 0, allow_lockout_of)
    revoked = make_revocation(edges, request, principal, terminal)
    plan = revoked.plan
    if plan is None:
        if output is Output.JSON:
            return show.refused(terminal, revoked.findings, ())
        show.invalid(terminal, output, revoked.findings, findings_text)
        return 3
    if output is Output.TEXT:
        if plan.changed or plan.failed or plan.all_findings:
            show.plan(terminal, output, plan, edges.repository, "they are without this principal")
        said = revoke_text(revoked, terminal.paint)
        if said:
            terminal.answer(said)
    if refused(plan):
        if output is Output.JSON:
            show.refused(terminal, plan.all_findings, plan.failed)
        terminal.error("[ERR403] refused by the findings above; nothing was changed")
        return 3
    if plan.changed and not yes:
        ask(sum(one.changed for one in plan.planned), "Revoke this on")
    line = _line(terminal, revoked, Path(edges.repository.root), write=write)
    if output is Output.JSON:
        terminal.line(revoke_json(revoked, line))

    def planned_again() -> Plan | None:
        return make_revocation(edges, request, principal, terminal).plan

    locking = locking_of(terminal, plan, planned_again, patience, no_lock=no_lock)
    doing = f"revoke {revoked.principal}"
    how = applying(terminal, output, edges, plan, doing, allowed(request), locking, no_backup=no_backup)
    code = show.apply(terminal, output, edges, plan, how, again=f"iamrbac revoke {principal}", still=bool(revoked.left))
    if output is Output.TEXT:
        _after(terminal, revoked, line)
    return max(code, 1) if line == "failed" else code


def _line(terminal: Terminal, revoked: Revoked, root: Path, *, write: bool) -> str:
    """Write the suspended line where that is asked for; say what became of it: already, written, missing or failed.

    Before the first write to a cluster, so that a run that is stopped half-way leaves it; it must not stop one.
    """
    from iamrbac import wiring

    if revoked.suspended:
        return "already"
    if not write:
        return "missing"
    try:
        wiring.suspend(root, revoked.principal)
    except OutputError as error:
        terminal.error(f"[{error.code}] {error}")
        return "failed"
    return "written"


def _after(terminal: Terminal, revoked: Revoked, line: str) -> None:
    """Say how long what is open lives on, and what keeps the next apply from giving it back."""
    from iamrbac.render.revoke import lasting, suspended_line

    terminal.answer("\n".join(lasting(revoked)))
    if line == "written":
        terminal.answer(f"iamrbac.yaml suspends {revoked.principal} now: commit that.")
    elif line != "already":
        terminal.answer(f"For iamrbac.yaml:\n{suspended_line(revoked)}")
        terminal.warn("the next `iamrbac apply` gives back what the policies say, unless iamrbac.yaml has that line")
