"""`iamrbac sandbox`."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iamrbac.cli.options import Kube, KubeOption, NoColorOption, QuietOption, RepoOption
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import IamrbacError

if TYPE_CHECKING:
    from iamrbac.sandbox.runner import Sandbox

_LOOK_SECONDS = 1.0
"""How often a sandbox that nobody asks anything looks whether its servers are alive."""


def command(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="What to run, behind `--`; then the sandbox stops.")
    ] = None,
    kube: KubeOption = Kube.EMBEDDED,
    repo: RepoOption = None,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> int:
    """Start AWS and the config's EKS clusters on this machine, with the people of sandbox.yaml, to learn and test on.

    Without a COMMAND it says where everything listens and waits for Ctrl-C. With one it runs it with the environment of
    the platform engineer (no shell), stops everything and passes on its exit code. Nothing outside loopback is
    contacted, and nothing of yours is changed.

    The clusters are an embedded API, which is there at once and does the part of Kubernetes that iamrbac needs; with
    --kube real each is etcd and kube-apiserver behind the authenticator that EKS itself runs.

    Exit codes with a COMMAND: its own; 128 + n where signal n ended it; 125 the sandbox could not start, or a server of
    it died; 126 the command cannot be executed; 127 it was not found.

    Examples:
      iamrbac sandbox
      iamrbac sandbox -- sh -c 'iamrbac apply --yes && iamrbac plan'
      iamrbac sandbox --kube real -- kubectl auth can-i --list
      iamrbac sandbox -C path/to/repository -- kubectl get pods
    """
    from iamrbac.sandbox.process import CANNOT_START, CommandError

    terminal = Terminal(no_color=no_color, quiet=quiet)
    try:
        return _serve(terminal, repo, kube, command or ())
    except CommandError:
        raise
    except IamrbacError as error:
        if not command:
            raise
        terminal.error(f"[{error.code}] {error}")
        return CANNOT_START


def _serve(terminal: Terminal, repo: Path | None, kube: Kube, words: Sequence[str]) -> int:
    from iamrbac.sandbox import process, shell
    from iamrbac.sandbox.extra import require

    require()
    fault = process.find(words[0], shell.environment(os.environ, {})) if words else 0
    if fault:
        what = "not found" if fault == process.NOT_FOUND else "cannot be executed"
        terminal.error(f"[ERR602] {words[0]}: {what}; the sandbox was not started")
        return fault
    return _start_and_stop(terminal, repo, kube, words)


def _start_and_stop(terminal: Terminal, repo: Path | None, kube: Kube, words: Sequence[str]) -> int:
    from iamrbac import wiring
    from iamrbac.sandbox import process
    from iamrbac.usecases.load import load

    repository = wiring.repository(repo)
    loaded = load(repository)
    # A broken policy does not keep the sandbox from starting: the command that meets it says so. A broken config does.
    documents = loaded.documents or loaded.readable
    if documents is None:
        from iamrbac.render.findings import findings_text

        terminal.error(findings_text(loaded.findings))
        return process.CANNOT_START if words else 3
    from iamrbac.sandbox.runner import Sandbox
    from iamrbac.sandbox.spec import read_spec

    root = Path(repository.root)
    sandbox = Sandbox(documents, read_spec(root), root, kube.value)
    if kube is Kube.REAL:
        terminal.step("Starting etcd, kube-apiserver and EKS's authenticator for each cluster")
    try:
        with process.stoppable():
            try:
                sandbox.start()
                return _use(terminal, sandbox, words)
            finally:
                process.ignore_signals()
                sandbox.stop()
    except process.StoppedError as stopped:
        return 128 + stopped.number if words else 0


def _use(terminal: Terminal, sandbox: Sandbox, words: Sequence[str]) -> int:
    from iamrbac.sandbox import process
    from iamrbac.sandbox.welcome import summary, welcome

    if words:
        terminal.step(summary(sandbox))
        code = process.run(words, sandbox.environment())
        sandbox.check()
        return code
    terminal.answer(welcome(sandbox))
    while True:
        time.sleep(_LOOK_SECONDS)
        sandbox.check()
