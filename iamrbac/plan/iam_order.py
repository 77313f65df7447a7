"""The order of writing in IAM, around the clusters: role, then entry, then group policy; back in reverse. Pure.

First what lets people out and what clusters need: policies that go, roles that come, trusts that keep more people out.
Then the clusters. Then what lets people in: trusts that keep fewer out, policies that come or change; last, roles go.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from iamrbac.compile import names
from iamrbac.identity.assumable import AssumableRole, GroupPolicy, suspended_names
from iamrbac.model.arn import comparable
from iamrbac.plan.change import AccountPlan, Action, Change


@dataclass(frozen=True, slots=True)
class IamOrder:
    """The changes of one account in four steps; the clusters come between the second and the third."""

    out: tuple[Change, ...]
    """Policies that go."""
    roles: tuple[Change, ...]
    """Roles that come, and trusts that keep somebody out who got in."""
    into: tuple[Change, ...]
    """Trusts that keep nobody more out, policies that come or change."""
    drop: tuple[Change, ...]
    """Roles that go."""


def ordered(changes: Iterable[Change]) -> IamOrder:
    """Sort the changes of one account. Each is in exactly one step."""
    steps: dict[str, list[Change]] = {"out": [], "roles": [], "into": [], "drop": []}
    for change in changes:
        steps[_step(change)].append(change)
    return IamOrder(*(tuple(steps[name]) for name in ("out", "roles", "into", "drop")))


def _step(change: Change) -> str:
    removal = change.action is Action.DELETE
    if change.key.kind == "IamGroupPolicy":
        return "out" if removal else "into"
    if removal:
        return "drop"
    return "into" if change.before is not None and not keeps_out(change) else "roles"


def keeps_out(change: Change) -> frozenset[str]:
    """Return the users whom a changed trust keeps out by name and did not before; all, as "*", where nobody can say."""
    before = change.before.spec if change.before is not None else None
    after = change.after.spec if change.after is not None else None
    if not isinstance(before, AssumableRole) or not isinstance(after, AssumableRole) or before.trust == after.trust:
        return frozenset()
    more = suspended_names(after.trust) - suspended_names(before.trust)
    return more or (frozenset({"*"}) if not _same_but_for_names(before.trust, after.trust) else frozenset())


def role_of(change: Change) -> str:
    """Return the role that a change is about, as clusters know it (its ARN without path); "" where it is unreadable."""
    side = change.after or change.before
    spec = side.spec if side is not None else None
    if isinstance(spec, AssumableRole):
        return comparable(spec.arn)
    return comparable(_resource(spec)) if isinstance(spec, GroupPolicy) else ""


def sets_of(plan: AccountPlan) -> dict[str, str]:
    """Return the Kubernetes group of each set by its role, as clusters know it."""
    found: dict[str, str] = {}
    for arn, tags in plan.tags.items():
        try:
            found[comparable(arn)] = names.group_name(
                tags[names.INSTANCE_LABEL], tags[names.POLICY_LABEL], tags[names.SET_LABEL]
            )
        except KeyError:
            continue
    return found


def _same_but_for_names(one: str, other: str) -> bool:
    """Say whether two trusts differ in nothing but whom they keep out by name."""

    def rest(text: str) -> object:
        try:
            statements = json.loads(text)["Statement"]
        except (ValueError, KeyError, TypeError):
            return text
        return [item for item in statements if not (isinstance(item, dict) and item.get("Sid") == "NobodySuspended")]

    return rest(one) == rest(other)


def _resource(policy: GroupPolicy) -> str:
    try:
        return str(json.loads(policy.document)["Statement"][0]["Resource"])
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
