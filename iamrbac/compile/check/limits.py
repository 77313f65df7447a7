"""Limits of AWS that the documents alone would meet: names, entries of a cluster, access policies of an entry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from iamrbac.compile.check.said import NamedSet, Said, error
from iamrbac.compile.principals import MOST_ENTRIES, MOST_POLICIES
from iamrbac.findings.finding import Finding
from iamrbac.identity.members import describe
from iamrbac.model.documents import EksAccessPolicy, IamGroup, IamRole, IamUser, Member
from iamrbac.model.origin import Path

NAMES: Final = {"user": 64, "role": 64, "group": 128}
"""Characters of a name (IAM User Guide, "IAM and AWS STS quotas")."""
MOST_PATH: Final = 512
"""Characters of a path, both slashes counted (the same page)."""


def limits(said: Said) -> Iterator[Finding]:
    """POL029 a name or path that IAM does not take, POL030 more than EKS takes, whatever else is on the cluster."""
    for one in said.sets:
        for index, member in enumerate(one.members):
            yield from _name(one, (*one.path, index), member)
        yield from _policies(one)
    yield from _entries(said)


def _name(one: NamedSet, path: Path, member: Member) -> Iterator[Finding]:
    if isinstance(member, IamGroup):
        kind, key, text = "group", "iamGroup", member.iam_group
    elif isinstance(member, IamUser):
        kind, key, text = "user", "iamUser", member.iam_user
    elif isinstance(member, IamRole):
        kind, key, text = "role", "iamRole", member.iam_role
    else:
        return
    full = text.rpartition(f":{kind}/")[2] if text.startswith("arn:") else text
    folders, _, name = full.rpartition("/")
    if len(name) > NAMES[kind]:
        message = f"the {kind}'s name has {len(name)} characters, and IAM takes {NAMES[kind]}"
        yield error("POL029", one.file, (*path, key), message, "copy the name from IAM")
    if folders and len(folders) + 2 > MOST_PATH:
        message = f"the {kind}'s path has {len(folders) + 2} characters, and IAM takes {MOST_PATH}"
        yield error("POL029", one.file, (*path, key), message, "copy the path from IAM")


def _policies(one: NamedSet) -> Iterator[Finding]:
    """Each member of a set gets all of its access policies."""
    given: dict[str, set[str]] = defaultdict(set)
    for line in one.lines:
        if isinstance(line.access.role, EksAccessPolicy):
            for cluster in line.clusters:
                given[cluster.name].add(line.access.role.eks_access_policy)
    for name, policies in given.items():
        if len(policies) > MOST_POLICIES and one.members:
            message = f"the set {one.name} gets {len(policies)} EKS access policies on {name}, and EKS has room for "
            message += f"{MOST_POLICIES} on an entry"
            yield error("POL030", one.file, one.path, message, "use role templates in place of some", [name])


def _entries(said: Said) -> Iterator[Finding]:
    """Users, roles and permission sets make an entry each; nobody knows here how many people groups have."""
    named: dict[str, set[str]] = defaultdict(set)
    for one in said.sets:
        single = {describe(member) for member in one.members if not isinstance(member, IamGroup)}
        for cluster in one.clusters():
            if cluster.mapping == "access-entries":
                named[cluster.name] |= single
    for index, cluster in enumerate(said.config.clusters):
        count = len(named[cluster.name])
        if count > MOST_ENTRIES:
            message = (
                f"{count} users and roles are named for {cluster.name}, and EKS has room for {MOST_ENTRIES} of them"
            )
            hint = "let people assume a role (iamRole, permissionSet) in place of an entry for each"
            yield error("POL030", said.config_file, ("clusters", index), message, hint, [cluster.name])
