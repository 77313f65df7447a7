"""Whom a grant makes somebody through others: the search of `access.escalation`, told at the line that begins it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from iamrbac.access.escalation import PATH, Danger, dangers, foremost, leads_on
from iamrbac.access.judge import Judge, Somebody
from iamrbac.findings.waivers import Judged
from iamrbac.lint.engine import said_of
from iamrbac.lint.matter import Grant
from iamrbac.lint.rule import ERROR, WARNING
from iamrbac.lint.rules import BY_ID
from iamrbac.rbac.objects import User
from iamrbac.rbac.subjects import SERVICE_ACCOUNT, SubjectKey


def judge_paths(holders: Mapping[SubjectKey, Sequence[Grant]], judge: Judge) -> Iterator[Judged]:
    """Yield one finding for each set or subject and ability that leads to more through somebody else.

    What a member of several sets can become only by all of them is told as well.
    """
    known: dict[str, frozenset[Danger]] = {}
    for key, held in holders.items():
        if not any(leads_on(judge, grant.namespace) for grant in held):
            continue
        found = dangers(judge, _somebody(key))
        known[key.name] = frozenset(found)
        for danger in foremost(found):
            if danger.rule == PATH:
                yield from _told(danger, held, "")
    for one in judge.everybody() if known else ():
        if len(one.user.groups) > 1 and any(group in known for group in one.user.groups):
            alone = frozenset[Danger]().union(*(known.get(group, frozenset()) for group in one.user.groups))
            held = [grant for name in one.user.groups for grant in holders.get(SubjectKey("Group", name), ())]
            for danger in foremost(dangers(judge, one)):
                if danger not in alone:
                    yield from _told(danger, held, f" ({one.principal}, by all its sets)")


def _told(danger: Danger, held: Sequence[Grant], whom: str) -> Iterator[Judged]:
    rule = BY_ID[danger.rule]
    says = f"{danger.ability}{whom}, and so become {danger.becomes}: {', then '.join(danger.path)}"
    own = danger.becomes == f"administrator of {danger.namespace}"
    given = set(danger.given)
    for grant in held:
        if grant.namespace in ("", danger.namespace) and not given.isdisjoint(grant.rules or ()):
            yield from said_of(grant, rule, WARNING if own else ERROR, says)


def _somebody(key: SubjectKey) -> Somebody:
    if key.kind == "Group":
        return Somebody("", User("", (key.name,)), "set")
    namespace = key.name.removeprefix(SERVICE_ACCOUNT).partition(":")[0] if key.name.startswith(SERVICE_ACCOUNT) else ""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}") if namespace else ()
    return Somebody("", User(key.name, groups))
