"""Access entries of users and roles that were deleted and made again: they name the right ARN, and let nobody in.

EKS keeps a principal's unique id with its entry and matches by that (containers-roadmap #185 and #2441), so such an
entry has to be deleted and made anew; an update does not help. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from iamrbac.compile.desired import Desired, Key
from iamrbac.findings.finding import Finding, Level
from iamrbac.mapping.objects import AccessEntry, PolicyAssociation
from iamrbac.plan import ownership
from iamrbac.plan.change import Action, Change, ClusterPlan
from iamrbac.plan.observed import Observed

_UNIQUE_ID: Final = re.compile(r"A(?:IDA|ROA)[A-Z0-9]{8,}")


def with_recreated(
    plan: ClusterPlan,
    live: Collection[Observed],
    wanted: Iterable[Desired],
    created: Mapping[str, datetime],
    instance: str,
) -> ClusterPlan:
    """Return the plan with our stale entries replaced, and a warning for each that is stale, whosever it is.

    `live` is what EKS has; `created` is ARN → when IAM made the user or role; nothing is said of others. An entry's
    access policies go with it, so they are made anew too. What goes through Git is left alone: no commit can say it.
    """
    changes = {change.key: change for change in plan.changes}
    stale = {item.key: item for item in live if _is_stale(item, created) and not _goes(changes.get(item.key))}
    desired = {item.key: item for item in wanted}
    ours = {
        key
        for key, item in stale.items()
        if key in desired and _replaces(plan, item, instance) and _may(changes.get(key))
    }
    principals = {key.name for key in ours}
    for item in live:
        of_ours = isinstance(item.spec, PolicyAssociation) and item.spec.principal in principals
        will = desired.get(item.key) if item.key in ours or of_ours else None
        if will is not None:
            changes[item.key] = Change(item.key, Action.REPLACE, item, will)
    findings = (
        *(_stale(plan, stale[key], created, ours=key in ours) for key in sorted(stale)),
        *_ids(plan, live, changes),
    )
    kept = tuple(changes[key] for key in sorted(changes))
    return replace(plan, changes=kept, findings=(*plan.findings, *findings))


def _is_stale(item: Observed, created: Mapping[str, datetime]) -> bool:
    if not isinstance(item.spec, AccessEntry) or item.meta.created is None:
        return False
    made = created.get(item.spec.principal)
    return made is not None and made > item.meta.created


def _goes(change: Change | None) -> bool:
    return change is not None and change.after is None


def _may(change: Change | None) -> bool:
    """An entry that is taken over now is replaced by the next run, as ours."""
    return change is None or change.action is not Action.ADOPT


def _replaces(plan: ClusterPlan, item: Observed, instance: str) -> bool:
    by_git = plan.git is not None and plan.git.carries("AccessEntry")
    return not by_git and isinstance(ownership.owner_of(item.meta, instance), ownership.Ours)


def _stale(plan: ClusterPlan, item: Observed, created: Mapping[str, datetime], *, ours: bool) -> Finding:
    made, entered = created[item.key.name], item.meta.created
    if entered is None:
        raise ValueError("an entry without a date is not stale")
    name = plan.state.target.eks_name
    command = f"aws eks delete-access-entry --cluster-name {name} --principal-arn {item.key.name}"
    hint = "nothing to do: apply deletes the entry and makes it anew"
    if not ours:
        hint = f"whoever keeps it has to delete it and make it anew: {command}"
    return Finding(
        id="MAP111",
        level=Level.WARNING,
        message=(
            f"{item.key.name} was deleted and made again on {made:%Y-%m-%dT%H:%M:%SZ}, after its access entry of "
            f"{entered:%Y-%m-%dT%H:%M:%SZ}: EKS knows the old one by its unique id, and lets the new one not in"
        ),
        hint=hint,
        cluster=plan.name,
        object=f"AccessEntry/{item.key.name}",
    )


def _ids(plan: ClusterPlan, live: Iterable[Observed], changes: Mapping[Key, Change]) -> Iterator[Finding]:
    """An entry with a unique id in the ARN's place: its principal is gone, and nobody comes by it."""
    for item in live:
        if isinstance(item.spec, AccessEntry) and _UNIQUE_ID.fullmatch(item.spec.principal):
            going = _goes(changes.get(item.key))
            yield Finding(
                id="MAP112",
                level=Level.WARNING,
                message=f"the access entry {item.spec.principal} is of a deleted user or role: nobody comes by it",
                hint="nothing to do: this apply removes it" if going else "remove it: it is not ours",
                cluster=plan.name,
                object=f"AccessEntry/{item.spec.principal}",
            )
