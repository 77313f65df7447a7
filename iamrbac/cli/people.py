"""`--identities FILE`: people from a file in IAM's place, and how old they are said to be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from iamrbac.cli.planning import at_now

if TYPE_CHECKING:
    from iamrbac.cli.terminal import Terminal
    from iamrbac.documents.identities import SavedPeople

IdentitiesOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--identities",
        "--people",
        metavar="FILE",
        help="Who is in which IAM group, as `iamrbac identities export` wrote it; IAM is not asked.",
    ),
]
_LEFT = "IAM roles of ours that no policy wants any more are not looked for"


def people_of(terminal: Terminal, file: Path | None, *, aloud: bool = False) -> SavedPeople | None:
    """Return the people of a file, None without one, and say how old they are. Raises UsageError.

    `aloud` says it whatever the verbosity.
    """
    from iamrbac import wiring
    from iamrbac.render.people import people_text

    if file is None:
        return None
    saved = wiring.saved_people(file)
    (terminal.tell if aloud else terminal.step)(people_text(saved.at, at_now(), saved.file))
    return saved


def planned_by(terminal: Terminal, file: Path | None, *, writes: bool = False) -> SavedPeople | None:
    """Return the people that a plan is made by, None for IAM's own; an apply warns of old ones. Raises UsageError."""
    from iamrbac.render.people import is_old

    saved = people_of(terminal, file, aloud=True)
    if saved is None:
        return None
    if writes and is_old(saved.at, at_now()):
        terminal.warn(
            f"people of an old file: whoever left an IAM group since gets access again; "
            f"iamrbac identities export --out {saved.file} makes it anew"
        )
    terminal.step(_LEFT)
    return saved
