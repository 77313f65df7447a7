"""What `can`, `who-can` and `access` share on the command line: of what they are asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from iamrbac.cli.planning import at_now
from iamrbac.model.errors import UsageError
from iamrbac.model.origin import Origin

if TYPE_CHECKING:
    from iamrbac.usecases.ask import Ground

LiveOption: TypeAlias = Annotated[
    bool, typer.Option("--live", help="Ask the clusters as they are now, with what is not ours, not the policies.")
]
FilesOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--filename", "-f", metavar="PATH", help="Ask a file or folder of manifests, not the policies."),
]
PeopleOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--people", metavar="FILE", help="Who is in which IAM group, as `iamrbac snapshot` wrote it."),
]


def ground_of(
    repo: Path | None, clusters: list[str] | None, live: bool, files: Path | None, people: Path | None
) -> tuple[Ground, Callable[[Origin], str]]:
    """Return what is asked, and a function that turns an origin into FILE:LINE."""
    from iamrbac import wiring
    from iamrbac.cli.show import line_of
    from iamrbac.usecases.ask import file_ground, live_ground, policy_ground

    if sum((live, files is not None, people is not None)) > 1:
        raise UsageError("--live, --filename and --people exclude each other", hint="choose one")
    builtin = wiring.builtin().rbac
    if files is not None:
        return file_ground(wiring.manifests(files), builtin), lambda origin: origin.file
    names = tuple(clusters or ())
    if live:
        edges = wiring.edges(repo)
        return live_ground(edges, builtin, at_now(), names), line_of(edges.repository)
    repository = wiring.repository(repo)
    roles = wiring.roles(Path(repository.root))
    known = wiring.identities(people) if people is not None else None
    return policy_ground(repository, roles, builtin, at_now(), names, known), line_of(repository)
