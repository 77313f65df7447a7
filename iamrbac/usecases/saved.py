"""A saved plan: written by `plan --out`, believed by `apply FILE` only while nothing has changed since."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from iamrbac.fleet.part import Part
from iamrbac.fleet.shards import parse_shard
from iamrbac.model.errors import StalePlanError, UsageError
from iamrbac.plan.change import Plan
from iamrbac.plan.document import FORMAT_VERSION, target_identity
from iamrbac.plan.guards import Allowances
from iamrbac.plan.stale import differences
from iamrbac.usecases.plan import Planned, PlanRequest, make_plan
from iamrbac.usecases.ports import Edges, Progress

REPLAN = "run `iamrbac plan --out FILE` again and look at what it says"
SHOWN = 10
"""Lines that say what changed; the others are counted."""


def saved_json(plan: Plan, request: PlanRequest, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `plan --out` writes: the plan's JSON and how it was asked for."""
    return {
        **document,
        "kind": "Plan",
        "at": request.at.isoformat(timespec="seconds"),
        "targets": dict(target_identity(plan)),
        "request": {
            "clusters": list(request.clusters),
            "adopt": sorted(request.adopt),
            "allowRemovals": request.allowed.removals,
            "allowLockoutOf": sorted(request.allowed.lockout_of),
            **({} if request.part.shard is None else {"shard": str(request.part.shard)}),
        },
    }


def parse(text: str, file: str) -> dict[str, Any]:
    """Return a saved plan's content. Raises UsageError when the file is not one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not a saved plan: {error}", where=file, hint=REPLAN) from error
    if not isinstance(value, dict) or value.get("kind") != "Plan" or not isinstance(value.get("request"), dict):
        raise UsageError("not a saved plan", where=file, hint=REPLAN)
    if value.get("formatVersion") != FORMAT_VERSION:
        raise UsageError(
            f"a plan of format {value.get('formatVersion')!r}; this version reads {FORMAT_VERSION}",
            where=file,
            hint=REPLAN,
        )
    return value


def verify(saved: Mapping[str, Any], now: Plan, file: str) -> None:
    """Compare with the plan made just now, from the same request. Raises StalePlanError saying what differs."""
    if saved.get("instance") != now.instance or not _same(saved.get("targets"), now):
        here = _targets({"instance": now.instance, "targets": target_identity(now)})
        raise StalePlanError(
            f"the plan is for {_targets(saved)}, and this is {here}",
            where=file,
            hint="apply it where it was made, or plan again here",
        )
    changed = differences(saved, now)
    if changed:
        things = "one thing" if len(changed) == 1 else f"{len(changed)} things"
        made = f" at {saved['at']}" if isinstance(saved.get("at"), str) else ""
        raise StalePlanError(
            f"the plan is stale: {things} changed since it was made{made}; nothing was changed",
            where=file,
            hint=REPLAN,
            details=some(changed),
        )


def some(lines: Sequence[str]) -> tuple[str, ...]:
    """Return at most as many lines as a person reads, and how many more there are."""
    more = len(lines) - SHOWN
    return (*lines[:SHOWN], *([f"and {more} more"] if more > 0 else ()))


def again(edges: Edges, request: PlanRequest, file: str, progress: Progress) -> Planned:
    """Make a saved plan again. Raises StalePlanError where a cluster or an object that it names is not there any more.

    Raises what `make_plan` raises else.
    """
    try:
        return make_plan(edges, request, progress)
    except UsageError as error:
        raise StalePlanError(f"the plan is stale: {error.message}", where=file, hint=REPLAN) from error


def _same(saved: object, now: Plan) -> bool:
    """Say whether a plan was for these clusters; what cannot be read now, or could not then, may be the same."""
    if not isinstance(saved, dict):
        return False
    known = target_identity(now)
    there = {*known, *(cluster.name for cluster in now.failed)}
    return all(name in there and known.get(name, arn) == arn for name, arn in saved.items())


def _targets(value: Mapping[str, Any]) -> str:
    targets = value.get("targets")
    arns = sorted(map(str, targets.values())) if isinstance(targets, dict) else []
    return f"instance {value.get('instance')} on {', '.join(arns) or 'no cluster'}"


def request_of(saved: Mapping[str, Any], at: datetime) -> PlanRequest:
    """Return the request that a saved plan was made from, judged at another time. Raises UsageError."""
    request = saved["request"]
    try:
        return PlanRequest(
            at,
            tuple(str(name) for name in request["clusters"]),
            frozenset(str(key) for key in request["adopt"]),
            Allowances(int(request["allowRemovals"]), frozenset(str(arn) for arn in request["allowLockoutOf"])),
            Part(shard=parse_shard(request["shard"]) if "shard" in request else None),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"not a saved plan: its request is of another shape ({error})", hint=REPLAN) from error
