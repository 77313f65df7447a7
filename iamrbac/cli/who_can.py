"""`iamrbac who-can`."""

from __future__ import annotations

from typing import Annotated

import typer

from iamrbac.cli import show
from iamrbac.cli.asking import FilesOption, LiveOption, PeopleOption, ground_of
from iamrbac.cli.options import ClusterOption, NoColorOption, Output, OutputOption, RepoOption
from iamrbac.cli.terminal import Terminal


def command(
    verb: Annotated[str, typer.Argument(metavar="VERB", help="get, list, create, …")],
    resource: Annotated[
        str, typer.Argument(metavar="RESOURCE", help="pods, deployments.apps, deploy/web, or a path: /healthz.")
    ],
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Where; without it, in the whole cluster.")] = "",
    subresource: Annotated[str, typer.Option("--subresource", help="log, exec, scale, …")] = "",
    live: LiveOption = False,
    files: FilesOption = None,
    people: PeopleOption = None,
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
) -> int:
    """Say who may do something, each with the chain that allows it.

    By default the policies are asked, with no cluster and no AWS: members as declared, or people with --people FILE.
    --live asks the clusters themselves, with what is not ours. Subjects that nobody is mapped to are listed as such.

    Exit codes: 0 somebody may; 3 nobody may, or invalid documents; 1 a cluster could not be read; 64 usage.

    Examples:
      iamrbac who-can delete pods -n payments
      iamrbac who-can create pods -n payments --subresource exec --cluster production
      iamrbac who-can get secrets -n payments --live -o json
    """
    from iamrbac import wiring
    from iamrbac.access.naming import request_of
    from iamrbac.render.findings import findings_text
    from iamrbac.render.who_can import who_can_json, who_can_text

    terminal = Terminal(no_color=no_color)
    ground, line = ground_of(repo, cluster, live, files, people)
    if ground.failed:
        show.invalid(terminal, output, ground.findings, findings_text)
        return 3
    request, note = request_of(verb, resource, wiring.builtin().catalogue, namespace, subresource)
    if note:
        terminal.step(note)
    found = {name: tuple(judge.who_can(request)) for name, judge in ground.judges.items()}
    worlds = {name: judge.world for name, judge in ground.judges.items()}
    if output is Output.JSON:
        terminal.json(who_can_json(found, worlds, line))
    else:
        terminal.answer(who_can_text(found, worlds, request, line, terminal.paint))
    return 0 if any(found.values()) else 3
