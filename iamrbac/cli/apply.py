"""`iamrbac apply`."""

from __future__ import annotations

from dataclasses import replace
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
    ShardOption,
    VerboseOption,
)
from iamrbac.cli.people import IdentitiesOption, planned_by
from iamrbac.cli.planning import (
    AdoptOption,
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
    part_of,
    request_of,
    seconds,
    show,
)
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import UsageError

if TYPE_CHECKING:
    from iamrbac.plan.change import Plan


def command(
    plan_file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A plan saved by `iamrbac plan --out`; without: plan now.")
    ] = None,
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    shard: ShardOption = None,
    yes: YesOption = False,
    allow_removals: RemovalsOption = 0,
    allow_lockout_of: LockoutOption = None,
    adopt: AdoptOption = None,
    identities: IdentitiesOption = None,
    wait: Annotated[
        str | None,
        typer.Option(
            "--wait",
            metavar="TIME",
            help="How long to wait (10m) for what was committed to be on a cluster, where something depends on it.",
        ),
    ] = None,
    lock_timeout: LockTimeoutOption = None,
    no_lock: NoLockOption = False,
    no_backup: NoBackupOption = False,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Change the clusters to what the policies say. Shows the plan and asks first; a saved plan was asked for already.

    One apply at a time writes to a cluster: it holds the Lease iamrbac-apply in the home namespace, which is made where
    it is missing. If somebody else holds one of those that are needed, nothing is changed.

    What is about to change is kept before the first write, in ConfigMaps of the home namespace (not on clusters that
    are delivered by Git), on this machine and, with `backups` in the config, in S3; `iamrbac history` lists it.

    Exit codes: 0 done or nothing to do; 1 a cluster could not be planned (the others are done), or locked; 3 the
    documents are invalid or a finding refuses; 4 the saved plan is stale or for another target; 5 declined; 6 partly
    applied: run it again.

    Clusters with delivery: gitops get a commit, or a pull request, instead of writes. Access entries that are written
    directly and would count before the commit is synced wait for that: until the next run, or with --wait in this one.

    With --identities FILE people come from a file instead of IAM: whoever left an IAM group since it was written gets
    access again, so it says how old the file is, and warns of one that is an hour old.

    Examples:
      iamrbac apply
      iamrbac apply plan.json
      iamrbac apply --yes --cluster staging
      iamrbac apply --yes --wait 10m
      iamrbac apply --identities people.json
    """
    from iamrbac import wiring
    from iamrbac.render.findings import findings_text
    from iamrbac.usecases import saved
    from iamrbac.usecases.apply import refused
    from iamrbac.usecases.deliver import Recorded
    from iamrbac.usecases.plan import make_plan

    patience = seconds(wait) if wait is not None else 0
    lock_patience = lock_seconds(lock_timeout, no_lock=no_lock)
    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    edges = wiring.edges(repo, planned_by(terminal, identities, writes=True))
    request = request_of(at_now(), cluster, adopt, allow_removals, allow_lockout_of, part_of(shard))
    content = None
    if plan_file is not None:
        if cluster or shard or adopt or allow_removals or allow_lockout_of:
            raise UsageError(
                "a saved plan already says which clusters and what is allowed", hint="plan again with these options"
            )
        content = saved.parse(wiring.read_text(plan_file), str(plan_file))
        request = saved.request_of(content, at_now())
        planned = saved.again(edges, request, str(plan_file), terminal)
    else:
        planned = make_plan(edges, request, terminal)
    if planned.plan is None:
        if output is Output.JSON:
            return show.refused(terminal, planned.findings, ())
        show.invalid(terminal, output, planned.findings, findings_text)
        return 3
    plan = planned.plan
    if content is not None:
        saved.verify(content, plan, str(plan_file))
    if output is Output.TEXT:
        show.plan(terminal, output, plan, edges.repository)
    if refused(plan):
        if output is Output.JSON:
            show.refused(terminal, plan.all_findings, plan.failed)
        terminal.error("[ERR403] refused by the findings above; nothing was changed")
        return 3
    if plan.changed and not yes and content is None:
        accounts = sum(bool(one.changes) for one in plan.planned_accounts)
        ask(sum(cluster.changed for cluster in plan.planned), accounts=accounts)

    def again() -> Plan | None:
        return make_plan(edges, request, terminal).plan

    locking = locking_of(terminal, plan, again, lock_patience, no_lock=no_lock)
    said = allowed(request)
    how = applying(terminal, output, edges, plan, "apply", said, locking, no_backup=no_backup)
    return show.apply(terminal, output, edges, plan, replace(how, wait=patience, recorded=Recorded(said)))
