"""What `plan` and `apply` share on the command line."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from iamrbac.cli import show

if TYPE_CHECKING:
    from iamrbac.plan.change import Plan
    from iamrbac.usecases.plan import PlanRequest

__all__ = ["AdoptOption", "LockoutOption", "RemovalsOption", "at_now", "exit_code", "request_of", "show"]

RemovalsOption: TypeAlias = Annotated[
    int, typer.Option("--allow-removals", metavar="N", help="Up to N losses (principal × cluster) are meant.", min=0)
]
LockoutOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--allow-lockout-of", metavar="ARN", help="This protected principal may lose access (several times)."),
]
AdoptOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--adopt", metavar="KEY", help="Take over this object, which is nobody's (KIND/NAMESPACE/NAME)."),
]


def at_now() -> datetime:
    """Return the time that expiries are judged by."""
    return datetime.now(UTC)


def request_of(
    at: datetime,
    clusters: Collection[str] | None,
    adopt: Collection[str] | None,
    removals: int,
    lockout_of: Collection[str] | None,
) -> PlanRequest:
    """Return the options as a request."""
    from iamrbac.plan.guards import Allowances
    from iamrbac.usecases.plan import PlanRequest

    allowed = Allowances(removals, frozenset(lockout_of or ()))
    return PlanRequest(at, tuple(clusters or ()), frozenset(adopt or ()), allowed)


def exit_code(plan: Plan, *, detailed: bool) -> int:
    """Return 1 for a cluster not planned, 3 for a refusal, 2 for changes if asked, else 0 (design §4)."""
    from iamrbac.usecases.apply import refused

    if plan.failed:
        return 1
    if refused(plan):
        return 3
    return 2 if detailed and plan.changes else 0
