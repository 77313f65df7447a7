"""Who may do something, for people and as JSON: a line for each chain, by cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from iamrbac.access.judge import Chain
from iamrbac.access.world import World
from iamrbac.model.origin import Origin
from iamrbac.rbac.objects import Request
from iamrbac.render.can import asked, because, binding_text, chain_json, role_text
from iamrbac.render.plain import printable

Paint = Callable[[str, str], str]
SYSTEM = "system:"
"""Kubernetes' own users and groups begin so."""


def who_can_text(
    found: Mapping[str, Sequence[Chain]],
    worlds: Mapping[str, World],
    request: Request,
    line: Callable[[Origin], str],
    paint: Paint,
) -> str:
    """Return a block for each cluster: who, by which role, and which binding or policy line gives it."""
    lines = []
    for cluster, chains in found.items():
        lines.append(f"{paint(printable(cluster), 'bold')}: may {printable(asked(request))}")
        shown = [_row(chain, worlds[cluster], line) for chain in chains]
        lines += _table(dict.fromkeys(shown)) or ["  nobody"]
    return "\n".join(lines) + "\n"


def who_can_json(
    found: Mapping[str, Sequence[Chain]], worlds: Mapping[str, World], line: Callable[[Origin], str]
) -> dict[str, Any]:
    """Return the same as `-o json` writes it."""
    return {
        "formatVersion": 1,
        "clusters": [
            {"cluster": cluster, "chains": [chain_json(chain, worlds[cluster], line) for chain in chains]}
            for cluster, chains in found.items()
        ],
    }


def _row(chain: Chain, world: World, line: Callable[[Origin], str]) -> tuple[str, str, str]:
    where = "" if chain.binding is None else f"{binding_text(chain.binding)}{because(chain.origins, line)}"
    return _who(chain), role_text(chain, world), where


def _who(chain: Chain) -> str:
    """Return the principal; or the subject, for which nobody is mapped as far as we know."""
    if chain.somebody.principal:
        return chain.somebody.principal
    user = chain.somebody.user
    kind = chain.subject.kind if chain.subject is not None else "User"
    name = user.name or next(iter(user.groups), "")
    return f"{kind} {name}" if name.startswith(SYSTEM) else f"{kind} {name} (nobody is mapped to it)"


def _table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    shown = [tuple(printable(cell) for cell in row) for row in rows]
    widths = [max((len(row[column]) for row in shown), default=0) for column in range(2)]
    return [f"  {row[0].ljust(widths[0])}  {row[1].ljust(widths[1])}  {row[2]}".rstrip() for row in shown]
