"""`iamrbac permissions`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from iamrbac.cli import show
from iamrbac.cli.options import ClusterOption, NoColorOption, Output, QuietOption, RepoOption
from iamrbac.cli.planning import at_now
from iamrbac.cli.terminal import Terminal
from iamrbac.model.errors import UsageError
from iamrbac.permissions.command import Command


class Form(StrEnum):
    """Whose permissions."""

    IAM = "iam"
    RBAC = "rbac"


def command(
    of: Annotated[Command, typer.Argument(metavar="COMMAND", help="Whose rights: plan, apply, kubeconfig, …")],
    form: Annotated[Form, typer.Option("--form", help="iam: an IAM policy as JSON; rbac: manifests as YAML.")],
    account: Annotated[str, typer.Option("--account", metavar="ID", help="Only the policy for this AWS account.")] = "",
    repo: RepoOption = None,
    cluster: ClusterOption = None,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> int:
    """Print the rights that whoever runs a command needs, and no more: in AWS, or on the clusters.

    They are for the clusters, groups, users and roles that this repository names today. The manifests have no bindings:
    bind them to whoever it is. Where several accounts have a part, the JSON has one policy under each account's number.
    Where the config assumes roles, these are the roles', and that of whoever runs the command is under `caller`.

    Exit codes: 0; 3 the documents are invalid.

    Examples:
      iamrbac permissions plan --form iam
      iamrbac permissions apply --form rbac | kubectl apply -f -
      iamrbac permissions kubeconfig --form iam --cluster staging
    """
    from iamrbac import wiring
    from iamrbac.gitops.yaml_text import yaml_text
    from iamrbac.render.findings import findings_text
    from iamrbac.usecases.permissions import permissions

    if account and form is not Form.IAM:
        raise UsageError("--account is for IAM policies", hint="use it with --form iam")
    terminal = Terminal(no_color=no_color, quiet=quiet)
    repository = wiring.repository(repo)
    names = wiring.roles(Path(repository.root)).names()
    found = permissions(repository, names, of, tuple(cluster or ()), at_now())
    if found.iam is None or found.rbac is None:
        show.invalid(terminal, Output.TEXT, found.findings, findings_text)
        return 3
    if form is Form.RBAC:
        if not found.rbac:
            terminal.step(f"`iamrbac {of.value}` needs no right on a cluster beyond what everybody has who is mapped")
        terminal.answer("---\n".join(yaml_text(one) for one in found.rbac))
        return 0
    if not found.iam and not account:
        terminal.step(f"`iamrbac {of.value}` needs no right in AWS: anybody may ask who they are")
    if account and account not in found.iam:
        accounts = ", ".join(found.iam) or "no account"
        raise UsageError(f"`iamrbac {of.value}` needs nothing in account {account}", hint=f"it does in {accounts}")
    if not found.iam:
        terminal.step(f"`iamrbac {of.value}` needs no right in AWS beyond what everybody has")
    one = found.iam.get(account) or (next(iter(found.iam.values())) if len(found.iam) == 1 else None)
    terminal.json(one if one is not None else dict(found.iam))
    return 0
