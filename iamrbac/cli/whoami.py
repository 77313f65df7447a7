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
    live: Annotated[
        bool, typer.Option("--live", help="Ask the clusters, and say where they differ from what is expected.")
    ] = False,
    assume: Annotated[
        bool, typer.Option("--assume", help="Ask by the roles of the config's assumeRole, as plan and apply do.")
    ] = False,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Say who AWS takes me for, and what that gets me on each cluster.

    Where the config names an access index, that is asked and no cluster: username, groups, roles and namespaces, with
    the policy's line, and the roles that are to be tried. Without one only the clusters know who is in which group, so
    they are asked: the username and the groups are their own answer, and what the policies give to these groups. With
    --live they are asked in any case, and where one says something else than the index, or takes me for nobody where
    that is not what the policies say, the probable causes follow, as `iamrbac doctor` names them.

    Nothing is asked that a developer may not ask. Credentials that are more than a pair of keys are shown as a chain,
    from the profile to the keys. Where the config has assumeRole, the roles are named by which plan and apply come;
    --assume assumes them, and asks the clusters.

    Exit codes: 0 known; 1 AWS or a cluster could not be asked (the others are answered); 3 the documents are invalid.
    A difference is no error.

    Examples:
      iamrbac whoami
      AWS_PROFILE=alice iamrbac whoami --cluster staging -o json
      iamrbac whoami --live
      iamrbac whoami --assume
    """
    from iamrbac.render.findings import findings_text
    from iamrbac.render.whoami import whoami_json, whoami_text
    from iamrbac.usecases.whoami import who_am_i
    from iamrbac.wiring import doctor as wired

    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    edges = wired.whoami_edges(repo, terminal, assume=assume)
    who = who_am_i(edges, datetime.now(UTC), tuple(cluster or ()), terminal, live=live)
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
