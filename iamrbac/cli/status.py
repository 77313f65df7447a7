"""`iamrbac status`."""

from __future__ import annotations

import time
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
from iamrbac.cli.planning import seconds, show
from iamrbac.cli.terminal import Terminal


def command(
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    wait: Annotated[
        str | None,
        typer.Option("--wait", metavar="TIME", help="Look again until all are in sync, for at most this long (10m)."),
    ] = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Say whether the clusters that are delivered by Git have what Git says. Writes nothing.

    Objects are compared by their content, whatever Argo CD or Flux claims; what these say stands beside it. An object
    that was changed by hand is shown with the field manager that wrote it: Kubernetes keeps no person's name.

    Exit codes: 0 all in sync; 1 something could not be read, so it is not known; 3 not in sync, also when the time of
    --wait is over, or the documents are invalid.

    Examples:
      iamrbac status
      iamrbac status --cluster staging --wait 10m
      iamrbac status -o json
    """
    from iamrbac import wiring
    from iamrbac.render.findings import findings_text
    from iamrbac.render.status import status_json, status_text
    from iamrbac.usecases.status import Watching, look

    patience = seconds(wait) if wait is not None else 0
    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    status, findings = look(wiring.edges(repo), tuple(cluster or ()), Watching(terminal, time.sleep, patience))
    if status is None:
        show.invalid(terminal, output, findings, findings_text)
        return 3
    if output is Output.JSON:
        terminal.json(status_json(status))
    else:
        terminal.answer(status_text(status, terminal.paint))
    return status.exit_code()
