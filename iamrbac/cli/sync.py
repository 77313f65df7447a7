"""`iamrbac sync`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from iamrbac.cli.options import (
    ClusterOption,
    Output,
    OutputOption,
    QuietOption,
    RepoOption,
    ShardOption,
    VerboseOption,
    WaveOption,
)
from iamrbac.cli.people import IdentitiesOption
from iamrbac.model.errors import UsageError


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
    wave: WaveOption = None,
    shard: ShardOption = None,
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
    """Keep the clusters as the policies say: plan with the guards of every plan, and apply what nothing refuses.

    A cluster that something refuses (a guard, a finding, a commit that nobody of the allowed signers signed, people of
    an old file) is paused and told of; nothing here allows anything, that is for a person with `iamrbac apply`. Where
    Git, IAM or a cluster does not answer, all stays as it was, and nobody loses anything. One cluster holds up no
    other. Temporary grants end on time: there is a round when the next one ends.

    Without --once it goes on until SIGTERM or SIGINT, which let the write in hand be done, and ends with 0.

    Exit codes of --once: 0 all is as the policies say; 1 something could not be done or known; 3 something refuses; 6
    partly applied; 130 interrupted.

    Examples:
      iamrbac sync --once -C access
      iamrbac sync --repository https://git.example.com/access.git --branch main --interval 10m
      iamrbac sync --in-cluster management --repository … --branch main --allowed-signers /etc/iamrbac/signers
    """
    import signal
    import sys
    from datetime import UTC, datetime

    from iamrbac.cli.planning import part_of, seconds
    from iamrbac.cli.terminal import Terminal
    from iamrbac.render.sync import round_json, round_text
    from iamrbac.usecases.schedule import Pace
    from iamrbac.wiring.sync import Level, Lines, Options, Place, Service

    if once and leader_election:
        raise UsageError("--once takes no part in an election", hint="each cluster's lock keeps two apart")
    place = None
    if repository:
        if repo is not None:
            raise UsageError("--repo and --repository exclude each other", hint="choose one")
        place = Place(repository, branch, path, commit, allowed_signers)
    elif branch or path or commit or allowed_signers is not None or work_dir is not None:
        hint = "name the repository with --repository"
        raise UsageError(
            "--branch, --path, --commit, --allowed-signers and --work-dir are about what is fetched", hint=hint
        )
    options = Options(
        tuple(cluster or ()),
        Pace(_positive(seconds(interval), "--interval"), jitter),
        _positive(seconds(cluster_timeout), "--cluster-timeout"),
        seconds(stale_after),
        repo,
        place,
        work_dir,
        identities,
        in_cluster,
        leader_election if leader_election is not None else bool(in_cluster) and not once,
        lease_namespace,
        listen,
        part_of(shard, wave),
    )
    terminal = Terminal(quiet=quiet, verbose=verbose)
    least = Level.WARNING if quiet else Level.DEBUG if verbose else Level.INFO
    log = Lines(sys.stderr, lambda: datetime.now(UTC), as_json=log_format is LogFormat.JSON, least=least)
    with Service(options, log) as service:
        before = [(one, signal.signal(one, lambda *_: service.stop())) for one in (signal.SIGTERM, signal.SIGINT)]
        try:
            if not once:
                service.keep()
                return 0
            made = service.once()
        finally:
            for number, handler in before:
                signal.signal(number, handler)
    if output is Output.JSON:
        terminal.json(round_json(made))
    else:
        terminal.answer(round_text(made, terminal.paint))
    return made.exit_code()


def _positive(span: float, option: str) -> float:
    if span <= 0:
        raise UsageError(f"{option} must be longer than nothing", hint="write e.g. 5m")
    return span
