"""One row as an access entry, or why none can say it (eks-facts §1.2 and §2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from iamrbac.access.world import CLUSTER_ADMIN_POLICY
from iamrbac.compile import names
from iamrbac.mapping.aws_auth import ReadRow
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.model.arn import Arn, default_username

MASTERS: Final = "system:masters"
BANNED: Final = ("system:", "eks:", "aws:", "amazon:", "iam:")
"""How no username of an access entry may begin."""
SESSION: Final = ("{{SessionName}}", "{{SessionNameRaw}}")
_TEMPLATE: Final = re.compile(r"\{\{.*?\}\}")


@dataclass(frozen=True, slots=True)
class Said:
    """A row as an entry."""

    entry: AccessEntry
    policy: PolicyAssociation | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unsayable:
    """Why a row cannot be an entry."""

    id: str
    why: str
    hint: str


def translate(row: ReadRow, principal: str, partition: str) -> Said | Unsayable:
    """Return the entry that maps `principal`, the row's own in full, as the row does. `partition` is the cluster's."""
    arn = Arn.parse(principal)
    notes: list[str] = []
    username = _filled(row.username, arn)
    if username != row.username:
        notes.append(f"{row.username} says {username} for it: an entry has no such template")
    if not username:
        username = default_username(principal)
        notes.append(f"the row has no username; the entry's is {username}")
    fault = _username_fault(username)
    if fault is not None:
        return fault
    groups = sorted({_filled(group, arn) for group in row.groups} - {""})
    for group in groups:
        fault = _group_fault(group)
        if fault is not None:
            return fault
    policy = None
    if MASTERS in groups:
        admin = names.access_policy_arn(partition, CLUSTER_ADMIN_POLICY)
        policy = PolicyAssociation(principal, admin, "cluster")
    kept = tuple(group for group in groups if group != MASTERS)
    return Said(AccessEntry(principal, username, kept), policy, tuple(notes))


def node_type(row: ReadRow) -> str | None:
    """Return the type of entry that stands for a row of nodes; None where EKS has none that says the same."""
    if "eks:kube-proxy-windows" in row.groups:
        return "EC2_WINDOWS"
    return {
        "system:node:{{EC2PrivateDNSName}}": "EC2_LINUX",
        "system:node:{{SessionName}}": "FARGATE_LINUX",
    }.get(row.username)


def _filled(text: str, arn: Arn) -> str:
    """Fill what is known of a principal: its account; of a user the session too, which the authenticator has as ""."""
    text = text.replace("{{AccountID}}", arn.account)
    if arn.kind == "user":
        for template in SESSION:
            text = text.replace(template, "")
    return text


def _username_fault(username: str) -> Unsayable | None:
    banned = next((one for one in BANNED if username.startswith(one)), None)
    if banned is not None:
        return Unsayable(
            "MIG004",
            f"EKS lets no entry's username begin with {banned} ({username})",
            "give the row another username, and whatever binds this one too",
        )
    for template in _TEMPLATE.findall(username):
        if template not in SESSION:
            return Unsayable(
                "MIG005",
                f"an entry has no {template} ({username})",
                "give the row a username without it, and whatever binds it too",
            )
    first = username.find("{{")
    if first >= 0 and ":" not in username[:first]:
        return Unsayable(
            "MIG005",
            f"EKS wants a colon before a template ({username})",
            "write the username as NAME:{{SessionName}}, and whatever binds it too",
        )
    return None


def _group_fault(group: str) -> Unsayable | None:
    if group.startswith("system:") and group != MASTERS:
        everybody = group == "system:authenticated"
        hint = "bind a group of another name to the same roles, and write that into the row"
        return Unsayable(
            "MIG003",
            f"EKS lets no entry have the group {group}",
            "take it out of the row: everybody who logs in has it anyway" if everybody else hint,
        )
    found = _TEMPLATE.search(group)
    if found is not None:
        return Unsayable(
            "MIG005", f"an entry has no templates in groups ({group})", "write a group without a template into the row"
        )
    return None
