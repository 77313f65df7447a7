"""Who calls the embedded Kubernetes API, as the sandbox's authentication says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from iamrbac.rbac.objects import User
from iamrbac.rbac.subjects import ANONYMOUS, UNAUTHENTICATED, with_authenticated

NO_EXTRA: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user with what authentication says beside name and groups."""

    user: User
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NO_EXTRA)


NOBODY = Caller(User(ANONYMOUS, (UNAUTHENTICATED,)))
"""Who a request without credentials is."""


def authenticated(caller: Caller) -> Caller:
    """The caller as the authorizer sees it: with the group system:authenticated."""
    return replace(caller, user=with_authenticated(caller.user))
