"""`iamrbac whoami`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

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
from iamrbac.cli.terminal import Terminal
from iamrbac.findings.finding import Level


def command(
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    assume: Annotated[
        bool, typer.Option("--assume", help="Ask by the roles of the config's assumeRole, as plan and apply do.")
    ] = False,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Say who AWS takes me for, and what that gets me on each cluster.

    The username and the groups are the cluster's own answer; roles and namespaces are what the policies give to these
    groups, with the policy's line. Nothing is asked that a developer may not ask. Where the config has assumeRole, the
    roles are named by which plan and apply come; --assume assumes them.

    Exit codes: 0 known; 1 AWS or a cluster could not be asked (the others are answered); 3 the documents are invalid.

    Examples:
      iamrbac whoami
      AWS_PROFILE=alice iamrbac whoami --cluster staging -o json
      iamrbac whoami --assume
    """
    from iamrbac import wiring
    from iamrbac.render.findings import findings_text
    from iamrbac.render.whoami import whoami_json, whoami_text
    from iamrbac.usecases.whoami import who_am_i

    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    edges = wiring.own_edges(repo, assume=assume)
    who = who_am_i(edges, datetime.now(UTC), tuple(cluster or ()), terminal)
    if who.caller is None:
        show.invalid(terminal, output, who.findings, findings_text)
        return 3
    line = show.line_of(edges.repository)
    if output is Output.JSON:
        terminal.json(whoami_json(who, line))
    else:
        terminal.answer(whoami_text(who, line))
    closed = who.people is not None and who.people.error is not None
    if closed or any(one.error is not None for one in who.clusters):
        return 1
    return 3 if any(finding.level is Level.ERROR for finding in who.findings) else 0
