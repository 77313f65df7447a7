"""`iamrbac can`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from iamrbac.cli import show
from iamrbac.cli.asking import FilesOption, LiveOption, PeopleOption, ground_of
from iamrbac.cli.options import ClusterOption, NoColorOption, Output, OutputOption, RepoOption
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import UsageError

if TYPE_CHECKING:
    from iamrbac.usecases.ask import Ground


def command(
    principal: Annotated[
        str | None, typer.Argument(metavar="PRINCIPAL", help="Who: a name or ARN, iamGroup:NAME, team:TEAM/SET, …")
    ] = None,
    verb: Annotated[str | None, typer.Argument(metavar="VERB", help="get, list, create, …")] = None,
    resource: Annotated[
        str | None,
        typer.Argument(metavar="RESOURCE", help="pods, po, deployments.apps, deploy/web, or a path /healthz."),
    ] = None,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Where; without it, in the whole cluster.")] = "",
    subresource: Annotated[str, typer.Option("--subresource", help="log, exec, scale, …")] = "",
    as_group: Annotated[
        list[str] | None, typer.Option("--as-group", help="Count this Kubernetes group in, too (several times).")
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option("--batch", metavar="FILE", help="Answer the questions of a file, or of - (JSON lines)."),
    ] = None,
    live: LiveOption = False,
    files: FilesOption = None,
    people: PeopleOption = None,
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
) -> int:
    """Say whether somebody may do something, by which chain, or what comes nearest and what would allow it.

    PRINCIPAL is whom the policies name: `alice`, an ARN, `iamGroup:payments-developers`, `team:payments/oncall`; or a
    Kubernetes subject: `user:NAME`, `group:NAME`, `serviceaccount:NAMESPACE:NAME`. By default the policies are asked,
    with no cluster and no AWS; --live asks the clusters themselves.

    --batch reads a JSON object a line, {id, user, groups, verb, apiGroup, resource, subresource, name, namespace} or
    {id, user, groups, verb, path}, about one cluster, and answers {id, allowed, error} in the same order.

    Exit codes: 0 yes, on every cluster that was asked; 1 it is not known; 3 no, or invalid documents; 64 a question
    that has no answer (no such verb, resource or person).

    Examples:
      iamrbac can alice get pods -n payments --cluster staging
      iamrbac can iamGroup:payments-oncall create pods -n payments --subresource exec
      iamrbac can team:payments/developers delete deploy/web -n payments -o json
      iamrbac can group:system:authenticated get /healthz --live
      iamrbac can --batch questions.jsonl --cluster staging
    """
    from iamrbac import wiring
    from iamrbac.access.naming import Asked, request_of
    from iamrbac.render.can import answers_json, answers_text
    from iamrbac.render.findings import findings_text
    from iamrbac.usecases.ask import ask

    terminal = Terminal(no_color=no_color)
    if batch is None and (principal is None or verb is None or resource is None):
        raise UsageError("a question needs PRINCIPAL, VERB and RESOURCE", hint="iamrbac can --help")
    if batch is not None and principal is not None:
        raise UsageError("--batch has its own questions", hint="leave the others out")
    ground, line = ground_of(repo, cluster, live, files, people)
    if ground.failed:
        show.invalid(terminal, output, ground.findings, findings_text)
        return 3
    if batch is not None:
        return _batch(terminal, batch, ground)
    request, note = request_of(verb or "", resource or "", wiring.builtin().catalogue, namespace, subresource)
    if note:
        terminal.step(note)
    answers = ask(ground, Asked(principal or "", tuple(as_group or ())), request)
    worlds = {name: judge.world for name, judge in ground.judges.items()}
    if output is Output.JSON:
        terminal.json(answers_json(answers, worlds, line))
    else:
        terminal.answer(answers_text(answers, worlds, request, principal or "", line, terminal.paint))
    states = [answer.allowed for answer in answers]
    return 3 if False in states else 1 if None in states else 0


def _batch(terminal: Terminal, file: str, ground: Ground) -> int:
    """Answer every question of a file, in order. A malformed one is answered with why, and the others go on."""
    from iamrbac import wiring
    from iamrbac.usecases.batch import answer_lines

    if len(ground.judges) != 1:
        raise UsageError(f"--batch asks one cluster, and there are {len(ground.judges)}", hint="add --cluster NAME")
    (judge,) = ground.judges.values()
    failed = False
    for answer in answer_lines(judge, wiring.lines(file)):
        failed = failed or answer["error"] is not None
        terminal.line(answer)
    return 1 if failed else 0
