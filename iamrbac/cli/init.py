"""`iamrbac init`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from iamrbac import __version__
from iamrbac.cli.options import NoColorOption
from iamrbac.cli.terminal import Terminal


class Ci(StrEnum):
    """Where pull requests are judged."""

    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = "none"


class Delivery(StrEnum):
    """Who writes to the clusters."""

    DIRECT = "direct"
    GITOPS = "gitops"


def command(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The new repository's folder; it may be there.")
    ] = Path(),
    ci: Annotated[Ci, typer.Option("--ci", help="Whose pipelines to write.")] = Ci.GITHUB,
    delivery: Annotated[
        Delivery,
        typer.Option(
            "--delivery",
            help="direct: the pipeline writes to the clusters; gitops: it commits for Argo CD or Flux, promoted from "
            "development over staging to production.",
        ),
    ] = Delivery.DIRECT,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave files that are there as they are, and write the others.")
    ] = False,
    no_color: NoColorOption = False,
) -> int:
    """Write a new access repository: config, a first policy, a role template, tests of access, waivers, pipelines.

    Names and accounts in it are samples, and it is valid as it is. No file that is there is ever changed: without
    --keep nothing is written then. With --keep, a repository that has a config gets pipelines and schemas, and no
    documents, which could grant something.

    Exit codes: 0 written; 1 the folder cannot be written; 3 there are files already, and nothing was written.

    Examples:
      iamrbac init acme-access
      iamrbac init acme-access --ci gitlab
      iamrbac init acme-access --delivery gitops
      iamrbac init --keep
    """
    from iamrbac import wiring
    from iamrbac.render.scaffold import scaffolded_text
    from iamrbac.usecases.scaffold import create_repository

    terminal = Terminal(no_color=no_color)
    done = create_repository(wiring.new_folder(folder), __version__, ci.value, delivery.value, keep=keep)
    terminal.answer(scaffolded_text(folder, done))
    return 0
