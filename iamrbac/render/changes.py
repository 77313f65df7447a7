"""A change of access as every view of it tells it: the same stories, whoever has the same ones together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from iamrbac.access.effective import Delta, Effect, Giver, Way
from iamrbac.access.escalation import Danger
from iamrbac.access.gates import NewDanger
from iamrbac.access.refused import IDS, places, some_of
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Rule
from iamrbac.render.findings import count
from iamrbac.render.rules import Line, rule_text
from iamrbac.usecases.diff import Change
from iamrbac.usecases.review import Compared, Review

NO_TEAM = "(no team)"
_SHORT = 12
_EVERY = 1_000
_READING = frozenset({"get", "list", "watch"})
_WEIGHTY = frozenset(
    {
        *("*", "*/*", "secrets", "pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers"),
        *("serviceaccounts/token", "nodes/proxy", "certificatesigningrequests", "certificatesigningrequests/approval"),
        *("roles", "clusterroles", "rolebindings", "clusterrolebindings"),
        *("mutatingwebhookconfigurations", "validatingwebhookconfigurations", "persistentvolumes"),
        *("bind", "escalate", "impersonate"),
    }
)
"""Verbs and resources that Kubernetes' "RBAC good practices" warn of: a list begins with them."""


@dataclass(frozen=True, slots=True)
class Diff:
    """What there is to show."""

    review: Review
    compared: Compared
    gained: Line
    """Where a policy line stands in the head."""
    lost: Line
    """Where it stood in the base."""


@dataclass(frozen=True, slots=True)
class Story:
    """What some principals gain or lose alike, on some clusters in some namespaces."""

    change: Way
    principals: tuple[str, ...]
    said: str
    """What happens to them."""
    lines: tuple[str, ...]
    """The policy lines, FILE:LINE."""
    rules: tuple[str, ...]
    """What it is in detail."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many principals gain and how many lose something; one may do both."""

    gain: int
    lose: int

    def __str__(self) -> str:
        parts = [
            *([f"{self.gain} {'gain' if self.gain != 1 else 'gains'}"] if self.gain else ()),
            *([f"{self.lose} {'lose' if self.lose != 1 else 'loses'}"] if self.lose else ()),
        ]
        return ", ".join(parts)


def origins(change: Change, way: Way) -> Iterator[Origin]:
    """Yield the policy lines that are told of."""
    for delta in change.deltas:
        for effect in delta.effects:
            if effect.change == way:
                for giver in effect.givers:
                    yield from giver.origins


def counts(deltas: Iterable[Delta]) -> Counts:
    """Return how many principals gain and how many lose."""
    gain: set[str] = set()
    lose: set[str] = set()
    for delta in deltas:
        ways = {delta.login, *(effect.change for effect in delta.effects)}
        gain |= {delta.principal} if "gain" in ways else set()
        lose |= {delta.principal} if "lose" in ways else set()
    return Counts(len(gain), len(lose))


def by_cluster(diff: Diff) -> dict[str, Counts]:
    """Return the numbers for each cluster where something changes, in the config's order."""
    found: dict[str, list[Delta]] = defaultdict(list)
    for delta in diff.review.change.deltas:
        found[delta.cluster].append(delta)
    return {name: counts(found[name]) for name in diff.review.change.clusters if name in found}


def headline(diff: Diff) -> str:
    """Return the whole change in one line."""
    changed = by_cluster(diff)
    clusters = count(len(diff.review.change.clusters), "cluster")
    if not changed:
        return f"No access changes on {clusters}"
    number, word, rest = str(counts(diff.review.change.deltas)).partition(" ")
    principals = "principal" if number == "1" else "principals"
    return f"Access changes: {number} {principals}{word}{rest}, on {len(changed)} of {clusters}"


def between(diff: Diff) -> str:
    """Return what was compared, and by whose gates it was judged."""
    one = diff.compared
    head = f"{one.head} ({one.commit[:_SHORT]})" if one.head is not None else "the work tree"
    if one.start == one.tip:
        return f"{one.base} ({one.tip[:_SHORT]}) and {head}"
    return f"{one.base} where it was left ({one.start[:_SHORT]}; now {one.tip[:_SHORT]}) and {head}"


def stories(diff: Diff) -> dict[str, tuple[Story, ...]]:
    """Return what happens by team, gains first. What two teams give together is told at both."""
    teams: dict[str, list[Story]] = defaultdict(list)
    for effect, principals, clusters in _together(diff.review.change.deltas):
        story = _story(diff, effect, principals, clusters)
        for team in sorted({giver.team for giver in effect.givers} or {""}):
            teams[team].append(story)
    for way in ("gain", "lose"):
        found: dict[str, list[str]] = defaultdict(list)
        for delta in diff.review.change.deltas:
            if delta.login == way and not delta.effects:
                found[delta.principal].append(delta.cluster)
        for principal, on in found.items():
            said = "may log in, and do no more than everybody who may" if way == "gain" else "may no longer log in"
            teams[""].append(
                Story("gain" if way == "gain" else "lose", (principal,), f"{said} ({', '.join(on)})", (), ())
            )
    return {
        team or NO_TEAM: tuple(sorted(teams[team], key=lambda story: (story.change, story.principals)))
        for team in sorted(teams)
    }


def danger_texts(diff: Diff) -> tuple[str, ...]:
    """Return the new dangers: what the same principals can become on the same clusters, with every way to it."""
    clusters: dict[tuple[Danger, str], list[NewDanger]] = defaultdict(list)
    for new in diff.review.change.dangers:
        clusters[new.danger, new.principal].append(new)
    together: dict[tuple[Danger, tuple[str, ...]], list[NewDanger]] = defaultdict(list)
    for (danger, _), some in clusters.items():
        together[danger, tuple(new.cluster for new in some)].append(some[0])
    ends: dict[tuple[tuple[str, ...], str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (danger, on), some in together.items():
        ends[tuple(new.principal for new in some), danger.becomes, on].append(_way(danger))
    return tuple(
        f"{some_of(who)} can now become {becomes} on {', '.join(on)}: {'; '.join(ways)}"
        for (who, becomes, on), ways in ends.items()
    )


def _way(danger: Danger) -> str:
    way = f", by this way: {' → '.join(danger.path)}" if len(danger.path) > 1 else ""
    return f"{danger.ability} ({danger.rule}){way}"


def verdict(diff: Diff) -> str:
    """Return what the base's gates say, in one line."""
    review = diff.review
    accepted = sum(len(one.findings) for one in review.accepted)
    waived = f"; {accepted} accepted by waivers" if accepted else ""
    if review.refusals:
        owners = sum(one.id == IDS["owner"] for one in review.refusals)
        by = [
            *(["by gates"] if len(review.refusals) > owners else []),
            *(["by owners of namespaces"] if owners else []),
        ]
        lines = {(one.file, one.line) for one in review.refusals}
        return f"Refused: {count(len(lines), 'line')} of the policies, {' and '.join(by)} of the base{waived}"
    gates = count(review.gates, "gate") if review.gates else "no gates"
    return f"Nothing is refused; the base has {gates}{waived}"


def time_text(time: datetime) -> str:
    """Return a time as policies write it."""
    return time.isoformat().replace("+00:00", "Z")


def _together(deltas: Iterable[Delta]) -> Iterator[tuple[Effect, tuple[str, ...], tuple[str, ...]]]:
    """Yield each effect with everybody who has it on the same clusters, in the order of these."""
    clusters: dict[tuple[Effect, str], list[str]] = defaultdict(list)
    for delta in deltas:
        for effect in delta.effects:
            clusters[effect, delta.principal].append(delta.cluster)
    principals: dict[tuple[Effect, tuple[str, ...]], list[str]] = defaultdict(list)
    for (effect, principal), on in clusters.items():
        principals[effect, tuple(on)].append(principal)
    for (effect, on_all), who in principals.items():
        yield effect, tuple(sorted(who)), on_all


def _story(diff: Diff, effect: Effect, principals: tuple[str, ...], clusters: Sequence[str]) -> Story:
    many = len(principals) > 1
    verb = f"{effect.change}{'' if many else 's'}"
    where = places((cluster, namespace) for cluster in clusters for namespace in effect.namespaces)
    line = diff.gained if effect.change == "gain" else diff.lost
    lines = dict.fromkeys(line(origin) for giver in effect.givers for origin in giver.origins)
    unknown = [f"what {role} gives is not known here" for role in effect.unknown]
    return Story(
        effect.change,
        principals,
        f"{verb} {_roles(effect.givers)} in {where}{_when(effect)}{_elsewhere(effect)}",
        tuple(lines),
        (*unknown, *(rule_text(rule, most=_EVERY) for rule in sorted(effect.rules, key=_weight))),
    )


def _weight(rule: Rule) -> tuple[bool, bool]:
    """Return what sorts the rules first that matter most: those of warnings, then those that change something."""
    said = {*rule.verbs, *rule.resources, *rule.non_resource_urls}
    return _WEIGHTY.isdisjoint(said), _READING.issuperset(rule.verbs)


def _roles(givers: Iterable[Giver]) -> str:
    # Of a role that gives only a part of it, or gave the rest already, that is not the whole truth.
    return ", ".join(dict.fromkeys(giver.role if giver.whole else f"a part of {giver.role}" for giver in givers))


def _when(effect: Effect) -> str:
    starts = f" from {time_text(effect.starts)} on" if effect.starts is not None else ""
    if effect.until is None:
        return starts
    until = time_text(effect.until)
    return f"{starts} until {until}" if effect.change == "gain" else f"{starts}, which would have ended at {until}"


def _elsewhere(effect: Effect) -> str:
    if not effect.elsewhere:
        return ""
    said = "had it before in" if effect.change == "gain" else "still with it in"
    return f"; {said} {some_of(effect.elsewhere)}"
