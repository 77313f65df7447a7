"""IAM policy documents: the actions that a command calls, on the clusters, groups and users of this repository alone.

Which action is judged by which ARN: Service Authorization Reference, "Amazon EKS" and "AWS IAM".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from iamrbac.identity.snapshot import Wanted
from iamrbac.model.arn import partition_of
from iamrbac.model.documents import Cluster
from iamrbac.permissions.command import DOES, Command

VERSION: Final = "2012-10-17"
ON_CLUSTER: Final = {False: ("eks:DescribeCluster",), True: ("eks:DescribeCluster", "eks:ListAccessEntries")}
READ_ENTRIES: Final = ("eks:DescribeAccessEntry", "eks:ListAssociatedAccessPolicies")
WRITE_ENTRIES: Final = (
    "eks:AssociateAccessPolicy",
    "eks:DeleteAccessEntry",
    "eks:DisassociateAccessPolicy",
    "eks:TagResource",
    "eks:UpdateAccessEntry",
)
CREATE_ENTRIES: Final = ("eks:CreateAccessEntry",)
# Asked for where a cluster has many entries; it has no resource.
POLICIES: Final = ("eks:ListAccessPolicies",)


def iam_policies(command: Command, clusters: Sequence[Cluster], wanted: Wanted) -> Mapping[str, dict[str, Any]]:
    """Return account → the policy document of whoever runs a command there; accounts without any are left out.

    `wanted` are the names that IAM is asked for.
    """
    does = DOES[command]
    accounts = {cluster.account for cluster in clusters} if does.clusters else set()
    if does.people:
        accounts |= {name.account for name in (*wanted.groups, *wanted.principals)}
    partition = partition_of(clusters[0].region) if clusters else "aws"
    documents: dict[str, dict[str, Any]] = {}
    for account in sorted(accounts):
        statements = _people(partition, account, wanted) if does.people else []
        if does.clusters:
            statements += _clusters(command, [one for one in clusters if one.account == account])
        if statements:
            documents[account] = {"Version": VERSION, "Statement": statements}
    return documents


def _people(partition: str, account: str, wanted: Wanted) -> list[dict[str, Any]]:
    groups = [name.name for name in wanted.groups if name.account == account]
    principals = [name.name for name in wanted.principals if name.account == account]
    found = [("iam:GetGroup", "group", groups)]
    found += [(f"iam:Get{kind.title()}", kind, _named(kind, principals)) for kind in ("user", "role")]
    return [
        _allow((action,), _in_any_path(f"arn:{partition}:iam::{account}:{kind}", names))
        for action, kind, names in found
        if names
    ]


def _named(kind: str, principals: Iterable[str]) -> list[str]:
    return [name.removeprefix(f"{kind}/") for name in principals if name.startswith(f"{kind}/")]


def _in_any_path(prefix: str, names: Iterable[str]) -> list[str]:
    """IAM judges by the ARN with its path, which only IAM knows of a bare name."""
    return [f"{prefix}/{place}{name}" for name in sorted(names) for place in ("", "*/")]


def _clusters(command: Command, clusters: Sequence[Cluster]) -> list[dict[str, Any]]:
    does = DOES[command]
    if not clusters:
        return []
    arns = [_arn(one, f"cluster/{one.eks}") for one in clusters]
    statements = [_allow(ON_CLUSTER[does.mappings], arns)]
    if not does.mappings:
        return statements
    entries = [_arn(one, f"access-entry/{one.eks}/*") for one in clusters]
    statements.append(_allow(READ_ENTRIES, entries))
    statements.append(_allow(POLICIES, ["*"]))
    mapped = [one for one in clusters if one.mapping != "external"]
    if does.writes and mapped:
        statements.append(_allow(CREATE_ENTRIES, [_arn(one, f"cluster/{one.eks}") for one in mapped]))
        statements.append(_allow(WRITE_ENTRIES, [_arn(one, f"access-entry/{one.eks}/*") for one in mapped]))
    return statements


def _arn(cluster: Cluster, resource: str) -> str:
    return f"arn:{partition_of(cluster.region)}:eks:{cluster.region}:{cluster.account}:{resource}"


def _allow(actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": sorted(actions), "Resource": sorted(resources)}
