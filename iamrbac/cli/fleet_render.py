"""`iamrbac fleet render`: past one machine, Kubernetes Indexed Jobs."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import typer

from iamrbac.cli import show
from iamrbac.cli.options import NoColorOption, Output, QuietOption, RepoOption
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import UsageError


def render(
    shards: Annotated[int, typer.Option("--shards", metavar="N", min=1, max=10_000, help="Parts of the fleet.")],
    repository: Annotated[
        str, typer.Option("--repository", metavar="URL", help="Where each Pod gets the access repository from.")
    ],
    branch: Annotated[str, typer.Option("--branch", metavar="NAME", help="Its branch.")] = "main",
    path: Annotated[str, typer.Option("--path", metavar="FOLDER", help="The folder of iamrbac.yaml in it.")] = "",
    image: Annotated[str | None, typer.Option("--image", help="The Pods' image; default: iamrbac:VERSION.")] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Of the Jobs; default: home.namespace of the config.")
    ] = None,
    parallelism: Annotated[
        int | None, typer.Option("--parallelism", metavar="N", min=1, help="Pods at once; default: all.")
    ] = None,
    schedule: Annotated[
        str | None, typer.Option("--schedule", metavar="CRON", help="A CronJob; it goes over all waves at once.")
    ] = None,
    ignore_order: Annotated[
        bool, typer.Option("--ignore-order", help="One Job over all waves at once, though the config has an order.")
    ] = False,
    repo: RepoOption = None,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> int:
    """Print Kubernetes Indexed Jobs for the management cluster, each of whose Pods syncs one shard of the clusters.

    A cluster's shard depends on its name and on the number of shards alone. With fleet.order there is one Job for each
    wave, and all but the first are suspended: resume each when the one before is complete. A shard that is refused
    (exit code 3) is not tried again, one that failed otherwise is, and fleet.stopAfter failed shards stop the Job.
    Nothing is read but iamrbac.yaml. The ServiceAccount `iamrbac` has to be there (the Helm chart makes it).

    Exit codes: 0; 3 the documents are invalid.

    Examples:
      iamrbac fleet render --shards 20 --repository https://git.example.com/platform/access.git
      iamrbac fleet render --shards 20 --repository git@git.example.com:platform/access.git | kubectl apply -f -
      iamrbac fleet render --shards 5 --repository URL --schedule "*/30 * * * *" --ignore-order
    """
    from iamrbac import __version__, wiring
    from iamrbac.fleet.jobs import Rendered, cron_job, jobs
    from iamrbac.fleet.waves import waves_of
    from iamrbac.gitops.yaml_text import yaml_text
    from iamrbac.render.findings import findings_text
    from iamrbac.usecases.load import load

    terminal = Terminal(no_color=no_color, quiet=quiet)
    loaded = load(wiring.repository(repo))
    if loaded.readable is None or loaded.findings:
        show.invalid(terminal, Output.TEXT, loaded.findings, findings_text)
        return 3
    config = loaded.readable.config.document
    waves = waves_of(config.fleet.order, config.clusters)
    if schedule is not None and len(waves) > 1 and not ignore_order:
        raise UsageError(
            "a CronJob goes over all waves at once, and fleet.order says that they follow each other",
            hint="leave --schedule out, or say --ignore-order",
        )
    what = Rendered(
        shards,
        image or f"iamrbac:{__version__}",
        namespace or config.home.namespace,
        repository,
        branch,
        path,
        parallelism,
        config.fleet.stop_after,
    )
    made = (cron_job(what, schedule),) if schedule is not None else jobs(what, () if ignore_order else waves)
    for before, after in pairwise(made):
        first, then = before["metadata"]["name"], after["metadata"]["name"]
        terminal.step(f"{then} is suspended: resume it when {first} is complete")
    terminal.answer("---\n".join(yaml_text(one) for one in made))
    return 0
