"""`iamrbac who-can`."""

from __future__ import annotations

from typing import Annotated

import typer

from iamrbac.cli.asking import (
    FilesOption,
    LiveOption,
    NamespaceOption,
    SubresourceOption,
    ground_of,
    question,
    refused,
    say,
)
from iamrbac.cli.options import ClusterOption, NoColorOption, Output, OutputOption, RepoOption
from iamrbac.cli.people import IdentitiesOption
from iamrbac.cli.terminal import Terminal


def command(
    verb: Annotated[str, typer.Argument(metavar="VERB", help="get, list, create, …")],
    resource: Annotated[
        str, typer.Argument(metavar="RESOURCE", help="pods, deployments.apps, deploy/web, or a path: /healthz.")
    ],
    namespace: NamespaceOption = "",
    all_namespaces: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="Who may in some namespace, whichever it is.")
    ] = False,
    subresource: SubresourceOption = "",
    live: LiveOption = False,
    files: FilesOption = None,
    identities: IdentitiesOption = None,
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
) -> int:
    """Say who may do something, each with the chain that allows it.

    By default the policies are asked, with no cluster and no AWS: members as declared, or people with --identities
    FILE. --live asks the clusters themselves, with what is not ours. Subjects that nobody is mapped to are listed as
    such, and Kubernetes' own groups, which more carry than are mapped. `perhaps` is who may be able to: what an access
    policy gives that AWS does not document, a node, a session with a name of somebody's. EKS shows nobody the creator
    of a CONFIG_MAP cluster, who is administrator.

    Exit codes: 0 somebody may; 3 nobody may, or invalid documents; 1 a cluster could not be read; 64 usage.

    Examples:
      iamrbac who-can delete pods -n payments
      iamrbac who-can create pods -n payments --subresource exec --cluster production
      iamrbac who-can get secrets -A --live -o json
    """
    from iamrbac.render.who_can import who_can_json, who_can_text
    from iamrbac.usecases.ask import who_can

    terminal = Terminal(no_color=no_color)
    ground, line = ground_of(terminal, repo, cluster, live, files, identities)
    if refused(terminal, output, ground):
        return 3
    request, note, anywhere = question(verb, resource, namespace, all_namespaces, subresource)
    found = who_can(ground, request, anywhere=anywhere)
    worlds = {name: judge.world for name, judge in ground.judges.items()}
    say(terminal, ground, request.namespace, note)
    if output is Output.JSON:
        terminal.json(who_can_json(found, ground.failures, worlds, line))
    elif found:
        terminal.answer(who_can_text(found, worlds, request, line, terminal.paint, anywhere=anywhere))
    somebody = any(able.chains or able.perhaps for able in found.values())
    return 1 if ground.failures else 0 if somebody else 3
