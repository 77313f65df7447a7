"""`iamrbac kubeconfig`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

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
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Write contexts for the clusters that I may use, with the AWS credentials that are already here.

    A context is named after its cluster; kubectl gets its token from `iamrbac token`. What others wrote into the file
    stays byte for byte. The current context is set where there is none, or to the one cluster that --cluster names.

    Exit codes: 0 written, or there already; 1 a cluster could not be asked, or the file could not be written; 3 no
    cluster takes me, or the config is invalid.

    Examples:
      AWS_PROFILE=alice iamrbac kubeconfig
      iamrbac kubeconfig --cluster staging --namespace-contexts
    """
    from iamrbac import wiring
    from iamrbac.render.findings import findings_text
    from iamrbac.render.kubeconfig import kubeconfig_json, kubeconfig_text
    from iamrbac.usecases.kubeconfig import KubeconfigRequest, make_contexts

    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    request = KubeconfigRequest(
        at=datetime.now(UTC),
        clusters=tuple(cluster or ()),
        everything=everything,
        namespace_contexts=namespace_contexts,
        profile=wiring.aws_profile(),
    )
    result = make_contexts(wiring.own_edges(repo), wiring.kubeconfig(file), request, terminal)
    if not result.clusters:
        show.invalid(terminal, output, result.findings, findings_text)
        return 3
    if output is Output.JSON:
        terminal.json(kubeconfig_json(result))
    else:
        terminal.answer(kubeconfig_text(result))
    if any(one.error is not None for one in result.clusters):
        return 1
    return 0 if result.written is not None else 3
