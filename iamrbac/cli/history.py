"""`iamrbac history`."""

from __future__ import annotations

from typing import Annotated

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
from iamrbac.cli.planning import show
from iamrbac.cli.terminal import Terminal


def command(
    run: Annotated[
        str | None, typer.Argument(metavar="ID", help="Only this run, with a line for each change.", show_default=False)
    ] = None,
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """List what was changed, the newest first: when, by whom, from which commit, and whether the run came to its end.

    It is read from the backups that each apply keeps: in the clusters' home namespaces, on this machine and, with
    `backups` in the config, in S3. How many are kept the config says (20). Nothing is written.

    With ID each change is a line: what it did to which object, for which line of a policy, and what became of it;
    with -o json also hashes of the object before and after.

    Exit codes: 0 all could be read; 1 some place could not be read, or a backup is broken, so that it is not all that
    there is; 3 the config is invalid; 64 there is no such ID.

    Examples:
      iamrbac history
      iamrbac history --cluster production
      iamrbac history 20261126-122146-1a2b3c -o json
    """
    from iamrbac import wiring
    from iamrbac.render.findings import findings_text
    from iamrbac.render.history import history_json, history_text
    from iamrbac.usecases.history import find_history

    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    edges, places = wiring.edges(repo), wiring.places()
    history, findings = find_history(edges, places, tuple(cluster or ()), run, terminal)
    if history is None:
        show.invalid(terminal, output, findings, findings_text)
        return 3
    if output is Output.JSON:
        terminal.json(history_json(history, details=run is not None))
    else:
        terminal.answer(history_text(history, terminal.paint, details=run is not None))
    return history.exit_code()
