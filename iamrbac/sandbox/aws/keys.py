"""Whom an access key belongs to, and which principals there are, as moto's IAM knows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import get_account_id_from, iam_backends
from moto.sts.models import sts_backends

from iamrbac.model.arn import Arn


@dataclass(frozen=True, slots=True)
class Identity:
    """What sts:GetCallerIdentity says."""

    account: str
    arn: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Key:
    """An access key that may sign. `token` only for temporary credentials."""

    secret: str
    token: str | None
    identity: Identity
    expired: bool = False

    def __repr__(self) -> str:
        return f"Key({self.identity.arn!r})"


def account_of(access_key: str) -> str:
    """Return the account that a key was made in; moto's default account for a key that it does not know."""
    return str(get_account_id_from(access_key)) if access_key else str(DEFAULT_ACCOUNT_ID)


def find_key(access_key: str, partition: str) -> Key | None:
    """Return an active key of an IAM user or of an assumed role; None where there is none."""
    account = account_of(access_key)
    stored = iam_backends[account][partition].access_keys.get(access_key)
    if stored is None or stored.status != "Active":
        return None
    if stored.user_name is not None:
        user = iam_backends[account][partition].users.get(stored.user_name)
        if user is None:
            return None
        return Key(str(stored.secret_access_key), None, Identity(account, str(user.arn), str(user.id)))
    return _session(account, partition, access_key)


def unique_id(arn: str) -> str | None:
    """Return the unique id of the user or role with exactly this ARN, path included; None where there is none.

    EKS keeps this id with an access entry, so that a user or role made anew under the same ARN is somebody else.
    """
    try:
        principal = Arn.parse(arn)
    except ValueError:
        return None
    if principal.account not in iam_backends:
        return None
    backend = iam_backends[principal.account][principal.partition]
    found: Any = None
    if principal.kind == "user":
        found = backend.users.get(principal.name)
    elif principal.kind == "role":
        found = next((role for role in list(backend.get_roles()) if role.name == principal.name), None)
    return str(found.id) if found is not None and found.arn == arn else None


def _session(account: str, partition: str, access_key: str) -> Key | None:
    for role in list(sts_backends[account][partition].assumed_roles):
        if role.access_key_id == access_key:
            identity = Identity(account, str(role.arn), str(role.user_id))
            expired = role.expiration.replace(tzinfo=UTC) <= datetime.now(UTC)
            return Key(str(role.secret_access_key), str(role.session_token), identity, expired)
    return None
