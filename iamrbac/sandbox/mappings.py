"""What EKS itself knows of who is who on a cluster; aws-auth is the cluster's own."""

from __future__ import annotations

from dataclasses import dataclass

from iamrbac.mapping.objects import AccessEntry
from iamrbac.plan.observed import AuthenticationMode


@dataclass(frozen=True, slots=True)
class Mappings:
    """A cluster's mode and access entries."""

    mode: AuthenticationMode
    entries: tuple[tuple[str, AccessEntry], ...] = ()
    """The unique id that the principal had when the entry was made, and the entry."""
