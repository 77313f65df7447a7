"""`iamrbac drift`."""

from __future__ import annotations

from iamrbac.cli.options import (
    ClusterOption,
    NoColorOption,
    Output,
    OutputOption,
    QuietOption,
    RepoOption,
    VerboseOption,
)
from iamrbac.cli.planning import show
from iamrbac.cli.terminal import Terminal


def command(
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Output.TEXT,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Say what on the clusters is not as the last apply left it, and who did it, as far as that is kept.

    Every apply records in the home namespace how it left each object of ours. Policies play no part: a policy that has
    changed since is no drift (`iamrbac plan` shows it), and one that is invalid is no hindrance. What a killed apply
    left behind is no drift either. Kubernetes keeps the program that wrote a field last, and no person's name. Nothing
    is written.

    Clusters that are delivered by Git have no such record: `iamrbac status` compares them.

    Exit codes: 0 no drift; 1 of some cluster it is not known: no record yet, or something could not be read; 2 drift;
    3 the config is invalid.

    Examples:
      iamrbac drift
      iamrbac drift --cluster staging
      iamrbac drift -o json
    """
    from iamrbac import wiring
    from iamrbac.render.drift import drift_json, drift_text
    from iamrbac.render.findings import findings_text
    from iamrbac.usecases.drift import find_drift

    terminal = Terminal(no_color=no_color, quiet=quiet, verbose=verbose)
    report, findings = find_drift(wiring.edges(repo), tuple(cluster or ()), terminal)
    if report is None:
        show.invalid(terminal, output, findings, findings_text)
        return 3
    if output is Output.JSON:
        terminal.json(drift_json(report))
    else:
        terminal.answer(drift_text(report, terminal.paint))
    return report.exit_code()
