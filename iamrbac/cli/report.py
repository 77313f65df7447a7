"""`iamrbac report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iamrbac.cli import show
from iamrbac.cli.asking import LiveOption, refused, say
from iamrbac.cli.options import ClusterOption, NoColorOption, Output, OutputOption, QuietOption, RepoOption
from iamrbac.cli.people import IdentitiesOption, people_of
from iamrbac.cli.planning import at_of
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import UsageError

if TYPE_CHECKING:
    from iamrbac.documents.identities import SavedPeople


def command(
    html: Annotated[bool, typer.Option("--html", help="One page that needs nothing else, for a browser.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="The matrix as a table, a row for each role of each one.")] = False,
    json: Annotated[bool, typer.Option("--json", help="All of it as JSON; the same as -o json.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it into this file, whole or not at all.")
    ] = None,
    live: LiveOption = False,
    identities: IdentitiesOption = None,
    days: Annotated[
        int, typer.Option("--days", metavar="N", help="What ends within N days ends soon.", min=0, max=36500)
    ] = 30,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Report for this time (RFC 3339 with offset), not now.")
    ] = None,
    signatures: Annotated[
        bool, typer.Option("--signatures", help="Have git verify the signatures of the commits that are shown.")
    ] = False,
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> int:
    """Write for auditors who may do what where, what of it is risky, what ends when, and who approved it.

    Without --html, --csv or --json it is a summary for the terminal. By default from the policies, with no cluster and
    no AWS: members as declared, or people with --identities FILE; with --live from the clusters, with what is not ours.
    Risks are what `iamrbac lint` finds in the policies. Who approved is what Git says: the last commits of each file,
    the merge that brought them, and whom Reviewed-by and Approved-by name. What is not known is said, never left blank.

    The same inputs and --at give the same bytes.

    Exit codes: 0; 1 a cluster could not be read (the report says which) or FILE not be written; 3 invalid documents; 64
    usage.

    Examples:
      iamrbac report
      iamrbac report --html --identities people.json --out report.html
      iamrbac report --live --cluster production --csv > production.csv
      iamrbac report --json --at 2026-12-31T00:00:00Z
    """
    from iamrbac import __version__, wiring
    from iamrbac.usecases.ground import live_ground, policy_ground
    from iamrbac.usecases.report import Asked, make_report
    from iamrbac.wiring import git

    if html + csv + (json or output is Output.JSON) > 1:
        raise UsageError("--html, --csv and --json exclude each other", hint="choose one, and run it again for another")
    if live and identities is not None:
        raise UsageError("--live and --identities exclude each other", hint="choose one")
    terminal = Terminal(no_color=no_color or out is not None, quiet=quiet)
    when = at_of(at)
    builtin = wiring.builtin()
    names = tuple(cluster or ())
    saved = people_of(terminal, identities)
    if live:
        edges = wiring.edges(repo)
        repository, roles = edges.repository, edges.roles
        ground = live_ground(edges, builtin.rbac, when, names)
    else:
        repository = wiring.repository(repo)
        roles = wiring.roles(Path(repository.root))
        known = saved.known if saved is not None else None
        ground = policy_ground(repository, roles, builtin.rbac, when, names, known, as_declared=True)
    if refused(terminal, Output.JSON if json else output, ground):
        return 3
    asked = Asked(
        when,
        __version__,
        "clusters" if live else "policies",
        _people(live, saved),
        names,
        days,
        signatures,
        saved is not None,
    )
    approvals = git.approvals(Path(repository.root))
    report = make_report(ground, repository, roles, builtin.rbac, builtin.catalogue, approvals, asked)
    say(terminal, ground, "")
    line = show.lines_of(repository, report.origins())
    if html:
        from iamrbac.render.report_html import report_html

        text = report_html(report, line)
    elif csv:
        from iamrbac.render.report_csv import report_csv

        text = report_csv(report, line)
    elif json or output is Output.JSON:
        from json import dumps

        from iamrbac.render.report_json import report_json

        text = dumps(report_json(report, line), indent=2, ensure_ascii=False) + "\n"
    else:
        from iamrbac.render.report_text import report_text

        text = report_text(report, line, terminal.paint)
    if out is None:
        terminal.answer(text)
    else:
        wiring.write_whole(out, text if text.endswith("\n") else text + "\n")
        terminal.step(f"written to {out} ({len(text.encode()) // 1024 + 1:,} KiB)")
    return 1 if ground.failures else 0


def _people(live: bool, saved: SavedPeople | None) -> str:
    """Return where it is known from who the people are."""
    from iamrbac.render.report_words import time

    if live:
        return "as the clusters map them"
    if saved is None:
        return "as the policies declare them; who is in an IAM group was not asked"
    return f"as of {time(saved.at) if saved.at is not None else 'an unknown time'}, from {Path(saved.file).name}"
