"""`iamrbac validate`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from iamrbac.cli import show
from iamrbac.cli.options import Format, FormatOption, NoColorOption, RepoOption
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import UsageError


def command(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Only findings in these files and folders count.")
    ] = None,
    repo: RepoOption = None,
    output: FormatOption = Format.TEXT,
    no_color: NoColorOption = False,
) -> int:
    """Check the documents of the access repository: no cluster, no AWS, no credentials.

    All documents are read, whatever PATH says, since they are judged together too.

    Exit codes: 0 valid, also with warnings; 1 the repository cannot be read; 3 there are errors; 64 no such PATH.

    Examples:
      iamrbac validate
      iamrbac validate policies/payments.yaml
      iamrbac validate -o json
      iamrbac validate -o sarif > validate.sarif
    """
    from iamrbac import wiring
    from iamrbac.render.findings import validation_json, validation_text
    from iamrbac.render.report import Report
    from iamrbac.usecases.validate import validate

    terminal = Terminal(no_color=no_color)
    repository = wiring.repository(repo)
    root = Path(repository.root)
    names = wiring.roles(root).names()
    validation = validate(repository, names, [inside(path, root) for path in paths or ()])
    show.findings(
        terminal,
        output,
        Report("validate", validation.findings, summary=validation_text(validation).splitlines()[-1]),
        root,
        text=lambda: validation_text(validation, terminal.paint),
        json=lambda: validation_json(validation),
    )
    return 0 if validation.valid else 3


def inside(path: Path, root: Path) -> str:
    """Return a PATH as the repository calls it. Raises UsageError for one that is not there, or elsewhere."""
    if not os.path.lexists(path):
        raise UsageError("there is no such file or folder", where=str(path), hint="correct the path")
    # Both as written and with links followed: a repository may be reached through a link, a document may be one.
    for here, top in ((os.path.abspath, os.path.abspath), (os.path.realpath, os.path.realpath)):
        relative = Path(here(path))
        if relative.is_relative_to(top(root)):
            return relative.relative_to(top(root)).as_posix()
    raise UsageError(f"it is not in the repository {root}", where=str(path), hint="name files of the repository")
