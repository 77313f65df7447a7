"""`iamrbac migrate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from iamrbac.cli import show
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
    LockTimeoutOption,
    NoBackupOption,
    NoLockOption,
    YesOption,
    ask,
    at_now,
    lock_seconds,
    seconds,
)
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import DeclinedError, IamrbacError, UsageError

if TYPE_CHECKING:
    from iamrbac.plan.change import Plan
    from iamrbac.usecases.keep import Keeping
    from iamrbac.usecases.lock import Locking
    from iamrbac.usecases.migrate import Looking, One, Wanted
    from iamrbac.usecases.migrate_how import How, Told
    from iamrbac.usecases.migrate_ports import MigrateEdges
    from iamrbac.usecases.recording import Recording


class To(StrEnum):
    """What to migrate to."""

    ACCESS_ENTRIES = "access-entries"


@dataclass(frozen=True, slots=True)
class _Doing:
    """What is to be done, beside where."""

    terminal: Terminal
    output: Output
    final: bool
    undo: bool
    keep_rows: bool

    @property
    def again(self) -> str:
        what = " --final" if self.final else " --undo" if self.undo else ""
        return f"iamrbac migrate --to access-entries{what}"


def command(
    to: Annotated[To, typer.Option("--to", help="What rows become.")],
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    yes: YesOption = False,
    probe: Annotated[
        list[str] | None,
        typer.Option(
            "--probe", metavar="PROFILE", help="An AWS profile whose tokens are tried all along, beside your own."
        ),
    ] = None,
    principal: Annotated[
        list[str] | None,
        typer.Option(
            "--principal", metavar="ARN", help="A role of another account in full, whose path IAM cannot say."
        ),
    ] = None,
    leave: Annotated[
        list[str] | None,
        typer.Option("--leave", metavar="ROW", help="This row (its ARN, account or place) stays in aws-auth."),
    ] = None,
    nodes: Annotated[
        bool, typer.Option("--nodes", help="Make entries for nodes too, where EKS has made none: then --final may be.")
    ] = False,
    keep_rows: Annotated[
        bool, typer.Option("--keep-rows", help="Stop when all is verified, with rows in place.")
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take back the entries that migrate made, while rows stand.")
    ] = False,
    final: Annotated[
        bool, typer.Option("--final", help="The last step: the mode API, in which EKS reads no aws-auth any more.")
    ] = False,
    settle: Annotated[
        str, typer.Option("--settle", metavar="TIME", help="How long entries get to count everywhere before rows go.")
    ] = "15s",
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="TIME", help="How long to wait at most for the mode, and for probes.")
    ] = "15m",
    lock_timeout: LockTimeoutOption = None,
    no_lock: NoLockOption = False,
    no_backup: NoBackupOption = False,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Turn the rows of aws-auth into EKS access entries with the same usernames and groups.

    Shows what each row becomes, what stands against it, and a proof that nobody gains or loses anything; asks, and does
    it: the mode API_AND_CONFIG_MAP (one way), entries beside rows, a check with real tokens, and then the rows go, with
    a backup. Each step can be stopped, by a kill too: the same command goes on. --undo takes the entries back as long
    as the rows are there; `iamrbac rollback` brings rows back.

    system:masters becomes AmazonEKSClusterAdminPolicy; rows of nodes stay. Rows of this instance become its entries,
    those of others carry a tag that says whence they come, and are nobody's until an apply adopts them.

    Exit codes: 0 done or nothing to do; 1 a cluster could not be read, or a step stopped; 3 something stands against it
    or the proof is not equal; 5 declined; 6 done on some clusters and stopped on others.

    Examples:
      iamrbac migrate --to access-entries
      iamrbac migrate --to access-entries --cluster production --probe alice --keep-rows
      iamrbac migrate --to access-entries --undo
      iamrbac migrate --to access-entries --final --cluster production
    """
    from iamrbac.render.findings import findings_text
    from iamrbac.render.migrate import migrate_json, migrate_text
    from iamrbac.usecases.migrate import Request, look_at
    from iamrbac.wiring import migrate as wired

    # There is one end so far, and it is said so that another one needs no new command.
    del to
    if (undo and final) or (keep_rows and (undo or final)):
        raise UsageError("--undo, --final and --keep-rows are three different ends", hint="use one of them")
    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    patience, wait, rest = lock_seconds(lock_timeout, no_lock=no_lock), seconds(timeout), seconds(settle)
    doing = _Doing(terminal, output, final, undo, keep_rows)
    edges = wired.edges(repo, tuple(probe or ()))
    request = Request(at_now(), tuple(cluster or ()), tuple(principal or ()), tuple(leave or ()), nodes, undo)
    wanted, looking = look_at(edges.edges, request, terminal)
    if looking is None:
        show.invalid(terminal, output, wanted.findings, findings_text)
        return 3
    if output is Output.TEXT:
        terminal.answer(migrate_text(wanted, keep_rows=keep_rows, final=final, paint=terminal.paint))
    code = _judged(doing, wanted)
    todo = _todo(doing, wanted)
    told: list[Told] = []
    if code == 0 and todo:
        try:
            if not yes:
                ask(len(todo), _question(doing, todo))
        except DeclinedError as error:
            if output is Output.JSON:
                terminal.json(migrate_json(wanted, told, error.exit_code, keep_rows=keep_rows, final=final))
            raise
        how = wired.how(
            wanted,
            terminal,
            _locking(terminal, patience, no_lock=no_lock),
            _leaving(terminal, edges, no_backup=no_backup),
            settle=rest,
            timeout=wait,
            keep_rows=keep_rows,
        )
        code = _carry_out(doing, edges, looking, how, todo, told)
    if output is Output.JSON:
        terminal.json(migrate_json(wanted, told, code, keep_rows=keep_rows, final=final))
    return code or (1 if any(_is_failed(one) for one in wanted.clusters) else 0)


def _judged(doing: _Doing, wanted: Wanted) -> int:
    """Return 3 where something stands against one of the clusters: then nothing is done on any."""
    from iamrbac.migrate.against import against
    from iamrbac.plan.change import FailedCluster

    read = [one for one in wanted.clusters if not isinstance(one, FailedCluster)]
    if any(against(one, final=doing.final) for one in read):
        doing.terminal.error("[ERR403] refused by the findings above; nothing was changed")
        return 3
    return 0


def _todo(doing: _Doing, wanted: Wanted) -> Sequence[One]:
    from iamrbac.migrate.types import Migration
    from iamrbac.migrate.undo import Undo

    found: list[One] = []
    for one in wanted.clusters:
        if isinstance(one, Undo) and (one.remove or one.bridge):
            found.append(one)
        elif isinstance(one, Migration):
            todo = one.mode != "API" if doing.final else not one.done(keep_rows=doing.keep_rows)
            found += [one] if todo else []
    return found


def _question(doing: _Doing, todo: Sequence[One]) -> str:
    from iamrbac.migrate.types import Migration

    if doing.undo:
        return "Take the entries back on"
    if doing.final:
        return "Set the mode API for good (it cannot be undone, and aws-auth counts no more) on"
    switching = any(isinstance(one, Migration) and one.switches for one in todo)
    return f"Migrate{' (the mode never goes back to CONFIG_MAP)' if switching else ''}"


def _carry_out(
    doing: _Doing, edges: MigrateEdges, looking: Looking, how: How, todo: Sequence[One], told: list[Told]
) -> int:
    from iamrbac.migrate.types import Migration
    from iamrbac.migrate.undo import Undo
    from iamrbac.render.migrate import told_text
    from iamrbac.usecases.migrate_how import Told
    from iamrbac.usecases.migrate_steps import Work
    from iamrbac.usecases.outcome import Outcome

    terminal, text = doing.terminal, doing.output is Output.TEXT
    stopped = 0
    for one in todo:
        name = one.cluster if isinstance(one, Migration | Undo) else one.name
        work = Work(edges, partial(looking.look, looking.cluster(name)), how)
        try:
            if isinstance(one, Undo):
                steps = work.undo(one)
            elif isinstance(one, Migration):
                steps = work.final(one) if doing.final else work.migrate(one)
            else:
                continue
            with closing(steps):
                for step in steps:
                    told.append(step)
                    if text:
                        terminal.answer(told_text(step, terminal.paint))
        except KeyboardInterrupt:
            terminal.error(f"interrupted on {name}; `{doing.again}` goes on from here")
            return 130
        except IamrbacError as error:
            stopped += 1
            told.append(Told(name, "verify", "stopped", Outcome.FAILED, error.message, doing.again))
            terminal.error(f"[{error.code}] {error}")
    if text and not stopped:
        terminal.answer(_end(doing, len(todo)))
    return 0 if not stopped else 1 if stopped == len(todo) else 6


def _end(doing: _Doing, clusters: int) -> str:
    where = f"{clusters} cluster{'' if clusters == 1 else 's'}"
    if doing.undo:
        return f"Taken back on {where}."
    if doing.final:
        return f"EKS reads no aws-auth any more on {where}."
    if doing.keep_rows:
        return f"Verified on {where}, with rows in place. Next: the same without --keep-rows, or with --undo."
    return f"Migrated {where}. `iamrbac rollback` brings the rows back."


def _locking(terminal: Terminal, patience: float, *, no_lock: bool) -> Locking | None:
    from iamrbac import wiring

    if no_lock:
        terminal.warn("no lock is taken (--no-lock): make sure that nobody else applies to these clusters meanwhile")
        return None
    # Every step looks at the cluster anew, so that a wait needs no other look.
    return wiring.locking(patience, terminal, lambda: None)


def _leaving(
    terminal: Terminal, edges: MigrateEdges, *, no_backup: bool
) -> Callable[[Plan, str], tuple[Keeping | None, Recording]]:
    from iamrbac import wiring
    from iamrbac.render.apply import backup_text

    def leaving(plan: Plan, doing: str) -> tuple[Keeping | None, Recording]:
        run = wiring.this_run(edges.edges, plan, doing, ())
        line = show.line_of(edges.edges.repository)
        keep = wiring.keeping(run, terminal, terminal.warn, line, lambda backup: terminal.step(backup_text(backup)))
        return None if no_backup else keep, wiring.recording(run, terminal.warn, terminal.note)

    return leaving


def _is_failed(one: One) -> bool:
    from iamrbac.plan.change import FailedCluster

    return isinstance(one, FailedCluster)
