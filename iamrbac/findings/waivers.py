"""Findings that are accepted for a while: which waiver takes which finding, and what is wrong with the waivers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from iamrbac.findings.finding import Finding, Level
from iamrbac.model.config import Cluster
from iamrbac.model.selection import matches, selects
from iamrbac.model.waivers import Waiver, WaiverScope

EXPIRED: Final = "WVR001"
UNUSED: Final = "WVR002"


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding with what it is about; "" where that means nothing to it. `namespace` "" is the whole cluster."""

    rule: str
    """A rule of lint, or gate/NAME."""
    finding: Finding
    team: str = ""
    role: str = ""
    cluster: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Waived:
    """A finding that a waiver takes."""

    judged: Judged
    waiver: Waiver


@dataclass(frozen=True, slots=True)
class Weighed:
    """Findings that count, findings that are waived, and findings about the waivers."""

    kept: tuple[Judged, ...]
    waived: tuple[Waived, ...]
    findings: tuple[Finding, ...]
    """An expired waiver and one that nothing needs are worth a warning each."""


def weigh(
    judged: Sequence[Judged],
    waivers: Iterable[tuple[str, int, Waiver]],
    clusters: Mapping[str, Cluster],
    at: datetime,
) -> Weighed:
    """Return what is left of the findings after the waivers, by the clock `at` (with an offset).

    `waivers` are those for the rules that were judged, each with its file and its index there: of others nobody can
    say whether they are needed.
    """
    found = list(waivers)
    live = [one for one in found if not _over(one[2], at)]
    kept: list[Judged] = []
    waived: list[Waived] = []
    used: set[tuple[str, int]] = set()
    for one in judged:
        takers = [waiver for waiver in live if _takes(waiver[2], one, clusters)]
        used.update((file, index) for file, index, _ in takers)
        if takers:
            waived.append(Waived(one, takers[0][2]))
        else:
            kept.append(one)
    problems = [
        *(_expired(*one) for one in found if _over(one[2], at)),
        *(_unused(file, index, waiver) for file, index, waiver in live if (file, index) not in used),
    ]
    return Weighed(tuple(kept), tuple(waived), tuple(problems))


def _over(waiver: Waiver, at: datetime) -> bool:
    return datetime.fromisoformat(waiver.not_after) <= at


def _takes(waiver: Waiver, judged: Judged, clusters: Mapping[str, Cluster]) -> bool:
    return waiver.rule == judged.rule and _covers(waiver.scope, judged, clusters.get(judged.cluster))


def _covers(scope: WaiverScope, judged: Judged, cluster: Cluster | None) -> bool:
    return (
        (scope.team is None or scope.team == judged.team)
        and (scope.role is None or scope.role == judged.role)
        and (scope.clusters is None or (cluster is not None and selects(scope.clusters, cluster)))
        and (
            scope.namespaces is None
            or (bool(judged.namespace) and any(matches(one, judged.namespace) for one in scope.namespaces))
        )
    )


def _expired(file: str, index: int, waiver: Waiver) -> Finding:
    message = f"the waiver of {waiver.rule} ended at {waiver.not_after} and waives nothing any more"
    hint = "mend what it waived and remove it, or have a new notAfter reviewed"
    return Finding(EXPIRED, Level.WARNING, message, hint, file, ("waivers", index, "notAfter"))


def _unused(file: str, index: int, waiver: Waiver) -> Finding:
    message = f"the waiver of {waiver.rule} waives nothing"
    return Finding(UNUSED, Level.WARNING, message, "remove it, or correct its scope", file, ("waivers", index, "rule"))
