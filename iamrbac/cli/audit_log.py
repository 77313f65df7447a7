"""`iamrbac audit-log`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from iamrbac.cli import show
from iamrbac.cli.asking import refused
from iamrbac.cli.options import (
    ClusterOption,
    NoColorOption,
    Output,
    OutputOption,
    QuietOption,
    RepoOption,
    VerboseOption,
)
from iamrbac.cli.planning import at_now
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import UsageError


class FailOn(StrEnum):
    """What makes it end with 3."""

    UNUSED = "unused"
    DENIALS = "denials"


def command(
    logs: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Files, folders, s3://BUCKET/PREFIX, or - for stdin.")
    ],
    days: Annotated[
        int | None,
        typer.Option("--days", min=1, metavar="N", help="Not used in so many days; default: the span of the log."),
    ] = None,
    templates: Annotated[
        bool, typer.Option("--templates", help="Print nothing but the smaller roles, as role templates.")
    ] = False,
    fail_on: Annotated[
        list[FailOn] | None,
        typer.Option("--fail-on", help="End with 3 where there are some (may be given several times)."),
    ] = None,
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Say from a cluster's audit log which grants nobody used, which denials recur, and which smaller roles would do.

    The log is read once, as it comes: JSON lines, EventLists, what CloudWatch Logs exports to S3 or hands on to
    Firehose, and the answer of `aws logs filter-log-events`; each with gzip or without. What cannot be read in it is
    counted, and told with the first place. The policies say what is given: no cluster is asked, and AWS only for logs
    in S3.

    A grant is used by every request that it alone would have allowed, whatever else did, dry runs and impersonated
    people included. None is called unused where the log does not cover the days. A smaller role has what was used of a
    role and no more; see what only an incident needs before you take it.

    Exit codes: 0; 1 a file could not be read (the others were); 3 invalid documents, or what --fail-on names; 64 usage.

    Examples:
      iamrbac audit-log audit.log.gz --cluster staging
      iamrbac audit-log s3://acme-audit/production/2026/11 --cluster production --days 30 -o json
      aws logs filter-log-events --log-group-name /aws/eks/staging/cluster | iamrbac audit-log - --cluster staging
    """
    from iamrbac import wiring
    from iamrbac.render.audit_log import audit_json, audit_text, failure_text, templates_text
    from iamrbac.usecases.audit_log import aged, audit
    from iamrbac.usecases.ground import policy_ground
    from iamrbac.wiring.audit import audit_logs
    from iamrbac.wiring.git import lines

    if templates and output is Output.JSON:
        raise UsageError("--templates prints YAML", hint="leave -o json out; its `roles` have the same rules")
    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    repository = wiring.repository(repo)
    roles, names = wiring.roles(Path(repository.root)), tuple(cluster or ())
    ground = policy_ground(repository, roles, wiring.builtin().rbac, at_now(), names)
    if refused(terminal, output, ground):
        return 3
    answer = aged(audit(ground, audit_logs(logs), days, terminal), repository, lines(Path(repository.root)))
    for error in answer.read.failures:
        terminal.error(failure_text(error))
    world, line = ground.judges[answer.cluster].world, show.line_of(repository)
    if templates:
        text = templates_text(answer)
        if text:
            terminal.answer(text)
        else:
            terminal.tell("no role can be made smaller by what is known")
    elif output is Output.JSON:
        terminal.json(audit_json(answer, world, line))
    else:
        terminal.answer(audit_text(answer, world, line, terminal.paint))
    if answer.read.failures:
        return 1
    told = {FailOn.UNUSED: answer.found.unused, FailOn.DENIALS: answer.found.denials}
    return 3 if any(told[one] for one in fail_on or ()) else 0
