"""Ways into accounts: a role opens its own account and partition, no other."""

from __future__ import annotations

from collections.abc import Iterator

from iamrbac.compile.check.said import Said, error
from iamrbac.findings.finding import Finding
from iamrbac.model.accounts import AssumeRole
from iamrbac.model.arn import partition_of
from iamrbac.model.origin import Path


def assumed_roles(said: Said) -> Iterator[Finding]:
    """POL027 a role that is not in the account, or the partition, that it is to open."""
    identity = said.config.identity
    if identity is not None and identity.role is not None:
        path: Path = ("identity", *_place(identity.assume_role))
        yield from _other_account(said, path, identity.role, identity.account, "the people are in account")
    for index, cluster in enumerate(said.config.clusters):
        role = cluster.role
        if role is None:
            continue
        path = ("clusters", index, *_place(cluster.assume_role))
        yield from _other_account(said, path, role, cluster.account, f"{cluster.name} is in account")
        partition = partition_of(cluster.region)
        if role.partition != partition:
            message = f"{role.role_arn} is of partition {role.partition}, and {cluster.name} is in {partition}"
            hint = f"write the ARN as arn:{partition}:…, or correct region"
            yield error("POL027", said.config_file, path, message, hint, [cluster.name])


def _place(written: str | AssumeRole | None) -> Path:
    return ("assumeRole", "roleArn") if isinstance(written, AssumeRole) else ("assumeRole",)


def _other_account(said: Said, path: Path, role: AssumeRole, account: str, there: str) -> Iterator[Finding]:
    if role.account != account:
        message = f"{role.role_arn} opens account {role.account}, and {there} {account}"
        yield error("POL027", said.config_file, path, message, f"name a role of account {account}, or correct account")
