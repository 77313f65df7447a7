"""The matrix of people, namespaces and roles of one cluster, equal rows and equal columns together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from iamrbac.report.grants import Holding, Profile
from iamrbac.report.model import ClusterPart, Report, Row


def rows(found: Iterable[Profile]) -> tuple[Row, ...]:
    """Return the rows, by people and namespaces: who holds the same in some places stands in one row."""
    together: dict[tuple[tuple[str, ...], tuple[Holding, ...]], set[str]] = {}
    for profile in found:
        places: dict[tuple[Holding, ...], list[str]] = {}
        for namespace, holdings in profile.holdings.items():
            places.setdefault(holdings, []).append(namespace)
        for holdings, namespaces in places.items():
            together.setdefault((tuple(sorted(namespaces)), holdings), set()).update(profile.principals)
    made = (Row(tuple(sorted(people)), places, holdings) for (places, holdings), people in together.items())
    return tuple(sorted(made, key=lambda row: (row.principals, row.namespaces)))


@dataclass(frozen=True, slots=True)
class Cell:
    """One principal, cluster, namespace and role."""

    cluster: ClusterPart
    principal: str
    namespace: str
    holding: Holding


def cells(report: Report) -> Iterator[Cell]:
    """Yield the whole matrix, by cluster, principal, namespace, and the role's strength."""
    for cluster in report.clusters:
        found: dict[str, list[tuple[str, tuple[Holding, ...]]]] = {}
        for row in cluster.rows:
            for principal in row.principals:
                found.setdefault(principal, []).extend((namespace, row.holdings) for namespace in row.namespaces)
        for principal in sorted(found):
            for namespace, holdings in sorted(found[principal], key=lambda one: one[0]):
                for holding in holdings:
                    yield Cell(cluster, principal, namespace, holding)
