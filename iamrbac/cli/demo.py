"""`iamrbac demo`."""

from __future__ import annotations

from pathlib import Path

from iamrbac.cli.options import Kube, KubeOption, NoColorOption, QuietOption, RepoOption
from iamrbac.cli.terminal import Terminal


def command(
    kube: KubeOption = Kube.EMBEDDED,
    repo: RepoOption = None,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> int:
    """Play the whole main job on a fresh sandbox, narrated; every step is checked, not just printed.

    Uses the sample repository that comes with iamrbac, or with -C another one of the same people and teams. Nothing
    outside loopback is contacted, and nothing of yours is changed. Exit codes: 0 every step held; 1 one did not.

    Examples:
      iamrbac demo
      iamrbac demo --kube real
    """
    from iamrbac.sandbox.extra import require

    require()
    from iamrbac.sandbox.sample import copied

    terminal = Terminal(no_color=no_color, quiet=quiet)
    if repo is not None:
        return _play(terminal, repo, kube)
    with copied() as root:
        return _play(terminal, root, kube)


def _play(terminal: Terminal, root: Path, kube: Kube) -> int:
    from iamrbac import wiring
    from iamrbac.sandbox.demo import Stage, play
    from iamrbac.sandbox.kubectl import client
    from iamrbac.sandbox.narrator import DoesNotHoldError, Narrator
    from iamrbac.sandbox.sample import open_sandbox

    repository = wiring.repository(root)
    narrator = Narrator(_nothing if terminal.quiet else terminal.answer, terminal.paint)
    with open_sandbox(repository, kube.value) as sandbox:
        try:
            play(Stage(sandbox, Path(repository.root), client(), narrator))
        except DoesNotHoldError as error:
            terminal.error(f"[ERR501] the demo stopped after {narrator.held} checks that held: {error}")
            return 1
    return 0


def _nothing(_text: str) -> None:
    """Say nothing."""
