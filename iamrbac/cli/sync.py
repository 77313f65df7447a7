"""`iamrbac sync`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from iamrbac.cli.options import ClusterOption, Output, OutputOption, QuietOption, RepoOption, VerboseOption
from iamrbac.cli.people import IdentitiesOption


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


def command(
    once: Annotated[bool, typer.Option("--once", help="One round, then end; for a scheduler.")] = False,
    interval: Annotated[str, typer.Option("--interval", metavar="TIME", help="From round to round.")] = "5m",
    jitter: Annotated[
        float, typer.Option("--jitter", help="The part of the interval that is left to chance.", min=0, max=1)
    ] = 0.1,
    repo: RepoOption = None,
    repository: Annotated[
        str, typer.Option("--repository", metavar="URL", help="The access repository in Git, fetched each round.")
    ] = "",
    branch: Annotated[str, typer.Option("--branch", metavar="NAME", help="Its branch.")] = "",
    path: Annotated[str, typer.Option("--path", metavar="SUB", help="The folder in it with iamrbac.yaml.")] = "",
    commit: Annotated[
        str, typer.Option("--commit", metavar="SHA", help="This commit of the branch, whatever comes after it.")
    ] = "",
    allowed_signers: Annotated[
        Path | None,
        typer.Option(
            "--allowed-signers", metavar="FILE", help="Only commits signed by an SSH key of this file (ssh-keygen(1))."
        ),
    ] = None,
    work_dir: Annotated[
        Path | None,
        typer.Option("--work-dir", metavar="DIR", help="Where the clone is kept; default: a folder for now."),
    ] = None,
    in_cluster: Annotated[
        str,
        typer.Option("--in-cluster", metavar="NAME", help="The cluster that this runs on, reached as the Pod's own."),
    ] = "",
    leader_election: Annotated[
        bool | None,
        typer.Option(
            "--leader-election/--no-leader-election",
            help="Of several, one works: it holds the Lease iamrbac-sync; default: with --in-cluster, and not --once.",
        ),
    ] = None,
    lease_namespace: Annotated[
        str, typer.Option("--lease-namespace", metavar="NS", help="Where that Lease is; default: the Pod's namespace.")
    ] = "",
    listen: Annotated[
        str,
        typer.Option("--listen", metavar="HOST:PORT", help="Where /healthz, /readyz and /metrics are; '' for nowhere."),
    ] = "0.0.0.0:8080",
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", help="How log lines (stderr) look.")
    ] = LogFormat.TEXT,
    cluster: ClusterOption = None,
    cluster_timeout: Annotated[
        str, typer.Option("--cluster-timeout", metavar="TIME", help="How long one cluster may keep a round.")
    ] = "5m",
    identities: IdentitiesOption = None,
    stale_after: Annotated[
        str, typer.Option("--stale-after", metavar="TIME", help="With --identities: how old the file may be.")
    ] = "1h",
    output: OutputOption = Output.TEXT,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Keep the clusters as the policies say: plan and apply, round after round."""
    raise NotImplementedError
