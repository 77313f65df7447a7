"""Which principal a row is about: its full ARN, path included, from IAM's answer or the command line, never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from iamrbac.identity.snapshot import Ambiguous, IamName, Identities, Missing, Unreadable, Wanted, Way
from iamrbac.mapping.aws_auth import ReadRow
from iamrbac.mapping.resolve import can_match, identity
from iamrbac.migrate.translate import Unsayable
from iamrbac.model.arn import Arn

Answer: TypeAlias = str | Missing | Ambiguous | Unreadable


@dataclass(frozen=True, slots=True)
class Nobody:
    """A row that lets nobody in today, and why."""

    why: str


def arn_of(text: str) -> Arn | None:
    """Read an ARN as a row has it, whatever its case; None where it is none."""
    for spelling in (text, text.lower()):
        try:
            return Arn.parse(spelling)
        except ValueError:
            continue
    return None


def wanted(rows: Iterable[ReadRow], ways: Mapping[str, Way]) -> Wanted:
    """Return what IAM has to be asked: each user and role that a row can match, in its own account."""
    found = set()
    for row in rows:
        arn = arn_of(row.arn)
        if arn is not None and can_match(row.arn) and arn.kind in ("user", "role"):
            found.add(IamName(arn.account, f"{arn.kind}/{arn.name}"))
    return Wanted(principals=frozenset(found), ways=ways)


def respelled(
    principals: Mapping[IamName, Answer], listed: Mapping[IamName, frozenset[str] | Unreadable]
) -> dict[IamName, Answer]:
    """Return IAM's answers; whoever is missing, and is there under a name that differs in case only, is ambiguous.

    `listed` has all names of an account's users or roles, in lower case.
    """
    found: dict[IamName, Answer] = dict(principals)
    for name, answer in principals.items():
        kind, _, plain = name.name.partition("/")
        there = listed.get(IamName(name.account, kind))
        if isinstance(answer, Missing) and isinstance(there, frozenset) and plain.lower() in there:
            found[name] = Ambiguous(())
    return found


def principal_of(
    row: ReadRow, partition: str, identities: Identities, named: Mapping[str, str]
) -> str | Nobody | Unsayable:
    """Return the full ARN of a row's principal, or why there is none. `named` is identity → ARN of --principal."""
    arn = arn_of(row.arn)
    if arn is None or not can_match(row.arn):
        return Nobody("it matches nobody: EKS compares a caller's ARN, a role's without path and session")
    if arn.partition != partition:
        return Nobody(f"it matches nobody: no token of the partition {arn.partition} is taken here")
    if arn.kind in ("root", "federated-user"):
        what = "an account's root user" if arn.kind == "root" else "a federated user"
        return Unsayable(
            "MIG006", f"EKS has no access entries for {what}", "give these people a role or a user, and a row or entry"
        )
    if arn.service_linked or (arn.kind == "role" and arn.name.lower().startswith("awsservicerolefor")):
        return Unsayable(
            "MIG007", "EKS makes no access entry for a service-linked role", "AWS's service has to bring its own entry"
        )
    answer = identities.principals.get(IamName(arn.account, f"{arn.kind}/{arn.name}"), identities.otherwise)
    given = named.get(identity(row.arn))
    if isinstance(answer, Ambiguous):
        return Unsayable(
            "MIG009",
            f"IAM has the {arn.kind} under a name that differs in case, and an entry needs it as it is",
            "write the row's ARN as IAM has it (EKS compares rows without case, so that it counts all the same)",
        )
    if isinstance(answer, Missing):
        return Nobody(f"IAM has no such {arn.kind} any more")
    if isinstance(answer, str) and identity(answer) == identity(row.arn):
        return answer
    if isinstance(answer, str) and arn.kind == "user":
        return Nobody(f"it matches nobody: IAM has that user as {answer}")
    if given is not None:
        return given
    if arn.kind == "user":
        # The authenticator compares the whole of it, so that the path is right.
        return row.arn
    reason = answer if isinstance(answer, str) else answer.reason
    return Unsayable(
        "MIG009",
        f"the role's path is not known, and an entry needs it: {reason}",
        f"name it in full: --principal arn:{arn.partition}:iam::{arn.account}:role/PATH/{arn.name}",
    )
