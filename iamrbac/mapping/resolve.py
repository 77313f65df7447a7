"""Whom EKS takes a caller for: access entries first, then aws-auth's roles, users and accounts.

Sources: EKS user guide (an access entry beats a row for the same principal), aws-iam-authenticator's server.go and
mapper/configmap (the last of two rows for one role wins, templates).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from iamrbac.mapping.aws_auth import Reading, ReadRow
from iamrbac.mapping.objects import AccessEntry
from iamrbac.model.arn import Arn, canonical, comparable

_INSTANCE_ID = re.compile(r"i-(\w{8}|\w{17})", re.ASCII)
_PRIVATE_DNS = "{{EC2PrivateDNSName}}"


@dataclass(frozen=True, slots=True)
class Mapped:
    """A principal and the Kubernetes user that EKS makes of it."""

    principal: str
    """The ARN as the entry or row has it; the caller's canonical ARN where mapAccounts lets it in."""
    username: str
    groups: tuple[str, ...]
    source: Literal["entry", "row", "account"]


@dataclass(frozen=True, slots=True)
class Shadow:
    """A row that has no effect, because something else maps its principal."""

    hidden: ReadRow
    by: AccessEntry | ReadRow
    reason: Literal["entry", "later row", "mapRoles", "spelling"]
    """`spelling`: two rows of mapUsers differ in case only, and EKS picks one of them at random."""


def identity(arn: str) -> str:
    """Return what EKS compares principals by: the ARN without session and role path, in lower case."""
    return comparable(arn).lower()


def resolve(caller_arn: str, entries: Iterable[AccessEntry], reading: Reading | None) -> Mapped | None:
    """Return whom EKS takes the caller for; None when nothing maps it, or a template of its mapping cannot be filled.

    `caller_arn` is what STS says (a session of a role), or a principal's own ARN: the templates of a session stay in
    the username then. `{{AccessKeyID}}` always stays, and so does a node's `{{EC2PrivateDNSName}}`.
    `reading` is None where the cluster's mode ignores aws-auth.
    """
    try:
        caller = Arn.parse(caller_arn)
    except ValueError:
        return None
    me = identity(caller_arn)
    for entry in entries:
        if identity(entry.principal) == me:
            return _rendered(Mapped(entry.principal, entry.username, entry.groups, "entry"), caller)
    if reading is None:
        return None
    row = _winners(reading.rows).get(me)
    if row is not None:
        return _rendered(Mapped(row.arn, row.username, row.groups, "row"), caller)
    if caller.account in reading.accounts:
        return Mapped(canonical(caller_arn), canonical(caller_arn), (), "account")
    return None


def mapped(entries: Iterable[AccessEntry], reading: Reading | None) -> tuple[Mapped, ...]:
    """Return every principal that is mapped by name, as it takes effect: entries, then rows that nothing hides.

    Templates are filled as far as the principal tells; those of a role's sessions stay. Rows that can match nobody (a
    role with its path, a session, no ARN) are left out, and so is mapAccounts, which names no principals.
    """
    found: dict[str, Mapped] = {}
    for entry in entries:
        key = identity(entry.principal)
        found.setdefault(key, Mapped(entry.principal, entry.username, entry.groups, "entry"))
    for key, row in _winners(reading.rows if reading is not None else ()).items():
        if can_match(row.arn):
            found.setdefault(key, Mapped(row.arn, row.username, row.groups, "row"))
    return tuple(_as_principal(one) for one in found.values())


def shadows(entries: Iterable[AccessEntry], reading: Reading | None) -> tuple[Shadow, ...]:
    """Return every row that an access entry, a later row, or a row of mapRoles hides, in the rows' order."""
    if reading is None:
        return ()
    by_entry: dict[str, AccessEntry] = {}
    for entry in entries:
        by_entry.setdefault(identity(entry.principal), entry)
    winners = _winners(reading.rows)
    found = []
    for row in reading.rows:
        winner = winners[row.arn.lower()]
        if row.arn.lower() in by_entry:
            found.append(Shadow(row, by_entry[row.arn.lower()], "entry"))
        elif winner is not row:
            found.append(Shadow(row, winner, _reason(row, winner)))
    return tuple(found)


def can_match(arn: str) -> bool:
    """Return whether a row with this ARN can match anybody; a role with its path, a session or no ARN never does."""
    parsed = _parsed(arn)
    if parsed is None:
        return False
    if parsed.kind == "role":
        return parsed.path == "/"
    return parsed.kind in ("user", "root", "federated-user")


def _winners(rows: Iterable[ReadRow]) -> dict[str, ReadRow]:
    """Return the effective row of each principal, by its ARN as written in lower case, which is how EKS finds it."""
    roles: dict[str, ReadRow] = {}
    users: dict[str, ReadRow] = {}
    for row in rows:
        (roles if row.section == "mapRoles" else users)[row.arn.lower()] = row
    return {**users, **roles}


def _reason(row: ReadRow, winner: ReadRow) -> Literal["later row", "mapRoles", "spelling"]:
    if row.section != winner.section:
        return "mapRoles"
    return "spelling" if row.section == "mapUsers" and row.arn != winner.arn else "later row"


def _rendered(mapping: Mapped, caller: Arn) -> Mapped | None:
    """Fill templates as the authenticator does; it lets nobody in whose template cannot be filled."""
    session = _session(caller)
    texts = (mapping.username, *mapping.groups)
    if session is not None and any(_PRIVATE_DNS in text for text in texts) and not _INSTANCE_ID.fullmatch(session):
        return None
    username, *groups = (_fill(text, caller.account, session) for text in texts)
    return Mapped(mapping.principal, username, tuple(groups), mapping.source)


def _as_principal(mapping: Mapped) -> Mapped:
    principal = _parsed(mapping.principal)
    if principal is None:
        return mapping
    session = _session(principal)
    username, *groups = (_fill(text, principal.account, session) for text in (mapping.username, *mapping.groups))
    return Mapped(mapping.principal, username, tuple(groups), mapping.source)


def _parsed(arn: str) -> Arn | None:
    """Read an ARN as a row has it, whatever its case, which EKS does not look at; None where it is none."""
    for spelling in (arn, arn.lower()):
        try:
            return Arn.parse(spelling)
        except ValueError:
            continue
    return None


def _session(caller: Arn) -> str | None:
    """Return the session's name; None for a role of which no session is known, "" for a user, who has none."""
    match caller.kind:
        case "assumed-role":
            return caller.session
        case "role":
            return None
        case "federated-user":
            return caller.name
        case _:
            return ""


def _fill(text: str, account: str, session: str | None) -> str:
    text = text.replace("{{AccountID}}", account)
    if session is None:
        return text
    return text.replace("{{SessionName}}", session.replace("@", "-")).replace("{{SessionNameRaw}}", session)
