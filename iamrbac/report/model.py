"""A report: everything that an auditor is told, in one order that depends on nothing but the inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from iamrbac.findings.finding import Finding
from iamrbac.model.origin import Origin
from iamrbac.report.grants import Holding
from iamrbac.report.history import History
from iamrbac.report.standouts import Standout
from iamrbac.report.terms import Suspension, Temporary, WaiverTerm

Source: TypeAlias = Literal["policies", "clusters"]


@dataclass(frozen=True, slots=True)
class Row:
    """Some people who hold the same roles in some namespaces of a cluster."""

    principals: tuple[str, ...]
    namespaces: tuple[str, ...]
    """"" is the whole cluster; may have a star where an access policy has one."""
    holdings: tuple[Holding, ...]
    """Strongest first."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that the report does not know: never a blank."""

    about: str
    """A cluster, a member, Git, …"""
    why: str
    next: str = ""
    """The next step, where there is one."""


@dataclass(frozen=True, slots=True)
class ClusterPart:
    """What is known of one cluster."""

    name: str
    rows: tuple[Row, ...] = ()
    standouts: tuple[Standout, ...] = ()
    failure: Unknown | None = None
    """Why nothing is known of it, and nothing is absent there."""

    @property
    def principals(self) -> frozenset[str]:
        """Everybody who holds something there."""
        return frozenset(one for row in self.rows for one in row.principals)


@dataclass(frozen=True, slots=True)
class Waived:
    """A finding that a waiver accepts."""

    finding: Finding
    reason: str
    not_after: str


@dataclass(frozen=True, slots=True)
class Head:
    """What the report is about, and what it was made from."""

    instance: str
    at: datetime
    version: str
    source: Source
    people: str
    """Where it is known from who the people are, in words."""
    days: int
    """What ends within so many days is near its end."""


@dataclass(frozen=True, slots=True)
class Report:
    """All of it."""

    head: Head
    clusters: tuple[ClusterPart, ...] = ()
    """In the order of the config."""
    findings: tuple[Finding, ...] = ()
    """Lint's, of what the policies give; located."""
    waived: tuple[Waived, ...] = ()
    temporary: tuple[Temporary, ...] = ()
    """The next to end first; then what has ended."""
    waivers: tuple[WaiverTerm, ...] = ()
    suspended: tuple[Suspension, ...] = ()
    gates: Mapping[str, str] = field(default_factory=dict)
    """Name → what it refuses, in words. Gates judge a change, when it is reviewed; a report has none to judge."""
    judged: bool = True
    """Whether lint could ask its rules; without it, no finding means nothing."""
    history: History = field(default_factory=History)
    unknown: tuple[Unknown, ...] = ()

    def origins(self) -> Iterator[Origin]:
        """Yield every policy line that is told, some several times."""
        for cluster in self.clusters:
            for row in cluster.rows:
                for one in row.holdings:
                    yield from one.origins
        yield from (one.origin for one in self.temporary)
        yield from (one.origin for one in self.waivers)
        yield from (one.origin for one in self.suspended)

    @property
    def principals(self) -> tuple[str, ...]:
        """Everybody who holds something somewhere, sorted."""
        return tuple(sorted({one for cluster in self.clusters for one in cluster.principals}))
