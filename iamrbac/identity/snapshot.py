"""What IAM said about people, as a value that compile can be given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from iamrbac.model.accounts import AssumeRole


@dataclass(frozen=True, slots=True, order=True)
class IamName:
    """A group, user or role by account and name (a name is unique in its account, whatever the path)."""

    account: str
    name: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """IAM was asked and did not say: not the same as empty, and not the same as missing."""

    reason: str
    """One line, what failed and the next step; no secret."""


@dataclass(frozen=True, slots=True)
class Missing:
    """IAM was asked and said that there is no such group, user or role."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """IAM was asked and has several that it may be."""

    arns: tuple[str, ...]
    """Full ARNs, sorted."""


@dataclass(frozen=True, slots=True)
class Identities:
    """IAM's answers. A name that was never asked for is absent from the mapping: nobody knows, see `otherwise`."""

    groups: Mapping[IamName, tuple[str, ...] | Missing | Unreadable] = field(default_factory=dict)
    """Group → full ARNs of its users, sorted; an empty tuple is a group with nobody in it, and means revoke."""
    principals: Mapping[IamName, str | Missing | Ambiguous | Unreadable] = field(default_factory=dict)
    """`user/NAME`, `role/NAME` or `permissionSet/NAME` → the full ARN, with path, of the user or role."""
    created: Mapping[str, datetime] = field(default_factory=dict)
    """ARN → when IAM made that user or role, where IAM said it."""
    otherwise: Unreadable = field(default=Unreadable("IAM was not asked for it"), compare=False)
    """What is known of a name that is not here."""


@dataclass(frozen=True, slots=True)
class Way:
    """How an account is entered."""

    role: AssumeRole
    """A role of that account."""
    region: str
    """One of its partition, where STS and IAM are asked."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which names have to be asked of IAM before documents can be compiled."""

    groups: frozenset[IamName] = frozenset()
    principals: frozenset[IamName] = frozenset()
    full: frozenset[IamName] = frozenset()
    """Users and roles that are named in full: nothing depends on an answer, and a closed account gives none."""
    ways: Mapping[str, Way] = field(default_factory=dict)
    """Account → the way in; without one, only that of whoever asks."""
