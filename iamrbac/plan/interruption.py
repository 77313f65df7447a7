"""Who is without access for a while that they have before and after an apply, and between which writes.

The order of writing gives nobody too much (plan.order). Where somebody leaves a group because it gets more, and gets
the same by another group later, that costs an interruption, which the plan has to tell (design §4, Order). Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from iamrbac.access.world import World, holdings
from iamrbac.compile.desired import Desired
from iamrbac.findings.finding import Finding, Level
from iamrbac.mapping.objects import AccessEntry, AwsAuthRow, PolicyAssociation
from iamrbac.model.arn import comparable
from iamrbac.plan import simulate
from iamrbac.plan.change import Action, Change, ClusterPlan
from iamrbac.plan.order import Phase, Stage, phases, rows_that_stay
from iamrbac.plan.synced import groups_of
from iamrbac.rbac.covers import Atom, atoms, compact, missing, uncovered
from iamrbac.rbac.objects import Binding, Role, Rule

ID = "ORD001"
_SHOWN = 3
_HOLD = "hold"
_STEPS: Mapping[Stage, str] = {
    "hidden": "hidden rows go",
    "leave": "people leave groups",
    "namespaces": "namespaces",
    "roles": "roles",
    "bindings": "bindings",
    "unbind": "old rights go",
    "principals": "people join groups",
    "policies": "access policies",
    "unmap": "old mappings go",
    "unbind-late": "last rights go",
    "drop-roles": "old roles go",
}
_Held: TypeAlias = dict[str, dict[str, tuple[Rule, ...]]]
"""Principal → namespace ("" is the whole cluster) → what it may do there."""
_Kept: TypeAlias = dict[tuple[str, str], frozenset[Atom]]
"""Principal and namespace → what it may do there before and after."""


def interruptions(plan: ClusterPlan) -> tuple[Finding, ...]:
    """Return a warning for everybody who is without something in between that they have before and after.

    What one phase writes at the same time is judged by its worst moment: all that it takes is gone, and nothing that
    it gives is there.
    """
    concerned = _concerned(plan)
    if not concerned:
        return ()
    made = phases(plan.changes, rows_that_stay(plan))
    worlds = [*_cuts(plan, made)]
    held = [(step, _held(_only(world, concerned))) for step, world in worlds]
    old, new = _held(_only(simulate.before(plan.state), concerned)), held[-1][1]
    kept = _kept(old, new)
    lacking: dict[str, list[tuple[int, str, frozenset[Atom]]]] = {}
    for step, now in held:
        for (who, place), pieces in kept.items():
            gone = frozenset(missing(_there(now, who, place), compact(sorted(pieces, key=repr))))
            if gone:
                lacking.setdefault(who, []).append((step, place, gone))
    return tuple(_finding(plan, made, who, found) for who, found in sorted(lacking.items()))


def _concerned(plan: ClusterPlan) -> frozenset[str]:
    """Return who is mapped before and after and from whom some write takes something: nobody else is interrupted."""
    data = plan.aws_auth
    old, new = _groups(simulate.before(plan.state)), _groups(simulate.after(plan.state, plan.changes, data))
    taken = groups_of(change.before for change in plan.changes if change.before is not None and _takes(change))
    moved = {
        comparable(change.before.spec.principal if not isinstance(change.before.spec, AwsAuthRow) else change.key.name)
        for change in plan.changes
        if change.before is not None
        and isinstance(change.before.spec, AccessEntry | AwsAuthRow | PolicyAssociation)
        and _takes(change)
    }
    return frozenset(who for who, groups in old.items() if who in new and (who in moved or groups & taken))


def _takes(change: Change) -> bool:
    was = change.before.spec if change.before is not None else None
    will = change.after.spec if change.after is not None else None
    match was, will:
        case Role(), Role():
            return bool(uncovered(will.rules, was.rules))
        case Binding(), Binding():
            return was.role_ref != will.role_ref or not set(was.subjects) <= set(will.subjects)
        case AccessEntry() | AwsAuthRow(), AccessEntry() | AwsAuthRow():
            return not set(was.groups) <= set(will.groups)
        case _:
            return was is not None and was != will


def _groups(world: World) -> dict[str, frozenset[str]]:
    found = {row.canonical: frozenset(row.groups) for row in (world.reading.rows if world.reading is not None else ())}
    return found | {comparable(entry.principal): frozenset(entry.groups) for entry in world.entries}


def _cuts(plan: ClusterPlan, made: Iterable[Phase]) -> Iterator[tuple[int, World]]:
    """Yield the worst moment of each phase, and its end; steps count from 1."""
    written: dict[object, Change] = {}
    for step, phase in enumerate(made, 1):
        worst = [one for change in phase.changes for one in _worst(change)]
        if worst:
            yield step, _world(plan, written | {change.key: change for change in worst})
        written |= {change.key: change for change in phase.changes}
        yield step, _world(plan, written)


def _worst(change: Change) -> Iterator[Change]:
    """Yield what a write to RBAC has done when it took, and gave nothing yet; a principal's own write is at once."""
    was = change.before.spec if change.before is not None else None
    will = change.after.spec if change.after is not None else None
    if not isinstance(was, Role | Binding) or not _takes(change):
        return
    if isinstance(was, Role) and isinstance(will, Role):
        both = compact(
            piece for rule in was.rules for piece in atoms(rule) if not missing(will.rules, compact([piece]))
        )
        yield replace(change, after=Desired(change.key, replace(was, rules=both)))
    elif isinstance(was, Binding) and isinstance(will, Binding) and change.action is not Action.REPLACE:
        subjects = tuple(one for one in was.subjects if one in will.subjects)
        yield replace(change, after=Desired(change.key, replace(was, subjects=subjects)))
    else:
        yield replace(change, after=None)


def _world(plan: ClusterPlan, written: Mapping[object, Change]) -> World:
    changes = tuple(written.values())
    return simulate.after(plan.state, changes, simulate.edited_aws_auth(plan.state, changes))


def _only(world: World, who: Collection[str]) -> World:
    reading = world.reading
    if reading is not None:
        reading = replace(reading, rows=tuple(row for row in reading.rows if row.canonical in who))
    entries = tuple(entry for entry in world.entries if comparable(entry.principal) in who)
    return replace(world, entries=entries, reading=reading)


def _held(world: World) -> _Held:
    found: _Held = {}
    for one, rules in holdings(world).items():
        # What has no rules that anybody knows is one piece by itself.
        known = tuple(rules) or (Rule((_HOLD,), ("",), (one.role,)),)
        places = found.setdefault(one.principal, {})
        places[one.namespace] = places.get(one.namespace, ()) + known
    return found


def _there(held: _Held, who: str, place: str) -> tuple[Rule, ...]:
    places = held.get(who, {})
    return places.get("", ()) + (places.get(place, ()) if place else ())


def _kept(old: _Held, new: _Held) -> _Kept:
    kept: _Kept = {}
    for who in old.keys() & new.keys():
        for place in sorted(old[who].keys() | new[who].keys()):
            had, has = _there(old, who, place), _there(new, who, place)
            pieces = {piece for rule in (*had, *has) for piece in atoms(rule)}
            pieces -= {*missing(had, has), *missing(has, had)}
            if pieces:
                kept[who, place] = frozenset(pieces)
    return kept


def _finding(
    plan: ClusterPlan, made: tuple[Phase, ...], who: str, found: list[tuple[int, str, frozenset[Atom]]]
) -> Finding:
    steps = [step for step, _, _ in found]
    lost: dict[str, set[Atom]] = {}
    for _, place, gone in found:
        lost.setdefault(place, set()).update(gone)
    what = [
        f"{_text(rule)} in {place or 'the whole cluster'}"
        for place, pieces in sorted(lost.items())
        for rule in compact(sorted(pieces, key=repr))
    ]
    more = f"; and {len(what) - _SHOWN} more" if len(what) > _SHOWN else ""
    until = min(max(steps) + 1, len(made))
    return Finding(
        ID,
        Level.WARNING,
        f"{who} keeps its access, and is without some of it for a while, or somebody would have too much in between: "
        f"{'; '.join(what[:_SHOWN])}{more}; from step {_step(made, min(steps))} to step {_step(made, until)} of "
        f"{len(made)}",
        "apply at a quiet time, or make the change in two",
        cluster=plan.name,
        object=who,
    )


def _step(made: tuple[Phase, ...], step: int) -> str:
    return f"{step} ({_STEPS[made[step - 1].stage]})"


def _text(rule: Rule) -> str:
    if rule.verbs == (_HOLD,):
        return ", ".join(rule.resources)
    names = f" {', '.join(rule.resource_names)}" if rule.resource_names else ""
    objects = rule.resources or rule.non_resource_urls
    more = f" and {len(objects) - _SHOWN} more" if len(objects) > _SHOWN else ""
    return f"{', '.join(rule.verbs)} {', '.join(objects[:_SHOWN])}{more}{names}"
