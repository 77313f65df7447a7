"""Who is in which IAM group, kept in a file, and a People port that answers from it: for work without IAM."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from iamrbac.identity.snapshot import Ambiguous, IamName, Identities, Missing, Unreadable, Wanted, Way
from iamrbac.model.arn import Arn
from iamrbac.model.errors import UsageError

VERSION: Final = 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SavedPeople:
    """The People port on a file."""

    known: Identities
    """All that the file has."""
    at: datetime | None
    """When IAM was asked; None where the file does not say."""
    file: str
    """As it was named."""

    def identities(self, wanted: Wanted) -> Identities:
        """Return what the file has of the wanted names; of the others nobody knows, which is neither absent nor empty.

        What is named in full is there only where IAM answered, as when IAM itself is asked.
        """
        known, other = self.known, self.known.otherwise
        full = {name: known.principals[name] for name in wanted.full if name in known.principals}
        return Identities(
            {name: known.groups.get(name, other) for name in wanted.groups},
            {name: known.principals.get(name, other) for name in wanted.principals} | full,
            known.created,
            other,
        )

    def existing(
        self, _kinds: Collection[IamName], _ways: Mapping[str, Way], /
    ) -> Mapping[IamName, frozenset[str] | Unreadable]:
        """Return nothing: the file is about members, and IAM is not asked."""
        return {}


def identities_json(identities: Identities, at: datetime) -> dict[str, Any]:
    """Return a snapshot's JSON: null for what IAM does not have, `at` when it was asked.

    Raises ValueError for what IAM did not say.
    """
    return {
        "formatVersion": VERSION,
        "kind": "Identities",
        "at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "groups": [
            {"account": name.account, "name": name.name, "members": _known(found)}
            for name, found in sorted(identities.groups.items())
        ],
        "principals": [
            {"account": name.account, "name": name.name, **_one(found)}
            for name, found in sorted(identities.principals.items())
        ],
        "created": {arn: at.isoformat() for arn, at in sorted(identities.created.items())},
    }


def parse_identities(text: str, file: str) -> SavedPeople:
    """Read a snapshot; one of before has no time. Raises UsageError for a file that is none."""
    anew = f"iamrbac identities export --out {file}"
    try:
        value = json.loads(text)
        if not isinstance(value, dict) or value.get("kind") != "Identities" or value.get("formatVersion") != VERSION:
            raise ValueError(f"it has not kind Identities and formatVersion {VERSION}")
        known = Identities(
            _named(value, "groups", _members),
            _named(value, "principals", _arn),
            _created(value),
            Unreadable(f"it is not in {file}. Next: make it anew: {anew}"),
        )
        return SavedPeople(known, _time("at", "it", value["at"]) if "at" in value else None, file)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"is no snapshot of identities: {error}",
            where=file,
            hint="write one with `iamrbac identities export --out FILE`",
        ) from error


def _one(found: str | Missing | Ambiguous | Unreadable) -> dict[str, object]:
    # Whoever reads this and knows nothing of `ambiguous` takes it for missing, and gives nothing.
    return {"arn": None, "ambiguous": list(found.arns)} if isinstance(found, Ambiguous) else {"arn": _known(found)}


def _known(found: object) -> object:
    if isinstance(found, Unreadable):
        raise ValueError(found.reason)
    return None if isinstance(found, Missing) else list(found) if isinstance(found, tuple) else found


def _named(value: Mapping[str, Any], key: str, read: Callable[[Mapping[str, Any]], T]) -> dict[IamName, T]:
    items = value.get(key)
    if not isinstance(items, list):
        raise ValueError(f"{key} is no list")
    found: dict[IamName, T] = {}
    for index, one in enumerate(items):
        where = f"{key}[{index}]"
        account, name = (one.get("account"), one.get("name")) if isinstance(one, dict) else (None, None)
        if not isinstance(account, str) or not isinstance(name, str):
            raise ValueError(f"{where} has no account and name")
        if IamName(account, name) in found:
            raise ValueError(f"{where}: {name} of account {account} is there twice")
        try:
            found[IamName(account, name)] = read(one)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
    return found


def _members(one: Mapping[str, Any]) -> tuple[str, ...] | Missing:
    value = one.get("members", "")
    if value is None:
        return Missing()
    if not isinstance(value, list):
        raise ValueError("members is no list of ARNs, and not null")
    return tuple(sorted({_principal(arn) for arn in value}))


def _arn(one: Mapping[str, Any]) -> str | Missing | Ambiguous:
    value, several = one.get("arn", ""), one.get("ambiguous")
    if value is None and several is not None:
        if not isinstance(several, list) or len(several) < 2:
            raise ValueError("ambiguous is no list of several ARNs")
        return Ambiguous(tuple(sorted(map(_principal, several))))
    return Missing() if value is None else _principal(value)


def _created(value: Mapping[str, Any]) -> dict[str, datetime]:
    found = value.get("created", {})
    if not isinstance(found, dict):
        raise ValueError("created is no mapping of ARNs to times")
    return {_principal(arn): _time("created", arn, at) for arn, at in found.items()}


def _time(key: str, what: str, value: object) -> datetime:
    at = datetime.fromisoformat(value) if isinstance(value, str) else None
    if at is None or at.tzinfo is None:
        raise ValueError(f"{key}: {what} has no time with an offset")
    return at


def _principal(value: object) -> str:
    return str(Arn.parse(value if isinstance(value, str) else ""))
