"""Gates: which changes of access the config refuses, line by line, by the rules that stood before the change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, TypeAlias

from iamrbac.access.effective import Delta, Effect, Giver
from iamrbac.access.escalation import Danger
from iamrbac.compile.check.owners import Owners
from iamrbac.model.config import Cluster
from iamrbac.model.gates import Gate
from iamrbac.model.origin import Origin
from iamrbac.model.selection import consents, matches, selects

Kind: TypeAlias = Literal["gain", "danger", "cluster-wide", "too-long", "owner"]
_DAY = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class NewDanger:
    """What somebody can become on a cluster and could not before."""

    cluster: str
    principal: str
    danger: Danger
    givers: tuple[Giver, ...]
    """What gives somebody more where the ability is; () where another's gain opens the way."""


@dataclass(frozen=True, slots=True)
class Rules:
    """By what a change is judged: the base's gates and owners."""

    gates: Sequence[Gate]
    owners: Owners
    clusters: Mapping[str, tuple[Cluster, ...]]
    """A cluster of the head → what gates may know it as: the base's, and the head's. One that selects it is enough."""
    has_reason: Callable[[Origin], bool]
    """Whether a policy line of the head says why."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """One policy line that a gate refuses, on one cluster in one namespace."""

    gate: str
    """"" for the owner of a namespace, who needs no gate."""
    kind: Kind
    unless: tuple[str, ...]
    """What would have made it acceptable."""
    team: str
    role: str
    cluster: str
    namespace: str
    """"" is the whole cluster."""
    origin: Origin | None
    """None where no policy line gives it."""
    said: str = ""
    """What somebody can become, who owns the namespace, or how long is too long."""
    by: str = ""
    """The ability by which somebody can become it."""
    principals: tuple[str, ...] = field(default=(), compare=False)


def refusals(rules: Rules, deltas: Iterable[Delta], dangers: Iterable[NewDanger] = ()) -> tuple[Refusal, ...]:
    """Return what the gates refuse, each line once for a cluster and a namespace, with everybody whom it is about."""
    found: dict[Refusal, dict[str, None]] = defaultdict(dict)
    for delta in deltas:
        gates = [gate for gate in rules.gates if _is_about(gate, rules.clusters[delta.cluster])]
        for refusal in (*_of_delta(rules, gates, delta), *_of_owners(rules, delta)):
            found[refusal][delta.principal] = None
    for one in dangers:
        for gate in rules.gates:
            if gate.refuse == "danger" and _is_about(gate, rules.clusters[one.cluster]):
                for refusal in _of_danger(rules, gate, one):
                    found[refusal][one.principal] = None
    return tuple(replace(refusal, principals=tuple(principals)) for refusal, principals in found.items())


def _is_about(gate: Gate, clusters: Iterable[Cluster]) -> bool:
    return gate.clusters is None or any(selects(gate.clusters, cluster) for cluster in clusters)


def _reaches(gate: Gate, namespace: str) -> bool:
    """Say whether a gate is about a place. What holds in the whole cluster holds in each of its namespaces."""
    return gate.namespaces is None or not namespace or any(matches(one, namespace) for one in gate.namespaces)


def _of_delta(rules: Rules, gates: Sequence[Gate], delta: Delta) -> Iterator[Refusal]:
    gains = [effect for effect in delta.effects if effect.change == "gain"]
    for gate in gates:
        for effect in gains:
            for namespace in effect.namespaces:
                if _reaches(gate, namespace):
                    yield from _of_gain(rules, gate, delta.cluster, namespace, effect)
        if gate.refuse == "gain" and gate.namespaces is None and delta.login == "gain" and not gains:
            yield Refusal(gate.name, "gain", tuple(gate.unless or ()), "", "", delta.cluster, "", None)


def _of_gain(rules: Rules, gate: Gate, cluster: str, namespace: str, effect: Effect) -> Iterator[Refusal]:
    if gate.max_days is not None:
        most = gate.max_days
        for giver in effect.givers:
            if giver.ends is not None and (giver.ends - rules.at).total_seconds() > most * _DAY:
                days = (giver.ends - rules.at).total_seconds() / _DAY
                said = f"{days:.1f} days from now, and {most} are the most"
                yield from (one for one, _ in _each(gate, "too-long", (giver,), cluster, namespace, said))
    elif gate.refuse == "danger":
        unknown = tuple(giver for giver in effect.givers if giver.role in effect.unknown)
        said = "what it gives is not known here, so it may be dangerous"
        if unknown:
            yield from _unacceptable(rules, gate, "danger", unknown, cluster, namespace, said)
    elif gate.refuse == "gain" or (gate.refuse == "cluster-wide" and not namespace):
        yield from _unacceptable(rules, gate, gate.refuse, effect.givers, cluster, namespace)


def _of_danger(rules: Rules, gate: Gate, new: NewDanger) -> Iterator[Refusal]:
    if _reaches(gate, new.danger.namespace):
        said, by = f"can now become {new.danger.becomes}", f"{new.danger.ability} ({new.danger.rule})"
        for refusal in _unacceptable(rules, gate, "danger", new.givers, new.cluster, new.danger.namespace, said):
            yield replace(refusal, by=by)


def _of_owners(rules: Rules, delta: Delta) -> Iterator[Refusal]:
    for effect in delta.effects:
        for namespace in effect.namespaces if effect.change == "gain" else ():
            rule = rules.owners.of_name(namespace) if namespace else None
            for giver in effect.givers:
                if rule is not None and giver.team and not consents(rule, giver.team):
                    for origin in giver.origins or (None,):
                        said = f"{rule.owner} owns it and does not accept {giver.team}"
                        yield Refusal("", "owner", (), giver.team, giver.role, delta.cluster, namespace, origin, said)


def _unacceptable(
    rules: Rules, gate: Gate, kind: Kind, givers: Iterable[Giver], cluster: str, namespace: str, said: str = ""
) -> Iterator[Refusal]:
    unless = gate.unless or ()
    for refusal, giver in _each(gate, kind, tuple(givers), cluster, namespace, said):
        reasoned = "reason" in unless and refusal.origin is not None and rules.has_reason(refusal.origin)
        temporary = "temporary" in unless and giver is not None and giver.ends is not None
        if not (reasoned or temporary):
            yield refusal


def _each(
    gate: Gate, kind: Kind, givers: tuple[Giver, ...], cluster: str, namespace: str, said: str
) -> Iterator[tuple[Refusal, Giver | None]]:
    unless = tuple(gate.unless or ())
    for giver in givers:
        for origin in giver.origins or (None,):
            yield Refusal(gate.name, kind, unless, giver.team, giver.role, cluster, namespace, origin, said), giver
    if not givers:
        yield Refusal(gate.name, kind, unless, "", "", cluster, namespace, None, said), None
