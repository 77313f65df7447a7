"""A saved plan: written by `plan --out`, believed by `apply FILE` only while nothing has changed since."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from iamrbac.model.errors import StalePlanError, UsageError
from iamrbac.plan.change import Plan
from iamrbac.plan.document import FORMAT_VERSION, fingerprint, summary, target_identity
from iamrbac.plan.guards import Allowances
from iamrbac.usecases.plan import PlanRequest

REPLAN = "run `iamrbac plan --out FILE` again and look at what it says"


def saved_json(plan: Plan, request: PlanRequest, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `plan --out` writes: the plan's JSON and how it was asked for."""
    return {
        **document,
        "kind": "Plan",
        "targets": dict(target_identity(plan)),
        "request": {
            "clusters": list(request.clusters),
            "adopt": sorted(request.adopt),
            "allowRemovals": request.allowed.removals,
            "allowLockoutOf": sorted(request.allowed.lockout_of),
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
    targets = dict(target_identity(now))
    if saved.get("instance") != now.instance or saved.get("targets") != targets:
        here = _targets({"instance": now.instance, "targets": targets})
        raise StalePlanError(
            f"the plan is for {_targets(saved)}, and this is {here}",
            where=file,
            hint="apply it where it was made, or plan again here",
        )
    if saved.get("fingerprint") == fingerprint(now):
        return
    was, is_ = saved.get("summary"), summary(now)
    changed = "the policies, the people or the clusters changed since"
    counted = f"; then {_counts(was)}, now {_counts(is_)}" if was != is_ else ""
    raise StalePlanError(f"the plan is stale: {changed}{counted}", where=file, hint=REPLAN)


def _targets(value: Mapping[str, Any]) -> str:
    targets = value.get("targets")
    arns = sorted(map(str, targets.values())) if isinstance(targets, dict) else []
    return f"instance {value.get('instance')} on {', '.join(arns) or 'no cluster'}"


def _counts(value: object) -> str:
    if not isinstance(value, dict):
        return "unknown"
    return ", ".join(f"{number} to {action}" for action, number in value.items() if number) or "no changes"


def request_of(saved: Mapping[str, Any], at: datetime) -> PlanRequest:
    """Return the request that a saved plan was made from, judged at another time. Raises UsageError."""
    request = saved["request"]
    try:
        return PlanRequest(
            at,
            tuple(str(name) for name in request["clusters"]),
            frozenset(str(key) for key in request["adopt"]),
            Allowances(int(request["allowRemovals"]), frozenset(str(arn) for arn in request["allowLockoutOf"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"not a saved plan: its request is of another shape ({error})", hint=REPLAN) from error
