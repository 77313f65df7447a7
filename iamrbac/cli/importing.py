"""`iamrbac import`."""

from __future__ import annotations

from pathlib import Path
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
from iamrbac.cli.planning import at_now
from iamrbac.cli.terminal import Terminal


def command(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write the files here: a new folder, or the repository; none is replaced."
        ),
    ] = None,
    cluster: ClusterOption = None,
    repo: RepoOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Write what clusters give today as policies and role templates, with a proof that they give the same.

    Access entries, access policies, aws-auth and RBAC are read as EKS and Kubernetes read them; iamrbac.yaml says where
    the clusters are. A Kubernetes group becomes a team, people with equal access a set, and an IAM group stands for
    them where it has exactly these users. Whatever a policy cannot say is listed with why, and so is everything that
    anybody would gain or lose. Nothing is written to a cluster or to AWS; without --out no file is written either.

    Exit codes: 0 everybody has what they had; 1 something could not be read or written; 3 somebody would gain or lose
    something, or the documents are invalid.

    Examples:
      iamrbac import
      iamrbac import --cluster production --out imported
      iamrbac import --out . -o json
    """
    from iamrbac import wiring
    from iamrbac.model.errors import OccupiedError
    from iamrbac.model.parse import CONFIG_FILE
    from iamrbac.render.findings import findings_text
    from iamrbac.render.importing import importing_json, importing_text
    from iamrbac.usecases.importing import import_access

    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    edges = wiring.edges(repo)
    found = import_access(edges, tuple(cluster or ()), at_now(), terminal)
    if found.findings:
        show.invalid(terminal, output, found.findings, findings_text)
        return 3
    files = dict(found.files)
    if out is not None and files:
        root = Path(edges.repository.root)
        folder = wiring.new_folder(out)
        if out.resolve() != root.resolve():
            files[CONFIG_FILE] = wiring.read_text(root / CONFIG_FILE)
        there = folder.there(files)
        if there:
            raise OccupiedError(
                f"there already: {', '.join(sorted(there))}; nothing was written",
                where=str(out),
                hint="name another folder with --out",
            )
        folder.create(files)
    written = files if out is not None else {}
    if output is Output.JSON:
        terminal.json(importing_json(found, written))
    else:
        terminal.answer(importing_text(found, written, str(out), terminal.paint))
    return 1 if found.failures else 0 if found.equal else 3
