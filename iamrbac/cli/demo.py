"""`iamrbac demo`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iamrbac.cli.options import Kube, KubeOption, NoColorOption, QuietOption, RepoOption
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import UsageError

if TYPE_CHECKING:
    from iamrbac.sandbox.demo import Stage


def command(
    gitops: Annotated[
        bool, typer.Option("--gitops", help="With delivery by Git: commit, sync, heal, revert. Needs git.")
    ] = False,
    kube: KubeOption = Kube.EMBEDDED,
    repo: RepoOption = None,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> int:
    """Play the whole main job on a fresh sandbox, narrated; every step is checked, not just printed.

    Uses the sample repository that comes with iamrbac, or with -C another one of the same people and teams. Nothing
    outside loopback is contacted, and nothing of yours is changed: the chapter of a team whose people come in by a role
    writes a policy, and is played on the sample alone. Exit codes: 0 every step held; 1 one did not.

    With --gitops a cluster is delivered through a Git repository (on this machine too), which Argo CD's own sync engine
    follows where clusters are real, and a stand-in for it where they are embedded.

    Examples:
      iamrbac demo
      iamrbac demo --kube real
      iamrbac demo --gitops
    """
    from iamrbac.sandbox.extra import require

    require()
    from iamrbac.sandbox.sample import copied

    terminal = Terminal(no_color=no_color, quiet=quiet)
    if repo is not None and gitops:
        raise UsageError("--gitops plays on a copy of the sample repository", hint="leave out -C/--repo")
    if repo is not None:
        return _play(terminal, repo, kube, _story)
    with copied() as root:
        return _play(terminal, root, kube, _with_git(root, kube) if gitops else _whole_story)


def _story(stage: Stage) -> None:
    from iamrbac.sandbox.demo import play

    play(stage)
    stage.narrator.end()


def _whole_story(stage: Stage) -> None:
    """Play the chapters that write a policy, too: on a copy of the sample only."""
    from iamrbac.sandbox import demo, newcomer, teams

    demo.play(stage)
    teams.play(stage)
    newcomer.play(stage)
    stage.narrator.end()


def _with_git(root: Path, kube: Kube) -> Callable[[Stage], None]:
    """Prepare the repositories, and what has to be built, before anything is started."""
    from iamrbac.sandbox.gitops.story import Story, prepare, syncing, variables

    prepare(root)
    if kube is Kube.REAL:
        from iamrbac.sandbox.controlplane.binaries import GITOPS, find

        find(GITOPS)

    def play(stage: Stage) -> None:
        with syncing(stage.sandbox, stage.repository) as syncer:
            Story(replace(stage, settings=variables(stage.sandbox)), syncer).play()

    return play


def _play(terminal: Terminal, root: Path, kube: Kube, story: Callable[[Stage], None]) -> int:
    from iamrbac import wiring
    from iamrbac.sandbox.demo import Stage
    from iamrbac.sandbox.kubectl import client
    from iamrbac.sandbox.narrator import DoesNotHoldError, Narrator
    from iamrbac.sandbox.sample import open_sandbox

    repository = wiring.repository(root)
    narrator = Narrator(_nothing if terminal.quiet else terminal.answer, terminal.paint)
    with open_sandbox(repository, kube.value) as sandbox:
        try:
            story(Stage(sandbox, Path(repository.root), client(), narrator))
        except DoesNotHoldError as error:
            terminal.error(f"[ERR501] the demo stopped after {narrator.held} checks that held: {error}")
            return 1
    return 0


def _nothing(_text: str) -> None:
    """Say nothing."""
