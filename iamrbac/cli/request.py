"""`iamrbac request`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iamrbac.cli import completing, show
from iamrbac.cli.options import NoColorOption, Output, OutputOption, QuietOption, RepoOption
from iamrbac.cli.planning import at_now
from iamrbac.cli.terminal import Terminal

if TYPE_CHECKING:
    from iamrbac.compile.request.wish import Wish
    from iamrbac.usecases.request import Base, Refused, Request, Sent, Snapshot


def command(
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", "-n", help="Where (several times).", autocompletion=completing.namespaces),
    ] = None,
    cluster: Annotated[
        list[str] | None,
        typer.Option(
            "--cluster",
            help="On which cluster (several times), or labels: env=staging.",
            autocompletion=completing.clusters,
        ),
    ] = None,
    role: Annotated[
        str,
        typer.Option(
            "--role",
            help="A role template; view, edit or admin; clusterRole:NAME; eksAccessPolicy:NAME.",
            autocompletion=completing.roles,
        ),
    ] = "",
    length: Annotated[str, typer.Option("--for", metavar="TIME", help="How long from now: 90m, 4h, 2d.")] = "",
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; a ticket first, where there is one.")
    ] = "",
    team: Annotated[
        str | None,
        typer.Option(
            "--team",
            help="In whose name; default: the team that owns the namespace.",
            autocompletion=completing.teams,
        ),
    ] = None,
    member: Annotated[
        list[str] | None,
        typer.Option(
            "--member",
            help="Who gets it (several times): iamUser:NAME, iamGroup:NAME, iamRole:NAME, permissionSet:NAME or an "
            "ARN; default: who AWS says I am.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="What it is called; default: after the reason. One that is taken gets -2."),
    ] = None,
    only_print: Annotated[
        bool,
        typer.Option(
            "--print", help="Print the document and make nothing; judged with the files that are here, no git."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what it would give and where it would be; make nothing.")
    ] = False,
    repo: RepoOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> int:
    """Ask for access that ends by itself: a TemporaryGrant on a new branch of the access repository.

    The branch begins at the remote's default branch, as it is now, and has one new file, policies/temporary/NAME.yaml.
    It is judged first, as `validate` and `diff` do (owners of namespaces, gates), and nothing is made where it would be
    refused. The branch is pushed with your own git (its signing, hooks and credentials); your files and your branch
    stay as they are. Where there is a token for the forge, or gh or glab, the pull request is opened, else its page is
    named. No cluster is asked or changed: the access begins when the request is merged and applied, and ends at the
    time that is counted from now.

    Without --member it is for me: the user, the role or the permission set that AWS says the credentials are.

    Exit codes: 0 it was made; 1 AWS, git or the remote failed, or the access repository is invalid, and nothing was
    made; 3 it would be refused; 64 an option means nothing.

    Examples:
      iamrbac request -n payments --cluster production --role operator --for 4h --reason "INC-4211 checkout is down"
      iamrbac request -n search --cluster env=staging --role view --for 2d --reason SEA-7 --dry-run
    """
    from iamrbac import wiring
    from iamrbac.compile.request.wish import Wish

    terminal = Terminal(no_color=no_color, quiet=quiet)
    root = Path(wiring.repository(repo).root)
    wish = Wish(
        tuple(namespace or ()),
        tuple(cluster or ()),
        role,
        length,
        reason,
        team or None,
        tuple(member or ()),
        name or None,
    )
    if only_print:
        return _print(terminal, output, root, wish)
    return _request(terminal, output, root, wish, dry_run=dry_run)


def _print(terminal: Terminal, output: Output, root: Path, wish: Wish) -> int:
    from iamrbac.usecases.request import Refused
    from iamrbac.wiring import git

    with git.snapshot(root, None) as snapshot:
        found = _prepare(wish, snapshot)(())
        if isinstance(found, Refused):
            return _refuse(terminal, output, found, "the work tree")
        if output is Output.JSON:
            return _show(terminal, output, found, None, None)
        terminal.answer(found.text)
        for one in found.findings:
            terminal.warn(f"{one.id}: {one.message}")
    return 0


def _request(terminal: Terminal, output: Output, root: Path, wish: Wish, *, dry_run: bool) -> int:
    from iamrbac.render.request import message
    from iamrbac.usecases.request import Refused, send, taken_names
    from iamrbac.wiring import git

    branches = git.access_branches(root)
    terminal.step("Fetching the access repository")
    base = branches.base()
    with git.snapshot(root, base.commit) as snapshot:
        prepare = _prepare(wish, snapshot)
        if dry_run:
            found = prepare(taken_names(branches))
            if isinstance(found, Refused):
                return _refuse(terminal, output, found, base.branch)
            return _show(terminal, output, found, base, None)
        sent = send(branches, base, prepare, lambda one: message(one, show.line_of(one.after.repository)))
        if isinstance(sent, Refused):
            return _refuse(terminal, output, sent, base.branch)
        if sent.opened is not None and sent.opened.why:
            terminal.warn(sent.opened.why)
        return _show(terminal, output, sent.request, base, sent)


def _prepare(wish: Wish, snapshot: Snapshot) -> Callable[[Collection[str]], Request | Refused]:
    """Return what makes the request with some names taken; AWS is asked once who this is, the time is now."""
    from iamrbac import wiring
    from iamrbac.usecases.request import prepare

    at, builtin, caller = at_now(), wiring.builtin().rbac, cache(wiring.me)
    return lambda taken: prepare(wish, snapshot, caller, builtin, at, taken)


def _refuse(terminal: Terminal, output: Output, refused: Refused, where: str) -> int:
    from iamrbac.render.findings import findings_text

    if refused.base:
        terminal.error(
            f"the documents of {where} are invalid, so nothing can be asked for. Next: mend them there first"
        )
    show.invalid(terminal, output, refused.findings, findings_text)
    return 1 if refused.base or refused.unknown else 64 if refused.unclear else 3


def _show(terminal: Terminal, output: Output, request: Request, base: Base | None, sent: Sent | None) -> int:
    from iamrbac.render.request import request_json, request_text

    line = show.line_of(request.after.repository)
    if output is Output.JSON:
        terminal.json(request_json(request, base, sent, line))
    else:
        terminal.answer(request_text(request, base, sent, line, terminal.paint))
    return 0
