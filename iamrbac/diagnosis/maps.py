"""What is wrong in a cluster's two maps for one principal, where they could be read.

Sources: EKS user guide (an entry beats a row, entries are of a principal's unique id), aws-iam-authenticator
(mapper/configmap, arn.go: roles without path, users with it, the last of two rows, a section that does not parse).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from iamrbac.diagnosis.facts import Maps, Place, SeenEntry
from iamrbac.diagnosis.verdict import Cause, Fixer
from iamrbac.mapping.aws_auth import Reading, ReadRow
from iamrbac.mapping.resolve import Shadow, identity, resolve, shadows
from iamrbac.model.arn import Arn, canonical, comparable
from iamrbac.rbac.objects import User
from iamrbac.rbac.subjects import AUTHENTICATED

_PERMISSION_SET: Final = re.compile(r"AWSReservedSSO_(.+)_[0-9a-f]{16}")
_EDIT: Final = "kubectl -n kube-system edit configmap aws-auth"
_JOINED: Final = re.compile(r"\s-\s|\n")
"""What a list of groups becomes whose dashes are indented wrongly: one text."""


def unmapped(caller: str, place: Place, maps: Maps) -> Iterator[Cause]:
    """Yield why a principal is taken for nobody; nothing where the maps could not be read."""
    yield from _entries(caller, place, maps)
    yield from _rows(caller, maps)
    names = [seen.entry.principal for seen in maps.entries or ()] + [row.arn for row in _read(maps)]
    yield from _namesakes(caller, names)


def is_whole(maps: Maps) -> bool:
    """Say whether both maps are known as far as the cluster's mode makes them count."""
    entries = maps.entries is not None or maps.mode == "CONFIG_MAP"
    return entries and (maps.rows is not None or maps.mode == "API")


def is_dead(principal: str, maps: Maps) -> bool:
    """Say whether the principal's access entry is of an earlier one of its name, and lets nobody in."""
    mine = [seen for seen in maps.entries or () if identity(seen.entry.principal) == identity(principal)]
    return any(seen.created is not None and maps.made is not None and maps.made > seen.created for seen in mine)


def weakened(caller: str, user: User, maps: Maps) -> Iterator[Cause]:
    """Yield why somebody who is mapped has fewer groups than the maps seem to give."""
    rows = maps.rows if maps.mode != "API" else None
    entries = [seen.entry for seen in maps.entries or ()]
    me, mine = identity(caller), frozenset(user.groups)
    for shadow in shadows(entries, rows):
        lost = [group for group in shadow.hidden.groups if group not in mine]
        if shadow.hidden.arn.lower() == me and lost:
            yield _shadowed(shadow, lost)
    found = resolve(caller, entries, rows)
    if rows is not None and found is not None and found.source == "row":
        yield from _faults(found.principal, rows)
    joined = [group for group in user.groups if _JOINED.search(group)]
    if joined:
        text = f"the list of groups is one text, {' '.join(joined[0].split())!r}: its dashes are indented wrongly"
        yield Cause("groups-in-one", text, Fixer.PLATFORM, _EDIT, sure=True)
    if not mine - {AUTHENTICATED}:
        text = f"{user.name} is mapped without any group, and bindings name groups"
        yield Cause("no-groups", text, Fixer.PLATFORM, "give its entry or row the groups: iamrbac plan", sure=True)


def _entries(caller: str, place: Place, maps: Maps) -> Iterator[Cause]:
    for seen in maps.entries or ():
        if identity(seen.entry.principal) == identity(caller):
            yield _dead(seen, place, maps)


def _dead(seen: SeenEntry, place: Place, maps: Maps) -> Cause:
    principal = seen.entry.principal
    name, region = place.named.eks_name, place.named.region
    delete = f"aws eks delete-access-entry --cluster-name {name} --region {region} --principal-arn {principal}"
    run = f"{delete}; iamrbac apply"
    if maps.made is not None and seen.created is not None and is_dead(principal, maps):
        text = (
            f"{principal} was deleted and made again on {maps.made:%Y-%m-%d}, after its access entry of "
            f"{seen.created:%Y-%m-%d}: EKS knows the old one by its unique id"
        )
        return Cause("entry-of-deleted-principal", text, Fixer.PLATFORM, run, sure=True)
    text = (
        f"{principal} has an access entry that does not count: it is seconds old, or of a deleted one of the same name"
    )
    return Cause("entry-of-deleted-principal", text, Fixer.PLATFORM, f"wait a minute; then {run}")


def _rows(caller: str, maps: Maps) -> Iterator[Cause]:
    me, rows = identity(caller), maps.rows
    if rows is None:
        return
    if maps.mode == "API":
        if any(row.arn.lower() == me for row in rows.rows):
            text = "its row in aws-auth does not count: the cluster's mode is API, which reads access entries alone"
            yield Cause("mode-without-rows", text, Fixer.PLATFORM, "give it an access entry: iamrbac apply", sure=True)
        return
    section = "mapUsers" if _kind(caller) == "user" else "mapRoles"
    for broken in rows.broken:
        if broken.startswith(section):
            text = f"aws-auth has a section that EKS takes for empty: {broken}"
            yield Cause("section-unreadable", text, Fixer.PLATFORM, _EDIT, sure=True)
    for row in rows.rows:
        if row.arn.lower() != me and comparable(row.arn).lower() == me:
            what = "a session's ARN" if ":assumed-role/" in row.arn else "the role's path"
            text = f"{row.section}[{row.index}] has {what} in {row.arn}, and EKS compares with {_plain(caller)}"
            yield Cause("role-path-in-aws-auth", text, Fixer.PLATFORM, _EDIT, sure=True)
        elif row.arn.lower() != me and _same_user(row.arn, caller):
            text = f"{row.section}[{row.index}] has {row.arn}, and EKS compares users with their path: {caller}"
            yield Cause("user-path-missing", text, Fixer.PLATFORM, _EDIT, sure=True)
    for fault in rows.faults:
        if fault.lower().startswith(section.lower()) and "EKS ignores" in fault:
            yield Cause("row-ignored", f"aws-auth has what EKS ignores: {fault}", Fixer.PLATFORM, _EDIT)


def _namesakes(caller: str, names: Iterable[str]) -> Iterator[Cause]:
    """Yield mapped principals that are easily taken for the caller."""
    mine = _parsed(canonical(caller))
    own_set = _PERMISSION_SET.fullmatch(mine.name) if mine is not None else None
    for name in dict.fromkeys(names):
        other = _parsed(canonical(name))
        if mine is None or other is None or other.kind != mine.kind or comparable(name) == comparable(caller):
            continue
        if other.name == mine.name and other.account != mine.account:
            text = f"the cluster knows {mine.kind} {mine.name} of account {other.account}, and this is {mine.account}"
            yield Cause(
                "wrong-account", text, Fixer.YOU, "use the credentials of that account: AWS_PROFILE=…", sure=True
            )
        theirs = _PERMISSION_SET.fullmatch(other.name)
        if own_set and theirs and own_set[1] == theirs[1] and other.account == mine.account:
            text = f"the permission set's role was made again: the cluster knows {other.name}, and this is {mine.name}"
            yield Cause("permission-set-recreated", text, Fixer.PLATFORM, "iamrbac apply", sure=True)


def _shadowed(shadow: Shadow, lost: Iterable[str]) -> Cause:
    row, groups = shadow.hidden, ", ".join(lost)
    where = f"{row.section}[{row.index}]"
    if shadow.reason == "entry":
        text = f"the access entry hides the row {where} of aws-auth, and the groups are not merged: {groups}"
        return Cause(
            "entry-shadows-row", text, Fixer.PLATFORM, "put the groups into the entry: iamrbac plan", sure=True
        )
    if shadow.reason == "spelling":
        text = f"{where} and another row differ in case only, and EKS picks one at random: {groups}"
        return Cause("two-spellings", text, Fixer.PLATFORM, _EDIT, sure=True)
    text = f"the row {where} of aws-auth does not count, since another one for the same ARN wins: {groups}"
    return Cause("later-row-wins", text, Fixer.PLATFORM, _EDIT, sure=True)


def _faults(principal: str, rows: Reading) -> Iterator[Cause]:
    for row in rows.rows:
        for fault in rows.faults if row.arn == principal else ():
            if fault.startswith(f"{row.section}[{row.index}]: groups"):
                text = f"aws-auth has groups that do not count: {fault}"
                yield Cause("groups-ignored", text, Fixer.PLATFORM, _EDIT, sure=True)


def _read(maps: Maps) -> tuple[ReadRow, ...]:
    return maps.rows.rows if maps.rows is not None and maps.mode != "API" else ()


def _same_user(one: str, other: str) -> bool:
    left, right = _parsed(one), _parsed(other)
    if left is None or right is None or left.kind != "user" or right.kind != "user":
        return False
    return (left.account, left.name.lower()) == (right.account, right.name.lower())


def _kind(arn: str) -> str:
    parsed = _parsed(canonical(arn))
    return parsed.kind if parsed is not None else ""


def _plain(arn: str) -> str:
    return comparable(arn)


def _parsed(arn: str) -> Arn | None:
    try:
        return Arn.parse(arn)
    except ValueError:
        return None
