"""IAM policy documents: the actions that a command calls, on the clusters, groups and users of this repository alone.

Which action is judged by which ARN: Service Authorization Reference, "Amazon EKS" and "AWS IAM".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from iamrbac.compile.desired import Desired
from iamrbac.identity.permission_sets import KEY
from iamrbac.identity.snapshot import Wanted
from iamrbac.model.arn import partition_of
from iamrbac.model.documents import Cluster
from iamrbac.model.index_place import IndexPlace
from iamrbac.permissions.command import DOES, Command, Does
from iamrbac.permissions.index import index_rights
from iamrbac.permissions.roles import role_statements

VERSION: Final = "2012-10-17"
CALLER: Final = "caller"
"""Stands where an account would, for whoever assumes roles: nobody knows in which account that is."""
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
MIGRATE_CLUSTER: Final = ("eks:CreateAccessEntry", "eks:DescribeUpdate", "eks:UpdateClusterConfig")
MIGRATE_ENTRIES: Final = (
    "eks:AssociateAccessPolicy",
    "eks:DeleteAccessEntry",
    "eks:TagResource",
    "eks:UpdateAccessEntry",
)
"""Entries are made with tags, which EKS lets nobody do who may not tag them."""
ALL: Final = frozenset({"iam:ListRoles", "iam:ListUsers"})
"""Whether users and roles that clusters map are still there: neither has a resource."""
# Asked for where a cluster has many entries; it has no resource.
POLICIES: Final = ("eks:ListAccessPolicies",)


def iam_policies(
    command: Command,
    clusters: Sequence[Cluster],
    wanted: Wanted,
    managed: Sequence[Desired] = (),
    people: str | None = None,
    bucket: str | None = None,
    index: IndexPlace | None = None,
) -> Mapping[str, dict[str, Any]]:
    """Return account → the policy document of whoever runs a command there; accounts without any are left out.

    `wanted` are the names that IAM is asked for, `managed` what is wanted in IAM, `people` the people's account,
    `bucket` where backups go in S3 (s3://BUCKET/PREFIX) and `index` where the access index is kept. Where roles are
    assumed, or there are several accounts, each account's document is for its role, and what whoever runs the command
    needs themselves stands under `CALLER`.
    """
    does = DOES[command]
    if does.by_index and index is not None:
        does = replace(does, clusters=False)
    accounts = {cluster.account for cluster in clusters} if does.clusters else set()
    asked = {name.account for name in (*wanted.groups, *wanted.principals, *wanted.full)} if does.people else set()
    accounts |= asked
    if (does.mapped or does.everybody or does.migrates) and people is not None:
        accounts.add(people)
    if does.roles:
        accounts |= {item.key.account for item in managed} | ({people} if people is not None else set())
    partition = partition_of(clusters[0].region) if clusters else "aws"
    documents: dict[str, dict[str, Any]] = {}
    for account in sorted(accounts):
        statements = _people(partition, account, wanted) if does.people else []
        if does.roles:
            looked = account == people
            statements += role_statements(partition, account, managed, people=looked, writes=does.grants)
        if does.migrates:
            statements += _mapped_ones(partition, account)
        if does.everybody:
            statements += _everybody(partition, account, people=account == people)
        if does.mapped:
            said = {action for one in statements if one["Resource"] == ["*"] for action in one["Action"]}
            statements.append(_allow(sorted(ALL - said), ["*"]))
        if does.clusters:
            statements += _clusters(does, [one for one in clusters if one.account == account])
        if statements:
            documents[account] = {"Version": VERSION, "Statement": statements}
    # A developer's own commands assume nothing.
    assuming = does.people or does.mappings
    entered = asked | ({people} if (does.everybody or does.migrates) and people is not None else set())
    roles = {wanted.ways[account].role.role_arn for account in entered if account in wanted.ways}
    roles |= {one.role.role_arn for one in clusters if one.role is not None and does.clusters}
    own = [_allow(("sts:AssumeRole",), sorted(roles))] if assuming and roles else []
    stored = _bucket(does, partition, bucket) if bucket is not None else []
    if index is not None and (does.keeps_index or does.by_index):
        # By the caller's own credentials, as backups are.
        rights = index_rights(index, partition, writes=does.keeps_index)
        stored += [_allow(actions, [arn]) for actions, arn in rights]
    if stored and not own and len(documents) == 1:
        next(iter(documents.values()))["Statement"].extend(stored)
    elif own or stored:
        documents[CALLER] = {"Version": VERSION, "Statement": own + stored}
    return documents


def _bucket(does: Does, partition: str, place: str) -> list[dict[str, Any]]:
    """Backups are read and written with the caller's own credentials (Service Authorization Reference, "Amazon S3")."""
    objects = [*(["s3:GetObject"] if does.kept else []), *(["s3:DeleteObject", "s3:PutObject"] if does.maps else [])]
    if not objects:
        return []
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    arn = f"arn:{partition}:s3:::{bucket}"
    below = f"{prefix.strip('/')}/*" if prefix.strip("/") else "*"
    return [_allow(("s3:ListBucket",), [arn]), _allow(objects, [f"{arn}/{below}"])]


def _people(partition: str, account: str, wanted: Wanted) -> list[dict[str, Any]]:
    groups = [name.name for name in wanted.groups if name.account == account]
    principals = [name.name for name in wanted.principals | wanted.full if name.account == account]
    found = [("iam:GetGroup", "group", groups)]
    found += [(f"iam:Get{kind.title()}", kind, _named(kind, principals)) for kind in ("user", "role")]
    # It has no resource; Identity Center's path is a filter.
    listed = [_allow(("iam:ListRoles",), ["*"])] if any(name.startswith(KEY) for name in principals) else []
    return listed + [
        _allow((action,), _in_any_path(f"arn:{partition}:iam::{account}:{kind}", names))
        for action, kind, names in found
        if names
    ]


def _everybody(partition: str, account: str, *, people: bool) -> list[dict[str, Any]]:
    """Whom clusters map is known when they have been read, and which groups there are too. A list has no resource.

    Roles of permission sets are found by ListRoles, users and groups in the people's account.
    """
    listed = ["iam:ListRoles", *(["iam:ListGroups"] if people else [])]
    asked = [("iam:GetRole", "role"), ("iam:GetUser", "user"), *([("iam:GetGroup", "group")] if people else [])]
    return [
        _allow(listed, ["*"]),
        *(_allow((action,), [f"arn:{partition}:iam::{account}:{kind}/*"]) for action, kind in asked),
    ]


def _mapped_ones(partition: str, account: str) -> list[dict[str, Any]]:
    """Whom rows name is known when they have been read; who is not there is looked for in the lists."""
    prefix = f"arn:{partition}:iam::{account}"
    asked = _allow(("iam:GetRole", "iam:GetUser"), [f"{prefix}:role/*", f"{prefix}:user/*"])
    return [asked, _allow(sorted(ALL), ["*"])]


def _named(kind: str, principals: Iterable[str]) -> list[str]:
    return [name.removeprefix(f"{kind}/") for name in principals if name.startswith(f"{kind}/")]


def _in_any_path(prefix: str, names: Iterable[str]) -> list[str]:
    """IAM judges by the ARN with its path, which only IAM knows of a bare name."""
    return [f"{prefix}/{place}{name}" for name in sorted(names) for place in ("", "*/")]


def _clusters(does: Does, clusters: Sequence[Cluster]) -> list[dict[str, Any]]:
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
    if does.migrates and mapped:
        statements.append(_allow(MIGRATE_CLUSTER, [_arn(one, f"cluster/{one.eks}") for one in mapped]))
        statements.append(_allow(MIGRATE_ENTRIES, [_arn(one, f"access-entry/{one.eks}/*") for one in mapped]))
    if does.maps and mapped:
        statements.append(_allow(CREATE_ENTRIES, [_arn(one, f"cluster/{one.eks}") for one in mapped]))
        statements.append(_allow(WRITE_ENTRIES, [_arn(one, f"access-entry/{one.eks}/*") for one in mapped]))
    if does.gives_back and mapped:
        statements.append(_allow(("eks:UntagResource",), [_arn(one, f"access-entry/{one.eks}/*") for one in mapped]))
    return statements


def _arn(cluster: Cluster, resource: str) -> str:
    return f"arn:{partition_of(cluster.region)}:eks:{cluster.region}:{cluster.account}:{resource}"


def _allow(actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": sorted(actions), "Resource": sorted(resources)}
