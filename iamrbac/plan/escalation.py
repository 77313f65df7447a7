"""Grants above the caller's own rights: Kubernetes refuses them half-way through an apply, so it is said before.

Source: Kubernetes' pkg/registry/rbac (see `rbac.escalation`). Rules that EKS access policies give do not count as held,
since the check looks at RBAC alone; but the verbs `bind` and `escalate` count whoever gives them
(kubernetes#39383, aws/containers-roadmap#2682).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from iamrbac.access.judge import Judge, Somebody, first_rule
from iamrbac.access.refused import some_of
from iamrbac.access.world import World
from iamrbac.findings.finding import Finding, Level
from iamrbac.mapping.resolve import resolve
from iamrbac.model.arn import comparable
from iamrbac.plan.change import Action, Change, ClusterPlan
from iamrbac.rbac.covers import uncovered
from iamrbac.rbac.escalation import (
    RBAC_GROUP,
    MissingRoleError,
    RoleKey,
    may_write_binding,
    may_write_role,
)
from iamrbac.rbac.objects import Binding, Request, Role, Rule, User
from iamrbac.rbac.subjects import MASTERS, with_authenticated

ABOVE = "GRD005"
_TEMPLATE = "{{"
_UPDATES = frozenset({Action.UPDATE, Action.ADOPT})


def escalations(plan: ClusterPlan, world: World, caller: str | None) -> tuple[Finding, ...]:
    """Return an error where the API server would refuse the caller roles or bindings of a plan, with the rules missing.

    It is a warning where the caller may write none of these at all, and so is not the one who applies.
    `world` is the cluster as it is and `caller` the ARN that writes to it. () where something else writes (Git), and
    where it is not known what the caller may do: nothing that we see maps it (a cluster's creator of old is mapped
    nowhere, and mapAccounts maps it with everybody else), or AWS does not document an access policy that it has.
    """
    writes = tuple(_writes(plan.changes))
    if caller is None or plan.git is not None or plan.state.partial or not writes:
        return ()
    known = _known(world, caller)
    if known is None:
        return ()
    judge, me = known
    lacking = {change.key: rules for change, rules in _lacking(judge, me, writes) if rules}
    if not lacking:
        return ()
    places: dict[str, tuple[Rule, ...]] = defaultdict(tuple)
    for key, rules in lacking.items():
        places[key.namespace] += rules
    rules_ = [f"{_words(rule)}{_where(place)}" for place, some in places.items() for rule in uncovered((), some)]
    who = comparable(caller)
    many = f"{len(lacking)} of {len(writes)} roles and bindings to write on {plan.name}"
    if any(_may_write(judge, me, change, spec) for change, spec in writes):
        level = Level.ERROR
        message = f"Kubernetes would refuse {many}: they give what {who} does not hold there, {some_of(rules_)}"
    else:
        # A plan is often made by somebody who may only read, for somebody else to apply.
        level = Level.WARNING
        message = f"{who} may not write {many}, and whoever applies must hold what they give: {some_of(rules_)}"
    hint = "apply as somebody who holds that, or who may `escalate` these roles and `bind` them"
    return (Finding(id=ABOVE, level=level, message=message, hint=hint, cluster=plan.name, object=who),)


def _may_write(judge: Judge, me: Somebody, change: Change, spec: Role | Binding) -> bool:
    verb = "update" if change.action in _UPDATES else "create"
    resource = f"{spec.kind.lower()}s"
    request = Request(verb, resource, RBAC_GROUP, namespace=spec.namespace or "", name=spec.name)
    return next(judge.chains(me, request), None) is not None


def _writes(changes: Iterable[Change]) -> Iterator[tuple[Change, Role | Binding]]:
    for change in changes:
        if change.after is not None and isinstance(change.after.spec, Role | Binding):
            yield change, change.after.spec


def _known(world: World, caller: str) -> tuple[Judge, Somebody] | None:
    """Return who the caller is on a cluster, and its judge; None where nobody needs to ask, or nothing is known."""
    mapped = resolve(caller, world.entries, world.reading)
    if mapped is None or mapped.source == "account" or MASTERS in mapped.groups:
        return None
    if any(_TEMPLATE in text for text in (mapped.username, *mapped.groups)):
        return None
    judge = Judge(world)
    me = judge.somebody(caller)
    if me is None or any(judge.policy_rules(one) is None for one in judge.associations(me)):
        return None
    return judge, me


def _lacking(
    judge: Judge, me: Somebody, writes: Iterable[tuple[Change, Role | Binding]]
) -> Iterator[tuple[Change, tuple[Rule, ...]]]:
    writes = tuple(writes)
    user = with_authenticated(me.user)
    roles: dict[RoleKey, Role] = {(one.kind, one.namespace, one.name): one for one in judge.world.rbac.roles}
    # Roles are written before what binds them.
    roles |= {(spec.kind, spec.namespace, spec.name): spec for _, spec in writes if isinstance(spec, Role)}

    def by_policy(_: User, request: Request) -> bool:
        given = (judge.policy_rules(one) or () for one in judge.reaching(me, request.namespace))
        return any(first_rule(rules, request) is not None for rules in given)

    for change, spec in writes:
        if isinstance(spec, Role):
            old = change.before.spec if change.before is not None and change.action in _UPDATES else None
            known = old if isinstance(old, Role) else None
            yield change, may_write_role(judge.authorizer, user, spec, old=known, others=by_policy)
        else:
            yield change, _for_binding(judge, user, spec, roles, by_policy)


def _for_binding(
    judge: Judge, user: User, binding: Binding, roles: Mapping[RoleKey, Role], others: Callable[[User, Request], bool]
) -> tuple[Rule, ...]:
    try:
        return may_write_binding(judge.authorizer, user, binding, roles, others=others)
    except MissingRoleError:
        resource = "clusterroles" if binding.role_ref.kind == "ClusterRole" else "roles"
        return (Rule(("bind",), (RBAC_GROUP,), (resource,), (binding.role_ref.name,)),)


def _where(namespace: str) -> str:
    return f" in {namespace}" if namespace else " in the whole cluster"


def _words(rule: Rule) -> str:
    """Return a rule in words: `get, list on pods, pods/log (apps) named a`."""
    verbs = some_of(rule.verbs)
    if rule.non_resource_urls:
        return f"{verbs} on {some_of(rule.non_resource_urls)}"
    groups = [group for group in rule.api_groups if group]
    shown = f" ({some_of(groups)})" if groups else ""
    named = f" named {some_of(rule.resource_names)}" if rule.resource_names else ""
    return f"{verbs} on {some_of(rule.resources)}{shown}{named}"
