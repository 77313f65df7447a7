"""`iamrbac can`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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
from iamrbac.model.errors import UsageError

if TYPE_CHECKING:
    from iamrbac.usecases.ground import Ground


def command(
    principal: Annotated[
        str | None,
        typer.Argument(metavar="PRINCIPAL", help="Who: a name or ARN, iamGroup:NAME, team:TEAM/SET, …; left out: me."),
    ] = None,
    verb: Annotated[str | None, typer.Argument(metavar="VERB", help="get, list, create, …")] = None,
    resource: Annotated[
        str | None,
        typer.Argument(metavar="RESOURCE", help="pods, po, deployments.apps, deploy/web, or a path /healthz."),
    ] = None,
    namespace: NamespaceOption = "",
    all_namespaces: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="In all namespaces at once; so it is without -n, too.")
    ] = False,
    subresource: SubresourceOption = "",
    as_group: Annotated[
        list[str] | None, typer.Option("--as-group", help="Count this Kubernetes group in, too (several times).")
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option("--batch", metavar="FILE", help="Answer the questions of a file, or of - (JSON lines)."),
    ] = None,
    live: LiveOption = False,
    files: FilesOption = None,
    identities: IdentitiesOption = None,
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
) -> int:
    """Say whether somebody, or I, may do something, by which chain, or what comes nearest and what would allow it.

    PRINCIPAL is whom the policies name: `alice`, an ARN, `iamGroup:payments-developers`, `team:payments/oncall`; or a
    Kubernetes subject: `user:NAME`, `group:NAME`, `serviceaccount:NAMESPACE:NAME`. By default the policies are asked,
    with no cluster and no AWS: members as declared, or people with --identities FILE; --live asks the clusters
    themselves.

    With VERB and RESOURCE alone it is about me, whoever AWS says I am. The policies know me by name, by role and with
    --identities FILE by group; with --live each cluster says itself whom it takes me for and whether I may, for which
    nobody needs a right.

    --batch reads a JSON object a line, about one cluster: {id, user, groups, verb, apiGroup, resource, subresource,
    name, namespace} or {id, user, groups, verb, path}, as the API server's authorizer is asked, or with `principal` in
    place of user and groups. It answers {id, allowed, error} in the same order.

    Exit codes: 0 yes, on every cluster that was asked; 1 it is not known; 3 no, or invalid documents; 64 a question
    that has no answer (no such verb, resource or person). A batch: 0 all were answered, 1 some were not.

    Examples:
      iamrbac can create deployments -n payments
      iamrbac can alice get pods -n payments --identities people.json
      iamrbac can iamGroup:payments-oncall create pods -n payments --subresource exec
      iamrbac can team:payments/developers delete deploy/web -n payments -o json
      iamrbac can group:system:authenticated get /healthz --live
      iamrbac can serviceaccount:payments:web list secrets -n payments -f manifests/
      iamrbac can --batch questions.jsonl --cluster staging
    """
    from iamrbac.access.naming import Asked
    from iamrbac.cli.can_i import Me
    from iamrbac.render.can import answers_json, answers_text, together
    from iamrbac.usecases.ask import ask

    terminal = Terminal(no_color=no_color)
    asked = (principal, verb, resource)
    about_me = batch is None and principal is not None and verb is not None and resource is None
    if batch is not None and (any(asked) or namespace or all_namespaces or subresource or as_group):
        raise UsageError("--batch has its own questions", hint="leave PRINCIPAL, VERB, RESOURCE and their options out")
    if about_me:
        me = Me(terminal, principal or "", verb or "", namespace, all_namespaces, subresource, tuple(as_group or ()))
        return me.answer(repo, cluster, live, files, identities, output)
    if batch is None and not all(asked):
        raise UsageError(
            "a question needs VERB and RESOURCE, after PRINCIPAL where it is not about me", hint="iamrbac can --help"
        )
    ground, line = ground_of(terminal, repo, cluster, live, files, identities)
    if refused(terminal, output, ground):
        return 3
    if batch is not None:
        return _batch(terminal, batch, ground)
    request, note, _ = question(verb or "", resource or "", namespace, all_namespaces, subresource)
    answers = ask(ground, Asked(principal or "", tuple(as_group or ())), request)
    worlds = {name: judge.world for name, judge in ground.judges.items()}
    say(terminal, ground, request.namespace, note)
    if output is Output.JSON:
        terminal.json(answers_json(answers, ground.failures, worlds, line))
    elif answers:
        terminal.answer(answers_text(answers, worlds, request, principal or "", line, terminal.paint))
    allowed = together(answers, ground.failures)
    return 0 if allowed else 1 if allowed is None else 3


def _batch(terminal: Terminal, file: str, ground: Ground) -> int:
    """Answer every question of a file, in order. A malformed one is answered with why, and the others go on."""
    from iamrbac import wiring
    from iamrbac.usecases.batch import answer_lines

    asked = len(ground.judges) + len(ground.failures)
    if asked != 1:
        raise UsageError(f"--batch asks one cluster, and there are {asked}", hint="add --cluster NAME")
    say(terminal, ground, "")
    known = not ground.failures
    for judge in ground.judges.values():
        for answer in answer_lines(judge, ground.instance, wiring.lines(file)):
            known = known and answer["error"] is None
            terminal.line(answer)
    return 0 if known else 1
