"""`iamrbac demo`."""

from __future__ import annotations

from iamrbac.cli.options import NoColorOption, QuietOption, RepoOption
from iamrbac.cli.terminal import Terminal


def command(repo: RepoOption = None, no_color: NoColorOption = False, quiet: QuietOption = False) -> int:
    """Play the whole main job on a fresh sandbox, narrated; every step is checked, not just printed.

    Uses the sample repository that comes with iamrbac, or another one of the same people with -C. Nothing outside
    loopback is contacted, and nothing of yours is changed. Exit codes: 0 every step held; 1 one did not.

    Example:
      iamrbac demo
    """
    from iamrbac.sandbox.extra import require

    require()
    from iamrbac.sandbox.demo import Stage, play
    from iamrbac.sandbox.kubectl import client
    from iamrbac.sandbox.narrator import DoesNotHoldError, Narrator
    from iamrbac.sandbox.sample import open_sample

    terminal = Terminal(no_color=no_color, quiet=quiet)
    write = (lambda _: None) if quiet else terminal.answer
    with open_sample(repo) as (sandbox, repository):
        narrator = Narrator(write, terminal.paint)
        terminal.answer(f"A fresh sandbox with {len(sandbox.clusters)} clusters; the access repository is {repository}")
        try:
            play(Stage(sandbox, repository, client(), narrator))
        except DoesNotHoldError as error:
            terminal.error(f"[ERR501] the demo stopped after {narrator.held} checks that held: {error}")
            return 1
    return 0
