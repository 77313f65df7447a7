"""`iamrbac snapshot`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from iamrbac.cli import show
from iamrbac.cli.options import NoColorOption, Output, QuietOption, RepoOption
from iamrbac.cli.planning import at_now
from iamrbac.cli.terminal import Terminal

OutOption: TypeAlias = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Where to write it; without, on stdout.")
]


def command(
    out: OutOption = None,
    repo: RepoOption = None,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> int:
    """Write down who is in which IAM group, and which role a permission set has: another name of `identities export`.

    Only what the policies name is asked. The file holds ARNs of people and no secret.

    Exit codes: 0; 1 IAM did not say something, and nothing was written; 3 invalid documents.

    Examples:
      iamrbac snapshot --out people.json
      iamrbac can alice get pods -n payments --identities people.json
    """
    import json

    from iamrbac import wiring
    from iamrbac.render.findings import findings_text
    from iamrbac.usecases.snapshot import take_snapshot

    terminal = Terminal(no_color=no_color, quiet=quiet)
    repository = wiring.repository(repo)
    names = wiring.roles(Path(repository.root)).names()
    at = at_now()
    snapshot, findings = take_snapshot(repository, names, wiring.people, at)
    if snapshot is None:
        show.invalid(terminal, Output.TEXT, findings, findings_text)
        return 3
    text = json.dumps(wiring.identities_json(snapshot, at), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        terminal.answer(text)
    else:
        wiring.write_whole(out, text)
        terminal.step(f"Written to {out}: {len(snapshot.groups)} groups, {len(snapshot.principals)} users and roles")
    return 0
