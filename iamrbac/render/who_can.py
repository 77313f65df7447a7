"""Who may do something, for people and as JSON: a line for everybody, by cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from iamrbac.access.held import subject_text
from iamrbac.access.judge import SYSTEM, Chain
from iamrbac.access.naming import asked
from iamrbac.access.world import World
from iamrbac.plan.change import FailedCluster
from iamrbac.rbac.objects import Request
from iamrbac.render.can import chain_json, failure_json, role_text
from iamrbac.render.plain import printable
from iamrbac.render.rules import Line, because, binding_text
from iamrbac.usecases.ask import Able

Paint: TypeAlias = Callable[[str, str], str]


def who_can_text(
    found: Mapping[str, Able],
    worlds: Mapping[str, World],
    request: Request,
    line: Line,
    paint: Paint,
    *,
    anywhere: bool = False,
) -> str:
    """Return a block for each cluster: who, by which role, and which binding or policy line gives it."""
    lines = []
    for cluster, able in found.items():
        world = worlds[cluster]
        lines.append(f"{paint(printable(cluster), 'bold')}: may {printable(asked(request, anywhere=anywhere))}")
        together: dict[str, list[Chain]] = {}
        for chain in able.chains:
            together.setdefault(_who(chain, world), []).append(chain)
        shown = [(who, role_text(some[0], world), _by(some, line)) for who, some in together.items()]
        lines += _table(shown) or ["  nobody"]
        lines += [printable(f"  perhaps {one.principal}: {why}") for one, why in able.perhaps]
    return "\n".join(lines)


def who_can_json(
    found: Mapping[str, Able], failures: Sequence[FailedCluster], worlds: Mapping[str, World], line: Line
) -> dict[str, Any]:
    """Return the same as `-o json` writes it, every chain of everybody."""
    return {
        "formatVersion": 1,
        "clusters": [
            {
                "cluster": cluster,
                "chains": [chain_json(chain, worlds[cluster], line) for chain in able.chains],
                "perhaps": [{"principal": one.principal, "why": why} for one, why in able.perhaps],
            }
            for cluster, able in found.items()
        ],
        "failed": [failure_json(one) for one in failures],
    }


def _who(chain: Chain, world: World) -> str:
    """Return the principal, or the subject; whether somebody is mapped to it is said where mappings are known."""
    if chain.somebody.principal or chain.subject is None:
        return chain.somebody.principal
    name = subject_text(chain.subject, chain.binding.namespace if chain.binding is not None else None)
    known = bool(world.entries) or world.reading is not None
    own = chain.subject.kind == "ServiceAccount" or chain.subject.name.startswith(SYSTEM)
    return f"{name} (nobody is mapped to it)" if known and not own else name


def _by(chains: Sequence[Chain], line: Line) -> str:
    first = chains[0]
    origins = because(first.origins, line)
    by = f"{binding_text(first.binding)}{origins}" if first.binding is not None else origins.strip()
    more = len(chains) - 1
    return f"{by}{f' and {more} more' if more else ''}".strip()


def _table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    shown = [tuple(printable(cell) for cell in row) for row in rows]
    widths = [max((len(row[column]) for row in shown), default=0) for column in range(2)]
    return [f"  {row[0].ljust(widths[0])}  {row[1].ljust(widths[1])}  {row[2]}".rstrip() for row in shown]
