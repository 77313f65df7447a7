"""`iamrbac test`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iamrbac.cli import show
from iamrbac.cli.options import ClusterOption, Format, FormatOption, NoColorOption, RepoOption
from iamrbac.cli.people import IdentitiesOption, people_of
from iamrbac.cli.planning import at_now
from iamrbac.cli.terminal import Terminal


def command(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Only the tests of these files and folders.")
    ] = None,
    coverage: Annotated[bool, typer.Option("--coverage", help="List the grants that no test speaks of.")] = False,
    fail_under: Annotated[
        int | None,
        typer.Option("--fail-under", metavar="PERCENT", min=0, max=100, help="Fail where fewer grants are tested."),
    ] = None,
    identities: IdentitiesOption = None,
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    output: FormatOption = Format.TEXT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only tests that do not pass.")] = False,
    no_color: NoColorOption = False,
) -> int:
    """Judge the tests of access beside the policies, tests/access/*.yaml: no cluster, no AWS, no credentials.

    A case says whom it is about (principal, group or team), what they can and what they cannot do, where. What breaks
    a promise is shown with its chain, or with what is missing. A test that names what is not there fails, too: it
    would say nothing. `iamrbac schema test` prints the language.

    Members are as the policies declare them (iamGroup payments-oncall), or with --identities FILE the people
    themselves. A grant is tested where some `can` holds by it; --coverage lists those that no test speaks of.

    Exit codes: 0 every promise is kept, also where there is no test; 1 of some it is not known, or the repository
    cannot be read; 3 a promise is broken, a test is wrong, too few grants are tested, or the documents are invalid;
    64 no such PATH or cluster.

    Examples:
      iamrbac test
      iamrbac test tests/access/payments.yaml --cluster production
      iamrbac test --coverage --fail-under 80
      iamrbac test --identities people.json -o json
      iamrbac test -o junit > access.xml
    """
    from iamrbac import wiring
    from iamrbac.cli.validate import inside
    from iamrbac.render.expect import tested_json, tested_report, tested_text
    from iamrbac.usecases.expect import RunRequest, run_tests

    terminal = Terminal(no_color=no_color)
    repository = wiring.repository(repo)
    root = Path(repository.root)
    builtin = wiring.builtin()
    saved = people_of(terminal, identities)
    request = RunRequest(
        at_now(),
        tuple(cluster or ()),
        saved.known if saved is not None else None,
        tuple(inside(path, root) for path in paths or ()),
        coverage,
        fail_under,
    )
    tested = run_tests(repository, wiring.roles(root), builtin.rbac, builtin.catalogue, request)
    line = show.line_of(repository)
    show.findings(
        terminal,
        output,
        tested_report(tested, line),
        root,
        text=lambda: tested_text(tested, line, terminal.paint, quiet=quiet, untested=coverage),
        json=lambda: tested_json(tested, line),
    )
    return 3 if tested.refused else 1 if tested.count("unknown") else 0
