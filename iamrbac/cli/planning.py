"""What `plan` and `apply` share on the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from iamrbac.cli import show
from iamrbac.model.errors import DeclinedError, StalePlanError, UsageError
from iamrbac.model.span import EXAMPLES, span

if TYPE_CHECKING:
    from iamrbac.cli.terminal import Terminal
    from iamrbac.fleet.part import Part
    from iamrbac.plan.change import Plan
    from iamrbac.usecases.lock import Locking
    from iamrbac.usecases.plan import PlanRequest

__all__ = [
    "AdoptOption",
    "DetailedOption",
    "LockTimeoutOption",
    "LockoutOption",
    "NoBackupOption",
    "NoLockOption",
    "RemovalsOption",
    "YesOption",
    "allowed",
    "ask",
    "at_now",
    "at_of",
    "exit_code",
    "lock_seconds",
    "locking_of",
    "part_of",
    "request_of",
    "seconds",
    "show",
    "unchanged",
]

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
DetailedOption: TypeAlias = Annotated[
    bool, typer.Option("--detailed-exitcode", help="End with 2 when there are changes, 0 when there are none.")
]
YesOption: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
LockTimeoutOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--lock-timeout",
        metavar="TIME",
        help="How long to wait (10m) for another apply that writes to the same cluster; default: not at all. A lock "
        "that is not renewed for a minute is taken over.",
    ),
]
NoLockOption: TypeAlias = Annotated[
    bool, typer.Option("--no-lock", help="Take no lock, e.g. without the right to leases.")
]


NoBackupOption: TypeAlias = Annotated[
    bool, typer.Option("--no-backup", help="Keep no backup: what is changed cannot be rolled back then.")
]


def at_now() -> datetime:
    """Return the time that expiries are judged by."""
    return datetime.now(UTC)


def at_of(text: str | None) -> datetime:
    """Return the time that `--at` says, or now without it. Raises UsageError."""
    if text is None:
        return at_now()
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise UsageError(
            f"--at {text!r} is not a time of RFC 3339 with its offset", hint="write it like 2026-12-24T18:00:00Z"
        )
    return time


def seconds(text: str) -> float:
    """Return a time span like 90s, 10m or 1h30m in seconds. Raises UsageError."""
    found = span(text)
    if found is None:
        raise UsageError(f"{text!r} is no span of time", hint=f"write it like {EXAMPLES}")
    return found.total_seconds()


def request_of(
    at: datetime,
    clusters: Collection[str] | None,
    adopt: Collection[str] | None,
    removals: int,
    lockout_of: Collection[str] | None,
    part: Part | None = None,
) -> PlanRequest:
    """Return the options as a request."""
    from iamrbac.fleet.part import Part
    from iamrbac.plan.guards import Allowances
    from iamrbac.usecases.plan import PlanRequest

    allowed = Allowances(removals, frozenset(lockout_of or ()))
    return PlanRequest(at, tuple(clusters or ()), frozenset(adopt or ()), allowed, part or Part())


def part_of(shard: str | None, waves: Collection[str] | None = None) -> Part:
    """Return the part of the fleet that the options mean. Raises UsageError."""
    from iamrbac.fleet.part import Part
    from iamrbac.fleet.shards import parse_shard

    try:
        return Part(tuple(waves or ()), parse_shard(shard) if shard is not None else None)
    except ValueError as error:
        raise UsageError(f"--shard {shard}: {error}", hint="write e.g. --shard 0/20") from error


def exit_code(plan: Plan, *, detailed: bool) -> int:
    """Return 1 for a cluster not planned, 3 for a refusal, 2 for changes if asked, else 0 (design §4)."""
    from iamrbac.findings.finding import Level

    if plan.failed or plan.failed_accounts:
        return 1
    if any(finding.level is Level.ERROR for finding in plan.all_findings):
        return 3
    return 2 if detailed and plan.changed else 0


def unchanged(plan: Plan, again: Plan | None) -> None:
    """Compare with a plan that was made after a wait. Raises StalePlanError when it is not what was agreed to."""
    from iamrbac.plan.document import plan_json
    from iamrbac.plan.stale import differences
    from iamrbac.usecases.saved import some

    changed: tuple[str, ...] = ("the documents are not valid any more",)
    if again is not None:
        changed = differences(plan_json(plan, lambda origin: origin.file), again)
    if changed:
        raise StalePlanError(
            "the clusters, people or policies changed while the lock was waited for; nothing was changed",
            hint="run the same command again and look at what it says (a saved plan: make a new one)",
            details=some(changed),
        )


def lock_seconds(lock_timeout: str | None, *, no_lock: bool) -> float:
    """Return how long to wait for a lock. Raises UsageError, also where none is to be taken."""
    if no_lock and lock_timeout is not None:
        raise UsageError("--no-lock waits for no lock", hint="use it without --lock-timeout")
    return seconds(lock_timeout) if lock_timeout is not None else 0


def locking_of(
    terminal: Terminal, plan: Plan, again: Callable[[], Plan | None], patience: float, *, no_lock: bool
) -> Locking | None:
    """Return how to lock; None, said aloud where something is to be written, where no lock is wanted.

    `again` plans anew after a wait, and what it says must be what was shown.
    """
    from iamrbac import wiring

    if not no_lock:
        return wiring.locking(patience, terminal, lambda: unchanged(plan, again()))
    if plan.changed:
        terminal.warn("no lock is taken (--no-lock): make sure that nobody else applies to these clusters meanwhile")
    return None


def allowed(request: PlanRequest) -> tuple[tuple[str, str], ...]:
    """Return what was allowed by name, as trailers of a commit."""
    said = [("Allowed-Removals", str(request.allowed.removals))] if request.allowed.removals else []
    said += [("Allowed-Lockout-Of", arn) for arn in sorted(request.allowed.lockout_of)]
    return (*said, *(("Adopted", key) for key in sorted(request.adopt)))


def ask(clusters: int, doing: str = "Apply this to", accounts: int = 0) -> None:
    """Ask for the word `yes`; nobody to ask is a no."""
    parts = [f"{clusters} cluster{'' if clusters == 1 else 's'}"]
    parts += [f"the IAM of {accounts} account{'' if accounts == 1 else 's'}"] if accounts else []
    if not sys.stdin.isatty():
        raise DeclinedError(
            "there is no terminal to ask on; nothing was changed",
            hint="use --yes, or a plan saved by `iamrbac plan --out`",
        )
    sys.stderr.write(f"{doing} {' and '.join(parts)}? Only 'yes' is a yes: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != "yes":
        raise DeclinedError("not applied; nothing was changed")
