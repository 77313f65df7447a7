"""Hundreds of clusters from one repository: in waves, canaries first, so many at once, and stopped when they fail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from iamrbac.cli.fleet_render import render
from iamrbac.cli.options import (
    ClusterOption,
    NoColorOption,
    Output,
    OutputOption,
    QuietOption,
    RepoOption,
    ShardOption,
    VerboseOption,
    WaveOption,
)
from iamrbac.cli.people import IdentitiesOption, planned_by
from iamrbac.cli.planning import (
    AdoptOption,
    DetailedOption,
    LockoutOption,
    LockTimeoutOption,
    NoBackupOption,
    NoLockOption,
    RemovalsOption,
    YesOption,
    allowed,
    ask,
    at_now,
    exit_code,
    lock_seconds,
    part_of,
    request_of,
    seconds,
    show,
)
from iamrbac.cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from iamrbac.model.fleet import Fleet
    from iamrbac.usecases.fence import Fences
    from iamrbac.usecases.fleet import FleetPlanned
    from iamrbac.usecases.plan import PlanRequest
    from iamrbac.usecases.ports import Edges

ConcurrencyOption: TypeAlias = Annotated[
    int | None, typer.Option("--concurrency", metavar="N", min=1, help="Clusters at once; default: of the config.")
]
CanaryOption: TypeAlias = Annotated[
    int | None,
    typer.Option("--canary", metavar="N", min=0, help="Clusters of each wave that go first; default: of the config."),
]
StopAfterOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--stop-after", metavar="N", min=1, help="Begin nothing after N failed clusters; default: of the config."
    ),
]
TimeoutOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--cluster-timeout", metavar="TIME", help="How long (5m) one cluster may take; default: of the config."
    ),
]
ResumeOption: TypeAlias = Annotated[
    bool,
    typer.Option("--resume", help="Leave out the clusters that the last run did; they are not even read."),
]


def plan(
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    wave: WaveOption = None,
    shard: ShardOption = None,
    resume: ResumeOption = False,
    concurrency: ConcurrencyOption = None,
    canary: CanaryOption = None,
    stop_after: StopAfterOption = None,
    cluster_timeout: TimeoutOption = None,
    detailed_exitcode: DetailedOption = False,
    allow_removals: RemovalsOption = 0,
    allow_lockout_of: LockoutOption = None,
    adopt: AdoptOption = None,
    identities: IdentitiesOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Show what would change on which cluster, wave by wave. Reads IAM and the clusters, writes nothing.

    With -v clusters that are as they should be have a line too, and the whole plan follows, object by object.

    Exit codes: as `iamrbac plan`: 0; 1 a cluster could not be read in time; 2 with --detailed-exitcode; 3 refused.

    Examples:
      iamrbac fleet plan
      iamrbac fleet plan --wave env=production -v
      iamrbac fleet plan --concurrency 32 -o json
    """
    from iamrbac.render.fleet import fleet_plan_json, fleet_plan_text
    from iamrbac.render.plan import plan_text

    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    request = request_of(at_now(), cluster, adopt, allow_removals, allow_lockout_of, part_of(shard, wave))
    change = _settings(concurrency, canary, stop_after, cluster_timeout)
    edges, _, planned = _planned(terminal, repo, identities, request, change, resume=resume, writes=False)
    if planned.plan is None:
        return _invalid(terminal, output, planned)
    fleet = planned.plan
    if output is Output.JSON:
        terminal.json(fleet_plan_json(fleet, show.document(fleet.plan, edges.repository)))
    else:
        terminal.answer(fleet_plan_text(fleet, terminal.paint, whole=verbose))
        if verbose:
            terminal.answer("\n" + plan_text(fleet.plan, show.line_of(edges.repository), terminal.paint))
    return exit_code(fleet.plan, detailed=detailed_exitcode)


def apply(
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    wave: WaveOption = None,
    shard: ShardOption = None,
    yes: YesOption = False,
    resume: ResumeOption = False,
    concurrency: ConcurrencyOption = None,
    canary: CanaryOption = None,
    stop_after: StopAfterOption = None,
    cluster_timeout: TimeoutOption = None,
    allow_removals: RemovalsOption = 0,
    allow_lockout_of: LockoutOption = None,
    adopt: AdoptOption = None,
    identities: IdentitiesOption = None,
    lock_timeout: LockTimeoutOption = None,
    no_lock: NoLockOption = False,
    no_backup: NoBackupOption = False,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Change the clusters, wave by wave. Shows the plan of all of them and asks once.

    Each cluster is changed as `iamrbac apply` would: with its lock, its backup and its record. The guards count over
    all clusters before the first write. Of each wave the canaries go first; a cluster that fails, is refused, could not
    be read or takes too long counts, and after --stop-after of them, or one canary, nothing more is begun. To a cluster
    that took too long nothing more is sent. Wave by wave, what was read more than ten minutes ago is read again, and a
    cluster that changed since is refused. The first Ctrl-C lets the clusters that are being written come to an end.

    Exit codes: 0 done; 1 a cluster could not be read; 3 refused; 4 what was to be resumed was about other policies;
    5 declined; 6 partly applied: `iamrbac fleet apply --resume` goes on; 130 interrupted.

    Examples:
      iamrbac fleet apply
      iamrbac fleet apply --yes --stop-after 3 --concurrency 32
      iamrbac fleet apply --yes --resume
      iamrbac fleet apply --wave 1
    """
    from iamrbac.cli.fleet_apply import Way, run_fleet
    from iamrbac.render.fleet import fleet_plan_text
    from iamrbac.usecases.fleet import refusals

    patience = lock_seconds(lock_timeout, no_lock=no_lock)
    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    request = request_of(at_now(), cluster, adopt, allow_removals, allow_lockout_of, part_of(shard, wave))
    change = _settings(concurrency, canary, stop_after, cluster_timeout)
    edges, fences, planned = _planned(terminal, repo, identities, request, change, resume=resume, writes=True)
    if planned.plan is None:
        return _invalid(terminal, output, planned, applies=True)
    fleet = planned.plan
    if output is Output.TEXT:
        terminal.answer(fleet_plan_text(fleet, terminal.paint))
    if refusals(fleet.plan):
        if output is Output.JSON:
            show.refused(terminal, fleet.plan.all_findings, fleet.plan.failed)
        terminal.error("[ERR403] refused by the findings above; nothing was changed")
        return 3
    changed = sum(one.changed for one in fleet.plan.planned)
    accounts = sum(bool(one.changes) for one in fleet.plan.planned_accounts)
    if (changed or accounts) and not yes:
        ask(changed, accounts=accounts)
    way = Way(allowed(request), patience, no_lock=no_lock, no_backup=no_backup)
    return run_fleet(terminal, output, edges, fleet, fences, way)


def _planned(
    terminal: Terminal,
    repo: Path | None,
    identities: Path | None,
    request: PlanRequest,
    change: Callable[[Fleet], Fleet],
    *,
    resume: bool,
    writes: bool,
) -> tuple[Edges, Fences, FleetPlanned]:
    from iamrbac import wiring
    from iamrbac.usecases.fence import Fences
    from iamrbac.usecases.fleet import FleetRequest, plan_fleet

    fences = Fences()
    edges = wiring.edges(repo, planned_by(terminal, identities, writes=writes), gate=fences.check)
    part = str(request.part.shard).replace("/", "-of-") if request.part.shard is not None else ""
    asked = FleetRequest(request, change, resume)
    planned = plan_fleet(edges, asked, terminal, lambda instance: wiring.fleet_store(instance, part), fences)
    if planned.plan is not None and not planned.plan.plan.clusters and not planned.plan.earlier:
        terminal.step(f"No cluster is of shard {request.part.shard}" if part else "No cluster is of what was asked for")
    return edges, fences, planned


def _invalid(terminal: Terminal, output: Output, planned: FleetPlanned, *, applies: bool = False) -> int:
    from iamrbac.render.findings import findings_text

    if applies and output is Output.JSON:
        return show.refused(terminal, planned.findings, ())
    show.invalid(terminal, output, planned.findings, findings_text)
    return 3


def _settings(
    concurrency: int | None, canary: int | None, stop_after: int | None, timeout: str | None
) -> Callable[[Fleet], Fleet]:
    """Return what puts the options in place of the config. Raises UsageError."""
    from iamrbac.model.errors import UsageError

    if timeout is not None and seconds(timeout) <= 0:
        raise UsageError("--cluster-timeout leaves no time", hint="write e.g. 5m")
    said: dict[str, Any] = {"concurrency": concurrency, "canary": canary, "stop_after": stop_after, "timeout": timeout}
    update = {key: value for key, value in said.items() if value is not None}
    return lambda fleet: fleet.model_copy(update=update)


COMMANDS = {"plan": plan, "apply": apply, "render": render}
