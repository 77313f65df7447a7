"""One AWS account's part of a plan: the IAM roles that groups may assume, and their groups' policies. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from iamrbac.compile import names
from iamrbac.compile.desired import Desired, Key
from iamrbac.findings.finding import Finding, Level
from iamrbac.identity.assumable import AssumableRole, GroupPolicy, only_assumes, role_arn
from iamrbac.identity.assume import IamUserRights, May, others_who_may
from iamrbac.identity.snapshot import Unreadable
from iamrbac.model.arn import Arn
from iamrbac.plan import ownership
from iamrbac.plan.change import AccountPlan, Action, Change
from iamrbac.plan.diff import diff_mappings
from iamrbac.plan.keys import display_key
from iamrbac.plan.observed import Observed

_SHOWN = 5
_NOT_ASKED = Unreadable("it was not asked for")


@dataclass(frozen=True, slots=True)
class AccountState:
    """What was read of one account's IAM. There is no half-read state: a failed read raises instead."""

    account: str
    roles: tuple[Observed, ...] = ()
    """Every role below our path, also others' in it, and roles elsewhere that have a name which is wanted."""
    policies: tuple[Observed, ...] = ()
    """Every inline policy of a group whose name begins as ours do."""
    members: Mapping[str, tuple[str, ...] | Unreadable] = field(default_factory=dict)
    """Group → its users, as far as they are known: of groups that have such a policy, or are to have one."""
    users: tuple[IamUserRights, ...] | Unreadable = _NOT_ASKED
    """Every user with all the policies that speak for it."""


def plan_account(
    desired: Iterable[Desired], state: AccountState, instance: str, adopt: Collection[str] = (), waits: str = ""
) -> AccountPlan:
    """Compare and return what would change in one account, and what refuses it.

    `waits` says why nothing is removed: what may still be needed where this run does not look.
    """
    wanted = {item.key: item for item in desired}
    observed = {item.key: item for item in (*state.roles, *state.policies)}
    owners = {key: _owner(item, observed, wanted, instance) for key, item in observed.items()}
    relevant = {key: item for key, item in observed.items() if key in wanted or isinstance(owners[key], ownership.Ours)}
    diff = diff_mappings(
        relevant, wanted, lambda was, will: _equal(was, will) and isinstance(owners[was.key], ownership.Ours)
    )
    changes = [Change(key, Action.CREATE, None, item) for key, item in diff.add.items()]
    findings: list[Finding] = []
    for key, (was, will) in diff.change.items():
        judged = _judge(was, will, owners[key], adopt)
        if isinstance(judged, Finding):
            findings.append(judged)
        else:
            changes.append(Change(key, judged, was, will))
    gone = [Change(key, Action.DELETE, item, None) for key, item in diff.delete.items()]
    if gone and waits:
        findings.append(_left(state.account, gone, waits))
    else:
        changes += gone
    changes.sort(key=lambda change: change.key)
    findings += _others(wanted.values(), state)
    ours = [item for key, item in observed.items() if isinstance(owners[key], ownership.Ours)]
    tags = {item.spec.arn: item.meta.labels for item in ours if isinstance(item.spec, AssumableRole)}
    tags |= {item.spec.arn: item.labels for item in wanted.values() if isinstance(item.spec, AssumableRole)}
    return AccountPlan(state.account, tuple(changes), tuple(findings), len(wanted), tags)


def adoptable(state: AccountState) -> frozenset[str]:
    """Return the display keys of everything in an account that `--adopt` can name."""
    return frozenset(display_key(item.key) for item in (*state.roles, *state.policies))


def roles_of(items: Iterable[Desired | Observed]) -> dict[str, AssumableRole]:
    """Return the roles among some objects by ARN."""
    return {item.spec.arn: item.spec for item in items if isinstance(item.spec, AssumableRole)}


def after(state: AccountState, changes: Iterable[Change]) -> AccountState:
    """Return an account as it will be."""
    left = {item.key: item for item in (*state.roles, *state.policies)}
    for change in changes:
        left.pop(change.key, None)
        if change.after is not None:
            left[change.key] = Observed(change.key, change.after.spec)
    return replace(
        state,
        roles=tuple(item for item in left.values() if item.key.kind == "IamRole"),
        policies=tuple(item for item in left.values() if item.key.kind == "IamGroupPolicy"),
    )


def _owner(
    item: Observed, observed: Mapping[Key, Observed], wanted: Mapping[Key, Desired], instance: str
) -> ownership.Owner:
    """Judge a role by its tags, and a policy by its name and by what it says: IAM gives groups' policies no tags."""
    if isinstance(item.spec, AssumableRole):
        return ownership.owner_of(item.meta, instance)
    if isinstance(item.spec, GroupPolicy) and item.spec.name.startswith(names.group_policy_prefix(instance)):
        will = wanted.get(item.key)
        arns = [*roles_of(observed.values()), *roles_of(wanted.values())]
        if (
            isinstance(will, Desired)
            and isinstance(will.spec, GroupPolicy)
            and will.spec.document == item.spec.document
        ):
            return ownership.Ours()
        if any(only_assumes(item.spec.document, arn) for arn in arns) or _gone_role(item.spec):
            return ownership.Ours()
    return ownership.Unclaimed()


def _gone_role(policy: GroupPolicy) -> bool:
    """Say whether a policy does no more than ours for some role below our path, which need not be there any more."""
    try:
        found = json.loads(policy.document)["Statement"][0]["Resource"]
        arn = Arn.parse(str(found))
    except (ValueError, KeyError, IndexError, TypeError):
        return False
    return str(arn) == role_arn(arn.partition, arn.account, arn.name) and only_assumes(policy.document, str(arn))


def _equal(was: Observed, will: Desired) -> bool:
    tags = will.labels if isinstance(will.spec, AssumableRole) else {}
    return was.spec == will.spec and all(was.meta.labels.get(key) == value for key, value in tags.items())


def _judge(was: Observed, will: Desired, owner: ownership.Owner, adopt: Collection[str]) -> Action | Finding:
    shown = display_key(was.key)
    if isinstance(owner, ownership.Foreign):
        return _refusal(
            was.key,
            "OWN001",
            f"{shown} is kept by {owner.owner}; two writers would fight over it",
            "let that tool give it up first, or name our roles otherwise (identity.roleName)",
        )
    if isinstance(was.spec, AssumableRole) and isinstance(will.spec, AssumableRole) and was.spec.arn != will.spec.arn:
        return _refusal(
            was.key,
            "ROL001",
            f"{will.spec.arn} cannot be made: the account has {was.spec.arn}, and a name is there only once",
            "name our roles otherwise (identity.roleName), or rename that one",
        )
    if isinstance(owner, ownership.Ours):
        return Action.UPDATE
    if shown not in adopt:
        hint = f"look at it, then: --adopt '{shown}', or remove it by hand"
        return _refusal(was.key, "OWN002", f"{shown} is already there and is not ours", hint)
    return Action.ADOPT


def _refusal(key: Key, id_: str, message: str, hint: str) -> Finding:
    return Finding(id_, Level.ERROR, message, hint, object=display_key(key))


def _left(account: str, gone: Iterable[Change], waits: str) -> Finding:
    shown = ", ".join(display_key(change.key) for change in gone)
    return Finding("ROL004", Level.WARNING, f"in account {account} stays what no policy wants: {shown}; {waits}", "")


def _others(wanted: Iterable[Desired], state: AccountState) -> Iterator[Finding]:
    """Say who gets into our roles beside the groups: a trust on the account lets in whom the account's policies let."""
    wanted = tuple(wanted)
    roles = roles_of(wanted)
    if not roles:
        return
    if isinstance(state.users, Unreadable):
        yield Finding(
            "ROL003",
            Level.INFO,
            f"who else may assume the roles of {state.account} is not known: {state.users.reason}",
            "",
        )
        return
    specs = [*(item.spec for item in wanted), *(item.spec for item in state.policies)]
    ours = frozenset(f"{spec.group}/{spec.name}" for spec in specs if isinstance(spec, GroupPolicy))
    found: dict[tuple[str, May, tuple[str, ...]], list[str]] = {}
    for role in roles.values():
        for user, (may, by) in others_who_may(role, state.users, ours).items():
            found.setdefault((user, may, by), []).append(Arn.parse(role.arn).name)
    if not found:
        return
    lines = []
    for (user, may, by), names_ in sorted(found.items(), key=lambda item: item[0][0]):
        which = "all of them" if len(names_) == len(roles) else ", ".join(names_)
        perhaps = " perhaps" if may is May.PERHAPS else ""
        lines.append(f"{Arn.parse(user).name}{perhaps} ({which}, by {', '.join(by) or 'the trust itself'})")
    more = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    yield Finding(
        "ROL002",
        Level.INFO,
        f"beside their groups, others in account {state.account} may assume our roles: "
        f"{'; '.join(lines[:_SHOWN])}{more}",
        "a policy that allows sts:AssumeRole on every role lets in whoever has it; narrow it where that is not meant",
    )
