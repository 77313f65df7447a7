"""Whom a grant makes somebody through others: the search of `access.escalation`, told at the line that begins it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from iamrbac.access.escalation import PATH, Danger, dangers, foremost, leads_on
from iamrbac.access.judge import Judge, Somebody
from iamrbac.findings.waivers import Judged
from iamrbac.lint.engine import said_of
from iamrbac.lint.matter import Grant, Rules
from iamrbac.lint.rule import WARNING
from iamrbac.lint.rules import BY_ID
from iamrbac.rbac.objects import User
from iamrbac.rbac.subjects import SERVICE_ACCOUNT, SubjectKey


def judge_paths(holders: Mapping[SubjectKey, Sequence[Grant]], judge: Judge) -> Iterator[Judged]:
    """Yield one finding for each set or subject and ability that leads to more through somebody else.

    What a member of several sets can become only by all of them is told as well.
    """
    for key, held in holders.items():
        if leads_on(judge, _scopes(held)):
            for danger in foremost(dangers(judge, _somebody(key))):
                if danger.rule == PATH:
                    yield from _told(danger, held, "")
    # Who is mapped is looked up only where somebody carries several groups.
    several = any(len(entry.groups) > 1 for entry in judge.world.entries)
    for one in judge.everybody() if several else ():
        keys = [SubjectKey("Group", group) for group in one.user.groups]
        if len(keys) > 1:
            singly = {danger for key in keys for danger in dangers(judge, _somebody(key))}
            held = [grant for key in keys for grant in holders.get(key, ())]
            for danger in foremost(dangers(judge, one)):
                if danger not in singly:
                    yield from _told(danger, held, f" ({one.principal}, by all its sets)")


def _told(danger: Danger, held: Sequence[Grant], whom: str) -> Iterator[Judged]:
    rule = BY_ID[danger.rule]
    says = f"{danger.ability}{whom}, and so become {danger.becomes}: {', then '.join(danger.path)}"
    own = danger.becomes == f"administrator of {danger.namespace}"
    given = set(danger.given)
    for grant in held:
        level = WARNING if own else rule.levels.of(grant.where.scope)
        if level and grant.namespace in ("", danger.namespace) and not given.isdisjoint(grant.rules or ()):
            yield from said_of(grant, rule, level, says)


def _scopes(held: Iterable[Grant]) -> dict[str, list[Rules]]:
    scopes: dict[str, list[Rules]] = {}
    for grant in held:
        if grant.rules is not None:
            scopes.setdefault(grant.namespace, []).append(grant.rules)
    return scopes


def _somebody(key: SubjectKey) -> Somebody:
    if key.kind == "Group":
        return Somebody("", User("", (key.name,)), "set")
    namespace = key.name.removeprefix(SERVICE_ACCOUNT).partition(":")[0] if key.name.startswith(SERVICE_ACCOUNT) else ""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}") if namespace else ()
    return Somebody("", User(key.name, groups))
