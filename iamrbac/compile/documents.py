"""The repository as compile takes it: parsed documents with the files that they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from iamrbac.model.access_tests import AccessTest
from iamrbac.model.documents import AccessPolicy, Config, TemporaryGrant
from iamrbac.model.waivers import Waivers

D = TypeVar("D", AccessPolicy, TemporaryGrant, Config, Waivers, AccessTest)


@dataclass(frozen=True, slots=True)
class Sourced(Generic[D]):
    """A document and its file (relative to the repository, forward slashes)."""

    file: str
    document: D


@dataclass(frozen=True, slots=True)
class Documents:
    """All documents of one repository; the order of policies and grants means nothing."""

    config: Sourced[Config]
    policies: tuple[Sourced[AccessPolicy], ...]
    grants: tuple[Sourced[TemporaryGrant], ...] = ()
