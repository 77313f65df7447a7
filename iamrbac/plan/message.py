"""What a commit or a pull request says of a plan: who gains and who loses what, and which policies say so. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from iamrbac.access.delta import AccessChange
from iamrbac.access.principals import Names
from iamrbac.plan.change import ClusterPlan

_MOST_LINES: Final = 200
"""A commit message is read, and a pull request's body has a limit (GitHub: 65,536 characters)."""
_ESCAPED: Final = str.maketrans({character: f"\\{character}" for character in "\\`*_<>[]#|~@"})


def subject(clusters: Sequence[ClusterPlan], about: str = "Access") -> str:
    """Return the first line: `Access: 2 gain, 1 loses (production, staging)`."""
    names = ", ".join(sorted(cluster.name for cluster in clusters))
    gainers, losers = (
        len({one.principal for cluster in clusters for one in cluster.access if one.change == change})
        for change in ("gain", "lose")
    )
    said = [
        f"{number} {one if number == 1 else more}"
        for number, one, more in ((gainers, "gains", "gain"), (losers, "loses", "lose"))
        if number
    ]
    return f"{about}: {', '.join(said) or 'nobody gains or loses'} ({names})"


def lines(clusters: Iterable[ClusterPlan]) -> tuple[str, ...]:
    """Return one line for each person, role and cluster; its namespaces together."""
    changes = [change for cluster in clusters for change in cluster.access]
    names = Names(change.principal for change in changes)
    grouped: dict[tuple[str, str, str, str], list[AccessChange]] = defaultdict(list)
    for change in changes:
        verb = "gains" if change.change == "gain" else "loses"
        part = "rules of " if change.rules else ""
        grouped[names.short(change.principal), verb, part + change.role, change.cluster].append(change)
    found = [
        f"{who} {verb} {role} in {_where(some)} ({cluster})"
        for (who, verb, role, cluster), some in sorted(grouped.items(), key=lambda item: item[0])
    ]
    if len(found) > _MOST_LINES:
        return (*found[:_MOST_LINES], f"and {len(found) - _MOST_LINES} lines more")
    return tuple(found)


def body(clusters: Sequence[ClusterPlan], trailers: Iterable[tuple[str, str]]) -> str:
    """Return the rest of a commit's message: who gains and loses, then the trailers (git interpret-trailers)."""
    said = "\n".join(f"- {line}" for line in lines(clusters))
    end = "\n".join(f"{key}: {value}" for key, value in trailers)
    return f"{said}\n\n{end}\n" if said else f"{end}\n"


def markdown(clusters: Sequence[ClusterPlan], trailers: Iterable[tuple[str, str]]) -> str:
    """Return a pull request's body. Whatever names it has, they are text and not markup."""
    said = "\n".join(f"- {line.translate(_ESCAPED)}" for line in lines(clusters)) or "Nobody gains or loses access."
    end = "\n".join(f"| {key} | {value.translate(_ESCAPED)} |" for key, value in trailers)
    return f"### Access\n\n{said}\n\n| | |\n|-|-|\n{end}\n"


def _where(changes: Iterable[AccessChange]) -> str:
    return ", ".join(sorted({change.namespace or "the whole cluster" for change in changes}))
