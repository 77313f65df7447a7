"""`iamrbac plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
    DetailedOption,
    LockoutOption,
    RemovalsOption,
    at_now,
    exit_code,
    part_of,
    request_of,
    show,
)
from iamrbac.cli.terminal import Terminal


def command(
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    shard: ShardOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Save the plan for `iamrbac apply FILE`.")
    ] = None,
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
    """Show what would change, for whom. Reads IAM and the clusters, writes nothing there.

    With --identities FILE people come from a file instead of IAM, and the plan says how old they are; a name that the
    file does not have stops what needs it. IAM is asked then only about roles that `via: role` wants.

    Exit codes: 0 planned; 1 something could not be read (the other clusters are still planned); 2 there are changes,
    with --detailed-exitcode; 3 the documents are invalid, or a finding refuses the apply.

    Examples:
      iamrbac plan
      iamrbac plan --cluster staging --out plan.json
      iamrbac plan -o json --detailed-exitcode
      iamrbac plan --identities people.json
    """
    from iamrbac import wiring
    from iamrbac.render.findings import findings_text
    from iamrbac.usecases.plan import make_plan

    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    edges = wiring.edges(repo, planned_by(terminal, identities))
    request = request_of(at_now(), cluster, adopt, allow_removals, allow_lockout_of, part_of(shard))
    planned = make_plan(edges, request, terminal)
    if planned.plan is None:
        show.invalid(terminal, output, planned.findings, findings_text)
        return 3
    show.plan(terminal, output, planned.plan, edges.repository)
    if out is not None:
        wiring.save_plan(out, planned.plan, request, show.document(planned.plan, edges.repository))
        terminal.step(f"Saved the plan. Next: iamrbac apply {out}")
    return exit_code(planned.plan, detailed=detailed_exitcode)
