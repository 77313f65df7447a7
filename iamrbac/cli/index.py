"""`iamrbac index`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iamrbac.cli import show
from iamrbac.cli.options import NoColorOption, Output, OutputOption, QuietOption, RepoOption, VerboseOption
from iamrbac.cli.people import IdentitiesOption, people_of
from iamrbac.cli.planning import at_now
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import UsageError

if TYPE_CHECKING:
    from iamrbac.model.documents import Config
    from iamrbac.usecases.index_places import IndexStore


def command(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write it here and not to its place; where a KMS key signs it, the signature as FILE.sig.",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say whether the index is what it would be now.")
    ] = False,
    identities: IdentitiesOption = None,
    repo: RepoOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Make the access index: where all clusters are, and which users and roles have what there. No secret is in it.

    With it `iamrbac kubeconfig` needs no right on EKS, and no clone of this repository. It is written to `index:` of
    iamrbac.yaml, by whoever may plan: EKS says where clusters are, IAM who is who. Run it after `iamrbac apply`. It is
    always about all clusters, and whole: where one of them, or who is in a group, is not known, nothing is written. An
    index that says the same as the one that is there is written again after a day only.

    Exit codes: 0; 1 something could not be read or written, and nothing was written; 2 with --check: the index is not
    what it would be now; 3 invalid documents.

    Examples:
      iamrbac index
      iamrbac index --check
      iamrbac index --out access-index.json --identities people.json
    """
    from iamrbac import wiring
    from iamrbac.render.findings import findings_text
    from iamrbac.render.index import failures_text, index_json, index_text, moved_text
    from iamrbac.usecases.index import keep_index, make_index, origins_of
    from iamrbac.usecases.load import load

    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    edges = wiring.edges(repo, people_of(terminal, identities))
    loaded = load(edges.repository, edges.roles.names())
    if loaded.readable is None:
        show.invalid(terminal, output, loaded.findings, findings_text)
        return 3
    store = _store(loaded.readable.config.document, Path(edges.repository.root), out)
    lines = show.lines_of(edges.repository, origins_of(loaded))
    made = make_index(edges, loaded, at_now(), lines, terminal)
    if made.index is None:
        if made.failures:
            terminal.tell(failures_text(made.failures).rstrip("\n"))
            terminal.error("[ERR217] no index is made of a part of the clusters; nothing was written")
        else:
            show.invalid(terminal, output, made.findings, findings_text)
        return 1 if made.unread else 3
    kept = keep_index(store, made.index, check=check)
    if kept.broken:
        terminal.warn(f"{kept.where}: {kept.broken}")
    if kept.before is not None:
        for name in kept.difference.moved:
            terminal.warn(moved_text(made.index, kept.before, name))
    if output is Output.JSON:
        terminal.json(index_json(made.index, kept))
    else:
        terminal.answer(index_text(made.index, kept, check=check))
    return 2 if check and kept.difference.changed else 0


def _store(config: Config, root: Path, out: Path | None) -> IndexStore:
    """Return where the index goes. Raises UsageError where nothing says it."""
    from iamrbac.model.index_place import parse_place
    from iamrbac.wiring import index as wired

    try:
        place = parse_place(config.index, config.people) if config.index is not None else None
    except ValueError as error:
        raise UsageError(f"index in iamrbac.yaml: {error}", hint="iamrbac validate says more") from error
    if out is not None:
        return wired.index_file(out, place)
    if place is None:
        raise UsageError(
            "nothing says where the access index is kept",
            hint="write `index: access-index.json` into iamrbac.yaml, or use --out FILE",
        )
    return wired.index_store(place, root)
