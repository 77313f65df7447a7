"""`iamrbac identities`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from iamrbac.cli import snapshot
from iamrbac.cli.options import NoColorOption, QuietOption, RepoOption


class Action(StrEnum):
    """What is done with identities."""

    EXPORT = "export"


def command(
    action: Annotated[Action, typer.Argument(help="export: ask IAM, and write down what it says.")],
    out: snapshot.OutOption = None,
    repo: RepoOption = None,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> int:
    """Write down what IAM says of everybody whom the policies name: the users of groups, roles, permission sets.

    Commands with --identities FILE then take the file in IAM's place: in pipelines and for auditors without AWS, and
    to make a plan again as it was. The file says when it was written, holds ARNs of people and no secret, and is whole:
    where IAM does not say something, nothing is written. `iamrbac snapshot` is the same.

    Exit codes: 0; 1 IAM did not say something, and nothing was written; 3 invalid documents.

    Examples:
      iamrbac identities export --out people.json
      iamrbac plan --identities people.json
      iamrbac can alice get pods -n payments --identities people.json
    """
    del action
    return snapshot.command(out, repo, no_color, quiet)
