"""What a migration needs beside the edges of plan and apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from iamrbac.plan.observed import AuthenticationMode, Target
from iamrbac.usecases.ports import Edges, OwnAccess


@dataclass(frozen=True, slots=True)
class ModeSeen:
    """A cluster's authentication mode as it is now."""

    mode: AuthenticationMode
    busy: bool = False
    """EKS is changing something of the cluster."""
    failed: str = ""
    """Why the update that was asked about failed; "" where it did not."""


class Modes(Protocol):
    """EKS, as far as it changes modes."""

    def change_mode(self, target: Target, mode: AuthenticationMode) -> str:
        """Begin to change it; return the update's id, "" where one is under way or it is so already.

        Raises AwsError.
        """
        ...

    def seen_mode(self, target: Target, update: str) -> ModeSeen:
        """Say how far it is. Raises AwsError."""
        ...


@dataclass(frozen=True, slots=True)
class Probe:
    """Somebody whose own tokens are tried before, during and after."""

    name: str
    """`you`, or a profile's name."""
    arn: Callable[[Target], str]
    """Whom AWS takes the tokens for. Raises AwsError."""
    open: Callable[[Target], OwnAccess]
    """A new connection with a new token."""


@dataclass(frozen=True, slots=True)
class MigrateEdges:
    """All that migrate uses."""

    edges: Edges
    modes: Modes
    probes: tuple[Probe, ...]
