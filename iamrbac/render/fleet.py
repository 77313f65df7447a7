"""The plan of a fleet and what became of it: a table of clusters by wave, and one line of numbers at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from iamrbac.findings.finding import Finding
from iamrbac.fleet.result import FINISHED, Became, Result
from iamrbac.fleet.waves import Wave
from iamrbac.model.span import span_text
from iamrbac.plan.change import ClusterPlan, FailedCluster, Plan
from iamrbac.render.plan import SYMBOLS, Paint
from iamrbac.usecases.fleet import FleetPlan, refusal, refusals
from iamrbac.usecases.fleet_run import FleetRun, Pausing, WaveBegun

WORDS: Final = {
    Became.DONE: ("done", "good"),
    Became.UNCHANGED: ("unchanged", "dim"),
    Became.EARLIER: ("done earlier", "dim"),
    Became.WAITING: ("waiting for a sync", "change"),
    Became.FAILED: ("failed", "error"),
    Became.TIMED_OUT: ("timed out", "error"),
    Became.REFUSED: ("refused", "error"),
    Became.NOT_PLANNED: ("not planned", "error"),
    Became.INTERRUPTED: ("interrupted", "change"),
    Became.NOT_BEGUN: ("not begun", "change"),
}
_SHORT: Final = frozenset({Became.EARLIER, Became.WAITING, Became.INTERRUPTED})
"""Not in the last line where there is none."""


def fleet_plan_text(fleet: FleetPlan, paint: Paint, *, whole: bool = False) -> str:
    """Return the table of what would change, wave by wave, ending with the summary line (an interface).

    With `whole` clusters that are as they should be have a line too.
    """
    blocks = [[_head(fleet)], *(_wave(fleet, wave, paint, whole=whole) for wave in fleet.waves)]
    blocks.append([_finding(one, paint) for one in refusals(fleet.plan)])
    blocks.append([_account(fleet.plan)] if _account(fleet.plan) else [])
    blocks.append([plan_line(fleet)])
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def plan_line(fleet: FleetPlan) -> str:
    """Return the last line of a fleet's plan."""
    clusters = fleet.plan.clusters
    changed = [one for one in fleet.plan.planned if one.changed]
    counts = Counter(change.action for one in changed for change in one.changes)
    numbers = ", ".join(f"{counts[action]} to {word}" for action, (_, _, word) in SYMBOLS.items())
    refused = sum(refusal(one) is not None for one in clusters)
    text = f"Fleet plan: {len(changed)} of {_clusters(len(clusters))} to change ({numbers})."
    text += f" Not planned: {len(fleet.plan.failed)}." if fleet.plan.failed else ""
    text += f" Refused: {refused}." if refused else ""
    text += f" Done earlier: {len(fleet.earlier)}." if fleet.earlier else ""
    return text


def fleet_plan_json(fleet: FleetPlan, plan: dict[str, Any]) -> dict[str, Any]:
    """Return `fleet plan -o json`; `plan` is the JSON of the plan of all clusters."""
    said = fleet.settings
    plans = fleet.by_name
    return {
        "formatVersion": 1,
        "instance": fleet.plan.instance,
        "settings": {
            "canary": said.canary,
            "stopAfter": said.stop_after,
            "concurrency": said.concurrency,
            "timeoutSeconds": said.timeout_seconds,
            "pauseSeconds": said.pause_seconds,
        },
        "waves": [
            {
                "number": wave.number,
                "name": wave.name,
                "rest": wave.rest,
                "clusters": [
                    _cluster_json(name, plans.get(name), canary=name in fleet.canaries(wave)) for name in wave.clusters
                ],
            }
            for wave in fleet.waves
        ],
        "plan": plan,
    }


def wave_text(event: WaveBegun | Pausing) -> str:
    """Return that a wave begins, or that it is waited for."""
    wave = event.wave
    if isinstance(event, Pausing):
        return f"Waiting {span_text(timedelta(seconds=event.seconds))} before wave {wave.number} ({wave.name})"
    first = f", first {', '.join(event.canaries)}" if event.canaries else ""
    return f"Wave {wave.number} ({wave.name}): {_clusters(len(wave.clusters))}{first}"


def result_text(one: Result, paint: Paint) -> str:
    """Return what became of one cluster."""
    word, style = WORDS[one.became]
    size = f", {_changes(one.done)}" if one.became is Became.DONE else ""
    text = f"{one.cluster}: {paint(word, style)}{size}{' (canary)' if one.canary else ''}"
    if one.became in FINISHED:
        return text
    part = f", {one.done} of {_changes(one.changes)} written" if one.done else ""
    code = f"[{one.code}] " if one.code else ""
    return f"{paint('!', style)} {text}{part}: {code}{one.reason}" + (f". Next: {one.hint}" if one.hint else "")


def event_json(event: WaveBegun | Pausing | Result) -> dict[str, Any]:
    """Return one line of `fleet apply -o json` that is not one of `apply -o json`."""
    if isinstance(event, Result):
        error = {"code": event.code or None, "message": event.reason, "hint": event.hint}
        return {
            "type": "cluster",
            "name": event.cluster,
            "wave": event.wave,
            "canary": event.canary,
            "outcome": event.became.value,
            "done": event.done,
            "changes": event.changes,
            "error": error if event.reason else None,
        }
    if isinstance(event, Pausing):
        return {"type": "pause", "seconds": event.seconds, "wave": event.wave.number}
    return {
        "type": "wave",
        "number": event.wave.number,
        "name": event.wave.name,
        "clusters": list(event.wave.clusters),
        "canaries": list(event.canaries),
    }


def summary_text(run: FleetRun, paint: Paint, again: str) -> str:
    """Return the table of what became of the fleet, then why it stopped, then the line of numbers (an interface)."""
    lines = []
    for wave in run.planned.waves:
        counts = Counter(one.became for one in run.results if one.wave == wave.number)
        parts = [f"{counts[one]} {paint(*WORDS[one])}" for one in Became if counts[one]]
        if parts:
            lines.append(f"Wave {wave.number}  {wave.name}: {', '.join(parts)}")
    bad = [one for one in run.results if one.became not in FINISHED and one.became is not Became.NOT_BEGUN]
    told = [result_text(one, paint) for one in bad]
    blocks = [lines, told, [summary_line(run.results, run.stopped.reason, again, interrupted=run.interrupted)]]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def summary_line(results: Sequence[Result], stopped: str, again: str, *, interrupted: bool = False) -> str:
    """Return the last line of an apply to a fleet."""
    counts = Counter(one.became for one in results)
    numbers = ", ".join(f"{counts[one]} {WORDS[one][0]}" for one in WORDS if counts[one] or one not in _SHORT)
    text = f"Fleet: {numbers}."
    if interrupted:
        text += " It was interrupted."
    elif stopped:
        text += f" It stopped: {stopped}."
    if any(one.became not in FINISHED for one in results):
        text += f" Next: `{again}` goes on from here."
    return text


def summary_json(run: FleetRun, exit_code: int, allowed: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the last line of `fleet apply -o json`."""
    counts = Counter(one.became for one in run.results)
    return {
        "type": "fleet",
        **{one.value: counts[one] for one in Became},
        "stopped": run.stopped.reason or None,
        "allowed": [{"name": name, "value": value} for name, value in allowed],
        "exitCode": exit_code,
    }


def _head(fleet: FleetPlan) -> str:
    said = fleet.settings
    sizes = len(fleet.plan.clusters) + len(fleet.earlier)
    return (
        f"Fleet of {fleet.plan.instance}: {_clusters(sizes)}, {said.concurrency} at once, {said.timeout} for each; "
        f"canaries a wave: {said.canary}; it stops after {said.stop_after} failed"
    )


def _wave(fleet: FleetPlan, wave: Wave, paint: Paint, *, whole: bool) -> list[str]:
    rest = ", in no wave of fleet.order" if wave.rest else ""
    lines = [f"{paint(f'Wave {wave.number}  {wave.name}', 'bold')}: {_clusters(len(wave.clusters))}{rest}"]
    plans, first = fleet.by_name, fleet.canaries(wave)
    width = max((len(name) for name in wave.clusters), default=0)
    same = earlier = 0
    for name in wave.clusters:
        plan = plans.get(name)
        if isinstance(plan, ClusterPlan) and not plan.changed and refusal(plan) is None and not whole:
            same += 1
            continue
        if plan is None and not whole:
            earlier += 1
            continue
        lines.append(f"  {name:<{width}}  {_row(plan, paint)}{'  canary' if name in first else ''}")
    others = [f"{_clusters(same)} as it should be"] if same else []
    others += [f"{_clusters(earlier)} done earlier"] if earlier else []
    return [*lines, *(f"  {paint(text, 'dim')}" for text in others)]


def _row(plan: ClusterPlan | FailedCluster | None, paint: Paint) -> str:
    if plan is None:
        return paint("done earlier", "dim")
    if isinstance(plan, FailedCluster):
        hint = f". Next: {plan.hint}" if plan.hint else ""
        return f"{paint('! not planned', 'error')}: [{plan.code}] {plan.message}{hint}"
    counts = Counter(change.action for change in plan.changes)
    parts = [f"{paint(symbol, style)}{counts[one]}" for one, (symbol, style, _) in SYMBOLS.items() if counts[one]]
    parts += [f"{len(plan.git.files)} files to commit"] if plan.git is not None and plan.git.files else []
    text = " ".join(parts) or "as it should be"
    moves = Counter((change.change, change.principal) for change in plan.access)
    gain, lose = (sum(kind == one for kind, _ in moves) for one in ("gain", "lose"))
    text += f"  {gain} gain" if gain else ""
    text += f"  {paint(f'{lose} lose', 'error')}" if lose else ""
    found = refusal(plan)
    return text + (f"  {paint('! refused', 'error')}: {_reason(found)}" if found is not None else "")


def _reason(finding: Finding) -> str:
    return f"{finding.id} {finding.message}" + (f". Next: {finding.hint}" if finding.hint else "")


def _finding(finding: Finding, paint: Paint) -> str:
    return f"{paint('!', 'error')} error {_reason(finding)}"


def _account(plan: Plan) -> str:
    size = sum(len(one.changes) for one in plan.planned_accounts)
    failed = "".join(f" Account {one.account} could not be read: {one.message}." for one in plan.failed_accounts)
    return (f"IAM: {_changes(size)}, before and after the clusters.{failed}" if size else failed).strip()


def _cluster_json(name: str, plan: ClusterPlan | FailedCluster | None, *, canary: bool) -> dict[str, Any]:
    found = refusal(plan) if plan is not None else None
    error = None
    if isinstance(plan, FailedCluster):
        error = {"code": plan.code, "message": plan.message, "hint": plan.hint}
    elif found is not None:
        error = {"code": found.id, "message": found.message, "hint": found.hint or ""}
    changes = plan.changes if isinstance(plan, ClusterPlan) else ()
    return {
        "name": name,
        "canary": canary,
        "status": _status(plan, refused=found is not None),
        "changes": {one.value: sum(change.action is one for change in changes) for one in SYMBOLS},
        "error": error,
    }


def _status(plan: ClusterPlan | FailedCluster | None, *, refused: bool) -> str:
    if plan is None:
        return Became.EARLIER.value
    if isinstance(plan, FailedCluster):
        return Became.NOT_PLANNED.value
    if refused:
        return Became.REFUSED.value
    return "changed" if plan.changed else Became.UNCHANGED.value


def _clusters(number: int) -> str:
    return f"{number} cluster{'' if number == 1 else 's'}"


def _changes(number: int) -> str:
    return f"{number} change{'' if number == 1 else 's'}"
