"""`iamrbac access`."""

from __future__ import annotations

from typing import Annotated

import typer

from iamrbac.cli import completing
from iamrbac.cli.asking import FilesOption, LiveOption, ground_of, refused, say
from iamrbac.cli.options import ClusterOption, NoColorOption, Output, OutputOption, RepoOption
from iamrbac.cli.people import IdentitiesOption
from iamrbac.cli.terminal import Terminal


def command(
    principal: Annotated[str, typer.Option("--principal", help="Only this one: a name or ARN, iamGroup:NAME, …")] = "",
    namespace: Annotated[
        str,
        typer.Option(
            "--namespace",
            "-n",
            help="Only what counts in this namespace, the whole cluster's too.",
            autocompletion=completing.namespaces,
        ),
    ] = "",
    team: Annotated[
        str, typer.Option("--team", help="Only what this team's policies give.", autocompletion=completing.teams)
    ] = "",
    matrix: Annotated[bool, typer.Option("--matrix", help="A table of principals and namespaces.")] = False,
    live: LiveOption = False,
    files: FilesOption = None,
    identities: IdentitiesOption = None,
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
) -> int:
    """List who holds which role where, with the policy lines that give it.

    By default from the policies, with no cluster and no AWS: members as declared, or people with --identities FILE;
    with --live from the clusters, everybody who is mapped, and the users, groups and service accounts that bindings
    name, whoever bound them; without what Kubernetes gives itself and everybody who logs in.

    Exit codes: 0; 3 invalid documents; 1 a cluster could not be read; 64 nobody is called so, or no such team.

    Examples:
      iamrbac access --matrix
      iamrbac access --principal payments-oncall --cluster production
      iamrbac access --namespace payments --live -o json
    """
    from iamrbac.render.access import access_json, access_text, matrix_text
    from iamrbac.usecases.ask import holdings

    terminal = Terminal(no_color=no_color)
    ground, line = ground_of(terminal, repo, cluster, live, files, identities)
    if refused(terminal, output, ground):
        return 3
    found = holdings(ground, principal, namespace, team)
    suspended = principal and ground.is_suspended(principal)
    say(terminal, ground, namespace, f"{principal} is suspended in iamrbac.yaml" if suspended else "")
    if output is Output.JSON:
        terminal.json(access_json(found, ground.failures, line))
    elif found:
        terminal.answer(matrix_text(found, terminal.paint) if matrix else access_text(found, line, terminal.paint))
    return 1 if ground.failures else 0
