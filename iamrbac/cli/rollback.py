"""`iamrbac rollback`."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from iamrbac.cli.options import (
    ClusterOption,
    NoColorOption,
    Output,
    OutputOption,
    QuietOption,
    RepoOption,
    VerboseOption,
)
from iamrbac.cli.planning import LockoutOption, RemovalsOption, allowed, ask, at_now, request_of, show
from iamrbac.cli.terminal import Terminal

if TYPE_CHECKING:
    from iamrbac.usecases.rollback import TurnedBack


def command(
    to: Annotated[
        str, typer.Option("--to", metavar="REV", help="A commit of the delivery repository (an id, a tag, main~1).")
    ],
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    allow_removals: RemovalsOption = 0,
    allow_lockout_of: LockoutOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Take clusters that are delivered by Git back to what was delivered at an earlier commit, by a new commit.

    Shows who gains and who loses what, and asks first. Only files that iamrbac wrote change; namespaces stay.

    The next `iamrbac apply` delivers the policies again: revert the policy too. Access entries and rows of aws-auth
    that are written directly do not change. Clusters with delivery: direct have no rollback yet.

    Exit codes: 0 done or nothing to do; 1 a cluster could not be planned (the others are done), or REV is no commit of
    the branch; 3 the documents are invalid or a finding refuses; 5 declined; 6 not committed: run it again.

    Examples:
      iamrbac rollback --to 9c1d2e3f4a5b
      iamrbac rollback --to main~1 --cluster staging --yes
    """
    from iamrbac import wiring
    from iamrbac.render.findings import findings_text
    from iamrbac.usecases.apply import Applying, refused
    from iamrbac.usecases.rollback import make_rollback

    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    edges = wiring.edges(repo)
    request = request_of(at_now(), cluster, (), allow_removals, allow_lockout_of)
    back = make_rollback(edges, request, to, terminal)
    if back.plan is None:
        if output is Output.JSON:
            return show.refused(terminal, back.findings, ())
        show.invalid(terminal, output, back.findings, findings_text)
        return 3
    if output is Output.TEXT:
        show.plan(terminal, output, back.plan, edges.repository, f"{to} says")
    if refused(back.plan):
        if output is Output.JSON:
            show.refused(terminal, back.plan.all_findings, back.plan.failed)
        terminal.error("[ERR403] refused by the findings above; nothing was changed")
        return 3
    if back.plan.changed:
        _warn(terminal, back)
        if not yes:
            ask(sum(one.changed for one in back.plan.planned), "Commit this way back for")
    recorded = replace(back.recorded, trailers=(*back.recorded.trailers, *allowed(request)))
    return show.apply(terminal, output, edges, back.plan, Applying(terminal, time.sleep, 0, recorded))


def _warn(terminal: Terminal, back: TurnedBack) -> None:
    """Say on stderr what a rollback is not."""
    policies = ", ".join(back.policies) or "the commit does not say which"
    terminal.warn(
        f"the next `iamrbac apply` delivers the policies again: revert the policy too (delivered then: {policies})"
    )
    if back.direct:
        terminal.warn("access entries and rows of aws-auth are written directly here, and stay as they are")
