"""`iamrbac test`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iamrbac.cli.asking import PeopleOption
from iamrbac.cli.options import ClusterOption, NoColorOption, Output, OutputOption, RepoOption
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
    people: PeopleOption = None,
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Output.TEXT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only tests that do not pass.")] = False,
    no_color: NoColorOption = False,
) -> int:
    """Judge the tests of access."""
    from iamrbac import wiring
    from iamrbac.cli.show import line_of
    from iamrbac.cli.validate import _inside
    from iamrbac.render.expect import tested_json, tested_text
    from iamrbac.usecases.expect import RunRequest, run_tests

    terminal = Terminal(no_color=no_color)
    repository = wiring.repository(repo)
    root = Path(repository.root)
    builtin = wiring.builtin()
    request = RunRequest(
        at_now(),
        tuple(cluster or ()),
        wiring.identities(people) if people is not None else None,
        tuple(_inside(path, root) for path in paths or ()),
        coverage,
        fail_under,
    )
    tested = run_tests(repository, wiring.roles(root), builtin.rbac, builtin.catalogue, request)
    line = line_of(repository)
    if output is Output.JSON:
        terminal.json(tested_json(tested, line))
    else:
        terminal.answer(tested_text(tested, line, terminal.paint, quiet=quiet, untested=coverage))
    return 3 if tested.refused else 1 if tested.count("unknown") else 0
