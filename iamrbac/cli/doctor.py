"""`iamrbac doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from iamrbac.cli import completing, show
from iamrbac.cli.options import NoColorOption, Output, OutputOption, QuietOption, RepoOption, VerboseOption
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import UsageError
from iamrbac.model.origin import Origin


def command(
    verb: Annotated[str | None, typer.Argument(metavar="VERB", help="get, list, create, …")] = None,
    resource: Annotated[
        str | None, typer.Argument(metavar="RESOURCE", help="pods, po, deployments.apps, deploy/web, …")
    ] = None,
    namespace: Annotated[
        str,
        typer.Option(
            "--namespace", "-n", help="Where; default: the context's namespace.", autocompletion=completing.namespaces
        ),
    ] = "",
    subresource: Annotated[str, typer.Option("--subresource", help="log, exec, scale, …")] = "",
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", help="Which cluster of the config or the index.", autocompletion=completing.clusters),
    ] = None,
    context: Annotated[
        str | None, typer.Option("--context", help="Which context of the kubeconfig; default: the current one.")
    ] = None,
    principal: Annotated[
        str | None,
        typer.Option("--principal", metavar="ARN", help="About somebody else, for whoever may read entries and rows."),
    ] = None,
    repo: RepoOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Say why kubectl answers Unauthorized or Forbidden: what fails first, who can fix it, and what to run.

    Checks in order: credentials, clock, endpoint, cluster, mapping (does the cluster take me for anybody), rbac (may I
    do VERB RESOURCE, or anything at all). It looks at the kubeconfig's current context as kubectl would use it, with
    the profile and role of its plug-in, ours or `aws eks get-token`. No repository is needed; one that is there, or an
    access index, makes it say more. A developer may not read who is mapped, so causes that look alike are named in the
    order in which they are likely; --principal, for whoever may read access entries, aws-auth and RBAC (the rights of
    `iamrbac permissions can`), names the one that it is.

    Exit codes: 0 all held; 3 a check failed; 1 one could not be made, and none failed; 64 no cluster is meant.

    Examples:
      iamrbac doctor
      iamrbac doctor --context staging list pods -n payments
      iamrbac doctor --cluster production -o json
      iamrbac doctor --cluster production --principal arn:aws:iam::111122223333:user/staff/alice
    """
    from iamrbac.cli.asking import question
    from iamrbac.cli.planning import at_now
    from iamrbac.render.doctor import doctor_json, doctor_text
    from iamrbac.usecases.doctor import DoctorRequest, diagnose
    from iamrbac.usecases.doctor_of import diagnose_of
    from iamrbac.wiring import doctor as wired

    if (verb is None) != (resource is None):
        raise UsageError("a question needs VERB and RESOURCE", hint="iamrbac doctor --help")
    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    edges = wired.doctor_edges(repo, terminal)
    asked = None
    if verb is not None and resource is not None:
        asked, note, _ = question(verb, resource, namespace, False, subresource)
        if note:
            terminal.step(f"note: {note}")
    request = DoctorRequest(at_now(), cluster, context, namespace, asked)
    if principal is not None:
        found = diagnose_of(edges, principal, request, terminal)
    else:
        found = diagnose(edges, request, terminal)

    def line(origin: Origin) -> str:
        return show.line_of(edges.repository)(origin) if edges.repository is not None else origin.file

    if output is Output.JSON:
        terminal.json(doctor_json(found, line))
    else:
        terminal.answer(doctor_text(found, line, terminal.paint))
    return found.code
