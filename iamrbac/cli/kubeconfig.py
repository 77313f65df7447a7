"""`iamrbac kubeconfig`."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iamrbac.cli import show
from iamrbac.cli.options import (
    ClusterOption,
    NoColorOption,
    Output,
    OutputOption,
    QuietOption,
    RepoOption,
    VerboseOption,
)
from iamrbac.cli.terminal import Terminal

if TYPE_CHECKING:
    from iamrbac.usecases.kubeconfig import KubeconfigResult


class Plugin(StrEnum):
    """What gets kubectl its token."""

    IAMRBAC = "iamrbac"
    AWS = "aws"


def command(
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All clusters of the config, without asking them whether I have access.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option("--kubeconfig", metavar="FILE", help="Default: the first of KUBECONFIG, or ~/.kube/config."),
    ] = None,
    namespace_contexts: Annotated[
        bool, typer.Option("--namespace-contexts", help="A context NAMESPACE@CLUSTER for each of my namespaces, too.")
    ] = False,
    name_template: Annotated[
        str | None,
        typer.Option(
            "--name-template",
            metavar="TEMPLATE",
            help="Names of contexts: text with {cluster}, {namespace}, {team}, {account}, {region}. With {namespace}, "
            "it names those of --namespace-contexts.",
        ),
    ] = None,
    current: Annotated[
        str | None, typer.Option("--current", metavar="NAME", help="Make this one of them the current context.")
    ] = None,
    plugin: Annotated[
        Plugin,
        typer.Option(
            "--exec", help="What gets kubectl its token: `iamrbac token`, or `aws eks get-token` where iamrbac is not."
        ),
    ] = Plugin.IAMRBAC,
    profile: Annotated[
        str | None,
        typer.Option("--profile", metavar="NAME", help="Use this AWS profile, now and whenever kubectl needs a token."),
    ] = None,
    role_arn: Annotated[
        str | None,
        typer.Option("--role-arn", metavar="ARN", help="Go to the clusters as this role, which is assumed first."),
    ] = None,
    index: Annotated[
        str | None,
        typer.Option(
            "--index",
            metavar="PLACE",
            help="The access index, as `index` of iamrbac.yaml names it; without a repository also: IAMRBAC_INDEX.",
        ),
    ] = None,
    region: Annotated[
        list[str] | None,
        typer.Option(
            "--region",
            metavar="REGION",
            help="Without repository and index: look for clusters here (several times); default: the profile's.",
        ),
    ] = None,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="Also remove contexts that iamrbac wrote for this repository, no longer granted."),
    ] = False,
    printed: Annotated[
        bool, typer.Option("--print", help="Write nothing; print a kubeconfig with these contexts alone.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; show what would change in the file, as a diff.")
    ] = False,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Write contexts for the clusters that I may use, with the AWS credentials that are already here.

    A context is named after its cluster; kubectl gets its token from `iamrbac token`. What others wrote into the file
    stays byte for byte. The current context is set where there is none, or to the one cluster that --cluster names.
    Where KUBECONFIG names several files, an entry is changed where it is, and new ones go where kubectl puts its own.

    Where there is an access index (`iamrbac index`), contexts are for what it says is mine, and neither EKS nor a
    cluster is asked; a set that is entered by a role gets one whose role AWS lets me assume. Else the clusters of the
    access repository are asked, and without one those that EKS has in the region.

    Exit codes: 0 written, or there already; 1 a cluster could not be asked, or the file could not be written; 3 no
    cluster takes me, or the config is invalid.

    Examples:
      iamrbac kubeconfig --profile alice
      iamrbac kubeconfig --cluster staging --namespace-contexts --current payments@staging
      iamrbac kubeconfig --prune --dry-run
    """
    from iamrbac import wiring
    from iamrbac.model.errors import UsageError
    from iamrbac.render.findings import findings_text
    from iamrbac.render.kubeconfig import kubeconfig_json, kubeconfig_text
    from iamrbac.usecases.context_names import Names
    from iamrbac.usecases.kubeconfig import KubeconfigRequest, preview_found, write_found
    from iamrbac.wiring import index as wired

    if printed and (file is not None or prune or dry_run or output is Output.JSON):
        raise UsageError(
            "--print is about no file", hint="leave --kubeconfig, --prune, --dry-run and -o json out, or use --dry-run"
        )
    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    request = KubeconfigRequest(
        at=datetime.now(UTC),
        clusters=tuple(cluster or ()),
        everything=everything,
        namespace_contexts=namespace_contexts,
        profile=profile or wiring.aws_profile(),
        role_arn=role_arn,
        names=Names.parse(name_template, namespace_contexts=namespace_contexts),
        current=current,
        prune=prune,
    )
    find = wired.contexts_finder(repo, index, region or (), profile, role_arn)
    kubeconfig = wiring.printed_kubeconfig(plugin) if printed else wiring.kubeconfig(file, plugin)
    make = preview_found if printed or dry_run else write_found
    result = make(find(request, terminal), kubeconfig, request)
    if not result.clusters:
        show.invalid(terminal, output, result.findings, findings_text)
        return 3
    if printed:
        _print(terminal, result)
    elif output is Output.JSON:
        terminal.json(kubeconfig_json(result))
    else:
        terminal.answer(kubeconfig_text(result))
    if any(one.error is not None for one in result.clusters):
        return 1
    return 0 if any(one.contexts for one in result.clusters) else 3


def _print(terminal: Terminal, result: KubeconfigResult) -> None:
    """Say the kubeconfig on stdout, and what is missing in it on stderr."""
    from iamrbac.render.kubeconfig import kubeconfig_text

    if result.preview is not None:
        terminal.answer(result.preview.after)
    if result.preview is None or any(one.error is not None for one in result.clusters):
        terminal.tell(kubeconfig_text(result))
