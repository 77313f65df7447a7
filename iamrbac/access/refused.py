"""What gates refuse, as findings: for waivers to weigh place by place, then for people with the places together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from iamrbac.access.gates import Kind, Refusal
from iamrbac.findings.finding import Finding, Level
from iamrbac.findings.waivers import Judged

IDS: Final[Mapping[Kind, str]] = {
    "gain": "GATE001",
    "danger": "GATE002",
    "cluster-wide": "GATE003",
    "too-long": "GATE004",
    "owner": "GATE005",
}
OF_GATES: Final = "gate/"
"""A waiver calls a gate so, with its name."""
_MOST: Final = 3
_MENDS: Final = {"reason": "say why with `reason:` on that line", "temporary": "make it a temporary grant"}


def judged(refusal: Refusal) -> Judged:
    """Return a refusal as waivers see it."""
    (finding,) = findings((refusal,))
    return Judged(OF_GATES + refusal.gate, finding, refusal.team, refusal.role, refusal.cluster, refusal.namespace)


def findings(refusals: Iterable[Refusal]) -> tuple[Finding, ...]:
    """Return an error for each policy line that is refused, with the number of those whom it is about, and where.

    Of a danger the ways to the same end, open to the same principals in the same places, are one.
    """
    together: dict[Refusal, list[Refusal]] = defaultdict(list)
    for refusal in refusals:
        together[replace(refusal, cluster="", namespace="")].append(refusal)
    alike: dict[tuple[Refusal, tuple[str, ...], str], list[Refusal]] = defaultdict(list)
    for one, some in together.items():
        alike[replace(one, by=""), _principals(some), _where(some)] += some
    return tuple(_finding(some) for some in alike.values())


def places(where: Iterable[tuple[str, str]]) -> str:
    """Return clusters and namespaces in words: `payments, search (staging, production)`."""
    namespaces: dict[str, dict[str, None]] = defaultdict(dict)
    for cluster, namespace in where:
        namespaces[cluster][namespace or "the whole cluster"] = None
    clusters: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for cluster, some in namespaces.items():
        clusters[tuple(some)].append(cluster)
    return "; ".join(f"{', '.join(some)} ({', '.join(on)})" for some, on in clusters.items())


def some_of(names: Sequence[str], most: int = _MOST) -> str:
    """Return names in words, few of many."""
    # One more would take as much room as its name.
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def _finding(some: Sequence[Refusal]) -> Finding:
    first = some[0]
    abilities = "; ".join(dict.fromkeys(refusal.by for refusal in some if refusal.by))
    clusters = {refusal.cluster for refusal in some}
    return Finding(
        IDS[first.kind],
        Level.ERROR,
        _message(first, _principals(some), _where(some), abilities),
        _hint(first),
        first.origin.file if first.origin is not None else None,
        first.origin.path if first.origin is not None else (),
        cluster=first.cluster if len(clusters) == 1 else None,
        object=OF_GATES + first.gate if first.gate else f"team {first.team}",
    )


def _principals(some: Iterable[Refusal]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for refusal in some for one in refusal.principals))


def _where(some: Iterable[Refusal]) -> str:
    return places((one.cluster, one.namespace) for one in some)


def _message(refusal: Refusal, principals: Sequence[str], where: str, abilities: str) -> str:
    many = len(principals) != 1
    who = f"{len(principals)} principals ({some_of(principals)})" if many else principals[0]
    gains = f"{who} gain{'' if many else 's'} {refusal.role or 'access'} in {where}"
    refuses = f"the gate {refusal.gate} refuses it"
    match refusal.kind:
        case "danger" if abilities:
            return f"{who} {refusal.said}, in {where}: {abilities}; {refuses}{_unless(refusal)}"
        case "owner":
            return f"{gains} from the team {refusal.team}, but {refusal.said}"
        case "gain" | "cluster-wide":
            return f"{gains}; {refuses}{_unless(refusal)}"
        case _:
            return (
                f"{gains}, which ends {refusal.said}; {refuses}"
                if refusal.kind == "too-long"
                else (f"{gains}; {refusal.said}; {refuses}{_unless(refusal)}")
            )


def _unless(refusal: Refusal) -> str:
    words = {"reason": "with a reason", "temporary": "for a time"}
    return f" unless it is given {' or '.join(words[one] for one in refusal.unless)}" if refusal.unless else ""


def _hint(refusal: Refusal) -> str:
    if refusal.kind == "owner":
        return f"first have a change merged by which `namespaces:` of iamrbac.yaml accepts {refusal.team}"
    mends = ["end it earlier"] if refusal.kind == "too-long" else [_MENDS[one] for one in refusal.unless]
    return ", or ".join([*mends, f"first have a waiver of gate/{refusal.gate} merged (waivers.yaml)"])
