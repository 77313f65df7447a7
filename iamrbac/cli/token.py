"""`iamrbac token` for --help's sake: a real run is dispatched by `__main__` before the command line is imported."""

from __future__ import annotations

from typing import Annotated

import typer

from iamrbac.token.main import run


def command(
    cluster_name: Annotated[str, typer.Option(help="The cluster's name at EKS.")],
    region: Annotated[str, typer.Option(help="The cluster's region.")],
    profile: Annotated[str | None, typer.Option(help="AWS profile.")] = None,
    role_arn: Annotated[str | None, typer.Option(help="Assume this role first.")] = None,
) -> int:
    """Print a token for one EKS cluster as an ExecCredential (kubectl calls this)."""
    given = {"cluster-name": cluster_name, "region": region, "profile": profile, "role-arn": role_arn}
    return run([f"--{name}={value}" for name, value in given.items() if value is not None])
