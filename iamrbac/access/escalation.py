"""Whom somebody can become: a search in the graph of escalation, on effective rights.

The service accounts that are known offline are those that bindings name; which of them pods run as, and which have a
token kept as a secret, is not known, and the words say so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from iamrbac.access.guise import CLUSTER_ADMIN, WIDEST, Guise
from iamrbac.access.judge import Judge, Somebody
from iamrbac.access.powers import Held
from iamrbac.access.steps import KUBE_SYSTEM, Step, steps
from iamrbac.rbac.escalation import EVERYTHING
from iamrbac.rbac.objects import Rule, User
from iamrbac.rbac.subjects import MASTERS, SERVICE_ACCOUNT, subject_key

PATH = "IAM130"
"""The rule of lint for a way that leads through somebody else."""
FULL = "IAM001"
MASTER = "IAM072"
ACCOUNTS = "system:serviceaccounts"
Rules: TypeAlias = tuple[Rule, ...]
Scopes: TypeAlias = dict[str, list[Rules]]
"""Namespace, "" for the whole cluster → what holds there."""
Paths: TypeAlias = dict[Guise, tuple[str, ...]]


@dataclass(frozen=True, slots=True, order=True)
class Danger:
    """One way in which somebody can become more than what is granted, or is everything already.

    Two are the same whose paths differ: compare what somebody can become before and after with sets of these. None of
    them hides another, so that more rights never mean fewer dangers.
    """

    rule: str
    """The rule of lint that speaks of it: IAM031."""
    becomes: str
    """cluster-admin, a node, service account payments:deployer, any user, …"""
    ability: str
    """may create pods with any service account of payments"""
    namespace: str
    """Where that ability is held; "" is the whole cluster."""
    path: tuple[str, ...] = field(compare=False)
    """The steps, for people to read."""
    given: tuple[Rule, ...] = field(default=(), compare=False)
    """The rules that give the first step."""


def dangers(judge: Judge, somebody: Somebody) -> tuple[Danger, ...]:
    """Return every way in which somebody can become somebody else on a cluster, sorted.

    Counts what RBAC and EKS access policies give to the user and all its groups, system:authenticated too; not an
    access policy whose rules AWS does not document.
    """
    return _graph(judge).dangers(somebody)


def foremost(found: Iterable[Danger]) -> tuple[Danger, ...]:
    """Return the dangers without those that others imply, for people to read: who is cluster-admin is all the rest.

    In the order given. An ability that leads to cluster-admin through others is told as that alone.
    """
    found = tuple(found)
    total = [one for one in found if one.becomes == CLUSTER_ADMIN.text and one.rule in (FULL, MASTER)]
    if total:
        return tuple(total)
    leads = {(one.ability, one.namespace) for one in found if one.becomes == CLUSTER_ADMIN.text}
    return tuple(one for one in found if one.becomes == CLUSTER_ADMIN.text or (one.ability, one.namespace) not in leads)


def leads_on(judge: Judge, scopes: Scopes) -> bool:
    """Return whether rights, by namespace, can lead through somebody else at all: without it there is no such danger.

    Elsewhere no service account is known that could become anybody, so that whoever takes one has no way on. What
    everybody has who logs in is not counted.
    """
    return _graph(judge).leads_on(scopes)


@lru_cache(maxsize=8)
def _graph(judge: Judge) -> _Graph:
    """Keep what was found out about a few clusters: a difference asks about two at a time."""
    return _Graph(judge)


class _Graph:
    """One cluster's graph. Rights that are equal are looked at once, whoever has them and in whatever namespace."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._steps: dict[tuple[tuple[int, ...], tuple[int, ...], str | None], tuple[Step, ...]] = {}
        self._kept: dict[int, Rules] = {}
        self._reached: dict[Guise, Paths] = {}
        self._accounts: dict[str, set[str]] = {}
        self._users: set[str] = set()
        self._groups: set[str] = set()
        for binding in judge.world.rbac.bindings:
            for subject in binding.subjects:
                named = subject_key(subject, binding.namespace)
                if named is None:
                    continue
                if named.kind == "Group":
                    self._groups.add(named.name)
                elif named.name.startswith(SERVICE_ACCOUNT):
                    namespace, _, name = named.name.removeprefix(SERVICE_ACCOUNT).partition(":")
                    self._accounts.setdefault(namespace, set()).add(name)
                else:
                    self._users.add(named.name)

    def dangers(self, somebody: Somebody) -> tuple[Danger, ...]:
        """Return what `dangers` does."""
        found: dict[Danger, None] = {}
        if MASTERS in somebody.user.groups:
            found[Danger(MASTER, CLUSTER_ADMIN.text, f"is in {MASTERS}", "", (f"be in {MASTERS}",))] = None
        for namespace, step in self._taken(_scopes(self._judge, somebody)):
            found.update(dict.fromkeys(self._told(step, namespace)))
        return tuple(sorted(found))

    def leads_on(self, scopes: Scopes) -> bool:
        """Return what `leads_on` does."""
        if any(self._has_way_on(namespace) for namespace in scopes):
            return True
        return any(step.to.kind in ("everything-in", "role") for _, step in self._taken(scopes))

    def _has_way_on(self, namespace: str) -> bool:
        if namespace in ("", KUBE_SYSTEM) or namespace in self._accounts:
            return True
        groups = self._groups & {ACCOUNTS, f"{ACCOUNTS}:{namespace}"}
        return any(self._reach(Guise("group", "", group)) for group in groups)

    def _told(self, step: Step, namespace: str) -> Iterator[Danger]:
        """Yield a step as a danger, then where it leads to through others."""
        to = step.to.at(namespace)
        does = _words(step.does, namespace)
        yield _danger(step.rule, to, step, to, namespace, (does,))
        for through in self._through(to):
            begun: tuple[str, ...] = (does,)
            if through.kind == "account" != to.kind:
                begun = (does, through.text)
                yield _danger(step.rule, through, step, through, namespace, begun)
            for reached, path in self._reach(through).items():
                if reached.kind in WIDEST:
                    yield _danger(PATH, reached, step, through, namespace, (*begun, *path))

    def _through(self, to: Guise) -> Iterator[Guise]:
        """Yield the ways on from what a step leads to: of a namespace's service accounts, each that bindings name."""
        if to.kind != "any-account" or not to.namespace:
            yield to
            return
        yield to._replace(kind="unnamed-account")
        for name in sorted(self._accounts.get(to.namespace, ())):
            yield Guise("account", to.namespace, name)

    def _reach(self, start: Guise) -> Paths:
        """Return everything that can be become from here, with the shortest path to each."""
        known = self._reached.get(start)
        if known is not None:
            return known
        found: Paths = {start: ()}
        queue = deque([start])
        while queue:
            here = queue.popleft()
            for said, to in self._onward(here):
                if to not in found:
                    found[to] = (*found[here], said)
                    queue.append(to)
        del found[start]
        self._reached[start] = found
        return found

    def _onward(self, guise: Guise) -> Iterator[tuple[str, Guise]]:
        """Yield where one step leads to, with the step in words."""
        match guise.kind:
            case "account" if guise.namespace:
                groups = (ACCOUNTS, f"{ACCOUNTS}:{guise.namespace}")
                yield from self._as_user(User(f"{SERVICE_ACCOUNT}{guise.namespace}:{guise.name}", groups))
            case "account":
                yield from self._each(guise.namespace, "as {}", guise.name)
            case "any-account" | "unnamed-account":
                yield from self._all(guise.namespace)
                if guise.namespace in ("", KUBE_SYSTEM):
                    controller = f"{KUBE_SYSTEM}:clusterrole-aggregation-controller"
                    yield f"as {controller}, Kubernetes' own, which may write any right into a role", CLUSTER_ADMIN
                if guise.kind == "any-account":
                    yield from self._each(guise.namespace, "as {}")
            case "running":
                yield from self._all(guise.namespace)
                yield from self._each(guise.namespace, "where a pod runs as {}")
            case "stored":
                yield from self._all(guise.namespace)
                yield from self._each(guise.namespace, "where a token of {} is kept as a secret")
            case "user":
                yield from self._as_user(User(guise.name))
            case "any-user":
                yield from ((f"as user {name}", Guise("user", "", name)) for name in sorted(self._users))
            case "group":
                if guise.name == MASTERS:
                    yield "do everything", CLUSTER_ADMIN
                yield from self._as_user(User("", (guise.name,)))
            case "any-group":
                for name in sorted({*self._groups, MASTERS}):
                    yield f"as group {name}", Guise("group", "", name)
            case "everything-in" if guise.namespace:
                yield from self._by_rules({guise.namespace: [EVERYTHING]})
            case "everything-in":
                yield f"in {KUBE_SYSTEM} too", Guise("everything-in", KUBE_SYSTEM)
            case "role":
                yield from self._by_rules({guise.namespace: list(self._rules_of(guise.name))})
            case "cluster-admin" | "node" | "other":
                return

    def _all(self, namespace: str) -> Iterator[tuple[str, Guise]]:
        """Yield the groups that every service account has, named or not."""
        for group in (ACCOUNTS, f"{ACCOUNTS}:{namespace}"):
            if group in self._groups:
                yield f"as any of them, in {group}", Guise("group", "", group)

    def _each(self, namespace: str, words: str, called: str = "") -> Iterator[tuple[str, Guise]]:
        """Yield the service accounts that bindings name."""
        for place in (namespace,) if namespace else sorted(self._accounts):
            for name in sorted(self._accounts.get(place, ())):
                if called in ("", name):
                    account = Guise("account", place, name)
                    yield words.format(account.text), account

    def _as_user(self, user: User) -> Iterator[tuple[str, Guise]]:
        yield from self._by_rules(_scopes(self._judge, Somebody("", user)))

    def _by_rules(self, scopes: Scopes) -> Iterator[tuple[str, Guise]]:
        for namespace, step in self._taken(scopes):
            yield _words(step.does, namespace), step.to.at(namespace)

    def _rules_of(self, cluster_role: str) -> Iterator[Rules]:
        for role in self._judge.world.rbac.roles:
            if (role.kind, role.name) == ("ClusterRole", cluster_role):
                yield role.rules

    def _taken(self, scopes: Scopes) -> Iterator[tuple[str, Step]]:
        """Yield each step that somebody can take, with its namespace."""
        cluster = scopes.get("", [])
        for namespace, rules in scopes.items():
            for step in self._steps_of(cluster, [] if namespace == "" else rules, namespace):
                yield namespace, step

    def _steps_of(self, cluster: list[Rules], own: list[Rules], namespace: str) -> tuple[Step, ...]:
        place = None if not namespace else KUBE_SYSTEM if namespace == KUBE_SYSTEM else "-"
        key = (self._numbers(cluster), self._numbers(own), place)
        if key not in self._steps:
            self._steps[key] = _steps(tuple(cluster), tuple(own), place)
        return self._steps[key]

    def _numbers(self, several: Iterable[Rules]) -> tuple[int, ...]:
        """Return what tells rules apart: roles that render to the same text share them. They are kept, so ids are."""
        numbers = set()
        for rules in several:
            self._kept[id(rules)] = rules
            numbers.add(id(rules))
        return tuple(sorted(numbers))


@lru_cache(maxsize=4096)
def _steps(cluster: tuple[Rules, ...], own: tuple[Rules, ...], place: str | None) -> tuple[Step, ...]:
    """Return the steps that some rules allow; kept, since clusters are much alike."""
    held = Held((rule for rules in cluster for rule in rules), (rule for rules in own for rule in rules))
    return steps(held, place)


def _scopes(judge: Judge, somebody: Somebody) -> Scopes:
    scopes: Scopes = {"": []}
    for given in judge.given(somebody):
        if given.rules:
            scopes.setdefault(given.namespace, []).append(given.rules)
    return scopes


def _danger(rule: str, becomes: Guise, step: Step, whom: Guise, namespace: str, path: tuple[str, ...]) -> Danger:
    ability = _words(step.ability, namespace).replace("{whom}", whom.text)
    return Danger(rule, becomes.text, ability, namespace, path, step.given)


def _words(text: str, namespace: str) -> str:
    return text.replace("{here}", f" in {namespace}" if namespace else " in the whole cluster")
