"""Who holds which role where: a list, a matrix of people and namespaces, and JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from iamrbac.access.held import Held
from iamrbac.plan.change import FailedCluster
from iamrbac.render.can import failure_json
from iamrbac.render.plain import printable
from iamrbac.render.rules import Line, because

Paint = Callable[[str, str], str]
EVERYWHERE = "(whole cluster)"
NOTHING = "  nothing"


def access_text(found: Mapping[str, Sequence[Held]], line: Line, paint: Paint) -> str:
    """Return a block for each cluster: a line for each principal and role, its namespaces together."""
    lines = []
    for cluster, holdings in found.items():
        lines.append(paint(printable(cluster), "bold"))
        together: dict[tuple[str, str], list[Held]] = defaultdict(list)
        for one in sorted(holdings):
            together[one.principal, one.role].append(one)
        width = max((len(printable(principal)) for principal, _ in together), default=0)
        for (principal, role), some in together.items():
            where = ", ".join(dict.fromkeys(one.namespace or EVERYWHERE for one in some))
            origins = tuple(dict.fromkeys(origin for one in some for origin in one.origins))
            said = printable(f"{role} in {where}{because(origins, line)}")
            lines.append(f"  {printable(principal).ljust(width)}  {said}")
        if not together:
            lines.append(NOTHING)
    return "\n".join(lines)


def matrix_text(found: Mapping[str, Sequence[Held]], paint: Paint) -> str:
    """Return a table for each cluster: a row for each principal, a column for each namespace, roles in the cells."""
    lines = []
    for cluster, holdings in found.items():
        lines.append(paint(printable(cluster), "bold"))
        cells: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for one in sorted(holdings):
            cells[one.principal][one.namespace or EVERYWHERE].append(one.role)
        columns = sorted({namespace for row in cells.values() for namespace in row})
        rows = [("", *columns)]
        for principal, row in cells.items():
            rows.append((principal, *(", ".join(dict.fromkeys(row.get(column, ()))) or "-" for column in columns)))
        shown = [[printable(cell) for cell in row] for row in rows] if cells else []
        widths = [max(len(row[column]) for row in shown) for column in range(len(columns) + 1)] if shown else []
        lines += [
            ("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
            for row in shown
        ] or [NOTHING]
    return "\n".join(lines)


def access_json(found: Mapping[str, Sequence[Held]], failures: Sequence[FailedCluster], line: Line) -> dict[str, Any]:
    """Return the same as `-o json` writes it."""
    return {
        "formatVersion": 1,
        "access": [
            {
                "cluster": cluster,
                "principal": one.principal,
                "namespace": one.namespace or None,
                "role": one.role,
                "group": one.group or None,
                "because": [line(origin) for origin in one.origins],
            }
            for cluster, holdings in found.items()
            for one in sorted(holdings)
        ],
        "failed": [failure_json(one) for one in failures],
    }
