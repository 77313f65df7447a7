"""`iamrbac completion`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from iamrbac.cli.completing import VARIABLE


class Shell(StrEnum):
    """Which shell."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def command(shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]) -> int:
    """Print a script that makes the shell complete commands, options, clusters, namespaces and teams.

    Names come from the access repository around you (or --repo); nothing is asked over the network.

    Examples:
      source <(iamrbac completion bash)          # in ~/.bashrc
      source <(iamrbac completion zsh)           # in ~/.zshrc, after compinit
      iamrbac completion fish | source           # in ~/.config/fish/config.fish
    """
    from typer.completion import get_completion_script

    typer.echo(get_completion_script(prog_name="iamrbac", complete_var=VARIABLE, shell=shell.value))
    return 0
