"""The root command: knows every command's name, and imports only the one that is called."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from iamrbac import __version__
from iamrbac.cli import completing
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import IamrbacError, StalePlanError

# name → (module, one line for --help). The module has a function `command`, whose docstring is the command's own help,
# or a mapping COMMANDS of names to such functions.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "Write a new access repository, with its pipelines."),
    "validate": ("validate", "Check the documents: no cluster, no AWS."),
    "schema": ("schema", "Print the JSON Schema of a document kind."),
    "compile": ("compile", "Write the objects that the policies mean."),
    "import": ("importing", "Write what clusters give today as policies and templates, with a proof."),
    "migrate": ("migrate", "Turn rows of aws-auth into access entries, without anybody noticing."),
    "plan": ("plan", "Show what would change, for whom."),
    "apply": ("apply", "Change it."),
    "sync": ("sync", "Keep it so: plan and apply, round after round."),
    "fleet": ("fleet", "Change hundreds of clusters in waves, canaries first."),
    "status": ("status", "Say whether clusters that are delivered by Git have what Git says."),
    "drift": ("drift", "Say what differs from what was last applied, and who did it."),
    "history": ("history", "List what was changed, by whom, from which commit."),
    "rollback": ("rollback", "Undo a run, or go back to a commit that was delivered by Git."),
    "revoke": ("revoke", "Take one principal's access away everywhere, now."),
    "diff": ("diff", "Show who gains and who loses which access by a change of the policies."),
    "can": ("can", "Say whether somebody may do something, and why."),
    "who-can": ("who_can", "Say who may do something, and by which chain."),
    "access": ("access", "List who holds which role where."),
    "report": ("report", "Write for auditors who may do what, what is risky, what ends, and who approved."),
    "lint": ("lint", "Say what in the policies is dangerous, or does nothing."),
    "test": ("expect", "Judge the tests of access beside the policies."),
    "identities": ("identities", "Write down what IAM says of people, for --identities FILE."),
    "snapshot": ("snapshot", "Write down who is in which IAM group, for work without AWS."),
    "index": ("index", "Make the access index, which spares developers every right on EKS."),
    "kubeconfig": ("kubeconfig", "Write contexts for the clusters that I may use."),
    "whoami": ("whoami", "Who AWS says I am, and what that gets me."),
    "doctor": ("doctor", "Say why kubectl answers Unauthorized or Forbidden, and who can fix it."),
    "token": ("token", "Print a token for kubectl (the exec plug-in)."),
    "request": ("request", "Ask for access that ends by itself, as a pull request."),
    "audit-log": ("audit_log", "Say from a cluster's audit log which access nobody uses, and what is denied."),
    "permissions": ("permissions", "Print the IAM policy or the RBAC roles that a command needs."),
    "completion": ("completion", "Print a script that makes the shell complete."),
    "sandbox": ("sandbox", "Start AWS and EKS clusters on loopback, to learn and test on."),
    "demo": ("demo", "The whole main job on a fresh sandbox, every step checked."),
}
HELP = {"help_option_names": ["-h", "--help"]}
# typer does not publish the base of its usage errors; BadParameter derives from it.
UsageFault = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "UsageError" and issubclass(base, Exception)
)


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code: 64 for usage, 5 for a declined prompt, 130 for Ctrl-C."""
    terminal = Terminal()
    words = completing.asked()
    if words is not None:
        completing.register()
    try:
        result = _app(words if words is not None else argv)(
            list(argv) or ["--help"], standalone_mode=False, prog_name="iamrbac"
        )
    except IamrbacError as error:
        terminal.error(f"[{error.code}] {error}")
        if isinstance(error, StalePlanError):
            for line in error.details:
                terminal.detail(line)
        return error.exit_code
    except typer.Exit as exit_:
        return exit_.exit_code
    except (typer.Abort, EOFError):
        terminal.error("[ERR302] aborted; nothing was changed")
        return 5
    except KeyboardInterrupt:
        terminal.error("interrupted")
        return 130
    except BrokenPipeError:
        return 1
    except UsageFault as fault:
        terminal.error(f"[ERR064] {_usage_text(fault)}")
        return 64
    return result if isinstance(result, int) else 0


def _usage_text(fault: Any) -> str:
    message = str(fault.format_message()).rstrip(".")
    context = getattr(fault, "ctx", None)
    command = context.command_path if context is not None else "iamrbac"
    return f"{message}. Next: {command} --help"


def _app(argv: Sequence[str]) -> typer.Typer:
    """Build the app with the called command for real, and the others as a line of help."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)
    app.callback(context_settings=HELP)(_root)
    called = next((word for word in argv if not word.startswith("-")), None)
    for name, (module, help_) in COMMANDS.items():
        if name == called:
            called_module = importlib.import_module(f"iamrbac.cli.{module}")
            if hasattr(called_module, "COMMANDS"):
                app.add_typer(_group(called_module.COMMANDS, called_module.__doc__ or ""), name=name, help=help_)
                continue
            function = called_module.command
            app.command(name, short_help=help_, help=_help(function), context_settings=HELP)(function)
        else:
            app.command(name, help=help_)(_unused)
    return app


def _group(commands: Mapping[str, Callable[..., object]], help_: str) -> typer.Typer:
    """Build a command that has commands of its own."""
    group = typer.Typer(help=help_, rich_markup_mode=None, context_settings=HELP)
    for name, function in commands.items():
        short = (inspect.getdoc(function) or "").partition("\n")[0]
        group.command(name, short_help=short, help=_help(function), context_settings=HELP)(function)
    return group


def _help(function: Callable[..., object]) -> str:
    """Return a command's docstring; its examples keep their lines (that is what a backspace says to the formatter)."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(f"\b\n{one}" if one.startswith("Example") else one for one in paragraphs)


def _unused() -> None:
    """Stand in for a command that this run does not call."""


def _version(value: bool) -> None:
    if value:
        typer.echo(f"iamrbac {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Who may do what on Kubernetes, decided in one reviewed file per team, starting from AWS IAM groups."""
