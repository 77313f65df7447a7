"""Too many losses: in all, on one cluster, of one team. Losses are counted as principal × cluster (design §4)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from iamrbac.access.refused import some_of
from iamrbac.access.world import people
from iamrbac.compile import names
from iamrbac.findings.finding import Finding, Level
from iamrbac.mapping.resolve import Mapped
from iamrbac.model.arn import comparable
from iamrbac.model.documents import MaxRemovals, RemovalLimit
from iamrbac.plan.change import Action, Change
from iamrbac.plan.stakes import Allowances, Leavers, Stakes, counted, excuses, groups_of
from iamrbac.rbac.covers import uncovered
from iamrbac.rbac.objects import Binding, Role, User
from iamrbac.rbac.subjects import SubjectKey, keys_of, subject_key

FRACTION_FROM = 10
"""Below this many principals a fraction says nothing (design §4: from ten on)."""


def removals(
    stakes: Sequence[Stakes], limit: MaxRemovals, leavers: Leavers, allowed: Allowances, managed: Mapping[str, int]
) -> Iterator[Finding]:
    """Yield a refusal for the total, for each cluster and for each team that loses more than its limit.

    `stakes` are all planned clusters, also those without a change, and `managed` counts their principals. What was
    allowed by number is the total, and lets each of its parts pass too.
    """
    lost = {stake.plan.name: counted(stake, leavers) for stake in stakes if stake.losers or stake.through}
    total = sum(map(len, lost.values()))
    if total <= allowed.removals:
        return
    hint = f"look at who loses what; if it is meant: --allow-removals {total}"
    most = over(total, limit, sum(managed.values()))
    if most:
        yield Finding(
            id="GRD001",
            level=Level.ERROR,
            message=f"{total} principals × clusters would lose access, more than guards.maxRemovals allows ({most})",
            hint=hint,
        )
    if limit.per_cluster is not None:
        yield from _on_one(lost, limit.per_cluster, managed, hint)
    if limit.per_team is not None:
        yield from _of_one(stakes, lost, limit.per_team, leavers, hint)


def _on_one(
    lost: Mapping[str, Collection[str]], limit: RemovalLimit, managed: Mapping[str, int], hint: str
) -> Iterator[Finding]:
    for cluster, who in lost.items():
        most = over(len(who), limit, managed.get(cluster, 0))
        if most:
            yield Finding(
                id="GRD006",
                level=Level.ERROR,
                message=(
                    f"{len(who)} principals would lose access on {cluster}, more than guards.maxRemovals.perCluster "
                    f"allows ({most}): {some_of(sorted(who))}"
                ),
                hint=hint,
                cluster=cluster,
            )


def _of_one(
    stakes: Sequence[Stakes], lost: Mapping[str, Collection[str]], limit: RemovalLimit, leavers: Leavers, hint: str
) -> Iterator[Finding]:
    losses: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for stake in stakes:
        for team, who in _by_team(stake, lost.get(stake.plan.name, ()), leavers).items():
            losses[team] += [(principal, stake.plan.name) for principal in who]
    if not losses:
        return
    totals = Counter(team for stake in stakes for groups in groups_of(stake.before).values() for team in _teams(groups))
    for team, pairs in sorted(losses.items()):
        most = over(len(pairs), limit, totals[team])
        if most:
            shown = [f"{principal} ({cluster})" for principal, cluster in sorted(pairs)]
            yield Finding(
                id="GRD007",
                level=Level.ERROR,
                message=(
                    f"{len(pairs)} principals × clusters of team {team} would lose access, more than "
                    f"guards.maxRemovals.perTeam allows ({most}): {some_of(shown)}"
                ),
                hint=hint,
                object=f"team {team}",
            )


def over(losses: int, limit: RemovalLimit, total: int) -> str:
    """Return how many a limit allows of a total, in words, where there are more; "" where it holds."""
    if losses > limit.count:
        return f"{limit.count}"
    if total >= FRACTION_FROM and losses > limit.fraction * total:
        return f"{limit.fraction:.0%} of {total}"
    return ""


def _by_team(stake: Stakes, losers: Collection[str], leavers: Leavers) -> Mapping[str, frozenset[str]]:
    """Return whom each team loses on a cluster: by leaving a set of it, or since the set gives less than it did.

    A loss that neither explains (EKS says of no access policy which set it is for) is one of every team that the
    principal was in.
    """
    if not losers:
        return {}
    found: dict[str, set[str]] = defaultdict(set)
    users: dict[str, set[str]] = defaultdict(set)
    for user, roles in stake.through.items():
        for role in roles if user in losers else ():
            users[role].add(user)
    less = tuple(_less(stake.plan.changes, stake.before.rbac.bindings))
    excused = excuses(stake, leavers)
    for person in people(stake.before):
        principal = comparable(person.principal)
        if principal in losers:
            left = _teams(stake.lost_groups.get(principal, frozenset()) - excused)
            mine = _keys(person)
            teams = left | {team for team, key in less if key in mine} or _teams(person.groups)
            for team in teams:
                found[team].add(principal)
        for team in _teams(person.groups) if principal in users else ():
            found[team] |= users[principal]
    return {team: frozenset(who) for team, who in found.items()}


def _keys(person: Mapped) -> frozenset[SubjectKey]:
    return frozenset(keys_of(User(person.username, person.groups)))


def _teams(groups: Iterable[str]) -> frozenset[str]:
    return frozenset(team for group in groups if (team := names.team_of(group)))


def _less(changes: Iterable[Change], bindings: Iterable[Binding]) -> Iterator[tuple[str, SubjectKey]]:
    """Yield the team and the subject of each binding that gives less than it did, or nothing any more."""
    thinner = {(change.key.kind, change.key.namespace, change.key.name) for change in changes if _thinner(change)}
    for binding in bindings:
        team = binding.labels.get(names.POLICY_LABEL, "")
        ref = binding.role_ref
        namespace = binding.namespace or "" if ref.kind == "Role" else ""
        if team and (ref.kind, namespace, ref.name) in thinner:
            yield from _subjects(team, binding)
    for change in changes:
        was = change.before.spec if change.before is not None else None
        if isinstance(was, Binding) and (team := was.labels.get(names.POLICY_LABEL, "")):
            will = change.after.spec if change.after is not None else None
            kept = set(_subjects(team, will)) if isinstance(will, Binding) and change.action is Action.UPDATE else set()
            yield from (pair for pair in _subjects(team, was) if pair not in kept)


def _thinner(change: Change) -> bool:
    """Say whether a role gives less after a change."""
    was = change.before.spec if change.before is not None else None
    will = change.after.spec if change.after is not None else None
    return isinstance(was, Role) and not (isinstance(will, Role) and not uncovered(will.rules, was.rules))


def _subjects(team: str, binding: Binding) -> Iterator[tuple[str, SubjectKey]]:
    for subject in binding.subjects:
        key = subject_key(subject, binding.namespace)
        if key is not None:
            yield team, key
