"""`iamrbac diff`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iamrbac.cli import show
from iamrbac.cli.options import Format, NoColorOption, RepoOption
from iamrbac.cli.people import IdentitiesOption, people_of
from iamrbac.cli.planning import at_now
from iamrbac.cli.terminal import Terminal

if TYPE_CHECKING:
    from iamrbac.render.changes import Diff
    from iamrbac.usecases.diff import Invalid


class Output(StrEnum):
    """How a change is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"
    GITLAB = "gitlab"


def command(
    base: Annotated[
        str, typer.Option("--base", metavar="REV", help="What the change is for: origin/main, a tag, a commit.")
    ],
    head: Annotated[
        str | None, typer.Option("--head", metavar="REV", help="The change; default: the work tree as it is.")
    ] = None,
    identities: IdentitiesOption = None,
    repo: RepoOption = None,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="How it is written; markdown is a comment for a pull request.")
    ] = Output.TEXT,
    no_color: NoColorOption = False,
) -> int:
    """Show who gains and who loses which access between two revisions of the policies: no cluster, no AWS.

    Both are evaluated, by what the rules allow and not by names: what changes nothing for anybody is "no access
    changes". As in `git diff BASE...HEAD` the head is compared with the commit at which it left the base, so that
    what was merged meanwhile is not its doing. Principals are members as declared, or people with --identities FILE.

    Gates (iamrbac.yaml), waivers (waivers.yaml) and owners of namespaces are those of the base, never of the head.
    The repository is read with git's plumbing: no hook, no filter, no network, and nothing of a branch runs.

    Exit codes: 0 nothing is refused, also with changes; 1 it cannot be known (no such revision, a shallow clone, an
    invalid base); 3 a gate refuses it, or the head's documents are invalid; 64 usage.

    Examples:
      iamrbac diff --base origin/main
      iamrbac diff --base origin/main --head HEAD --identities people.json
      iamrbac diff --base v1.4 --head v1.5 -o html > access.html
      iamrbac diff --base origin/main -o markdown | gh pr comment --body-file -
    """
    from iamrbac import wiring
    from iamrbac.render.changes import Diff, origins
    from iamrbac.usecases.diff import Invalid
    from iamrbac.usecases.review import review
    from iamrbac.wiring import git

    terminal = Terminal(no_color=no_color)
    root = Path(wiring.repository(repo).root)
    saved = people_of(terminal, identities)
    known = saved.known if saved is not None else None
    with git.revisions(root, base, head) as compared:
        found = review(compared.sides, wiring.builtin().rbac, at_now(), known)
        if isinstance(found, Invalid):
            return _invalid(terminal, output, found, compared.base, root)
        change, sides = found.change, compared.sides
        gained = show.lines_of(sides.head.repository, origins(change, "gain"))
        lost = show.lines_of((sides.base or sides.head).repository, origins(change, "lose"))
        diff = Diff(found, compared, gained, lost)
        _answer(terminal, output, diff, root)
    return 3 if found.refusals else 0


def _answer(terminal: Terminal, output: Output, diff: Diff, root: Path) -> None:
    match output:
        case Output.TEXT:
            from iamrbac.render.diff_text import diff_text

            terminal.answer(diff_text(diff, terminal.paint))
        case Output.MARKDOWN:
            from iamrbac.render.diff_markdown import diff_markdown

            terminal.answer(diff_markdown(diff))
        case Output.HTML:
            from iamrbac.render.diff_html import diff_html

            terminal.answer(diff_html(diff))
        case Output.JSON:
            from iamrbac.render.diff_json import diff_json

            terminal.json(diff_json(diff))
        case _:
            from iamrbac.render.diff_report import diff_report

            show.for_machines(terminal, Format(output.value), diff_report(diff), root)


def _invalid(terminal: Terminal, output: Output, found: Invalid, base: str, root: Path) -> int:
    """Say why nothing can be compared. A head that means nothing is a no; of a base nobody knows what it meant."""
    from iamrbac.render.diff_html import invalid_html
    from iamrbac.render.diff_markdown import invalid_markdown
    from iamrbac.render.findings import findings_text
    from iamrbac.render.report import Report

    if found.side == "base":
        terminal.error(
            f"the documents of {base} are invalid, so nobody knows what changes. Next: mend them there first"
        )
    match output:
        case Output.MARKDOWN:
            terminal.answer(invalid_markdown(found))
        case Output.HTML:
            terminal.answer(invalid_html(found))
        case _:
            show.findings(
                terminal,
                Format(output.value),
                Report("diff", found.findings),
                root,
                text=lambda: findings_text(found.findings),
                json=lambda: show.invalid_json(found.findings),
            )
    return 3 if found.side == "head" else 1
