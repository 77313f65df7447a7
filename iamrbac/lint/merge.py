"""Many places of one line that say the same become one finding, with the places in its words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from iamrbac.findings.finding import Finding
from iamrbac.findings.waivers import Judged

_MOST = 3
"""Names in a sentence; of more, how many more."""


def merged(judged: Iterable[Judged]) -> tuple[Finding, ...]:
    """Return one finding for each line, rule and what it says; `cluster` only where it is about one."""
    found: dict[tuple[object, ...], tuple[Judged, dict[str, None], dict[str, None]]] = {}
    for one in judged:
        finding = one.finding
        key = (
            finding.file, finding.path, finding.line, one.rule, finding.level, finding.message, one.role, finding.object
        )  # fmt: skip
        known = found.get(key)
        if known is None:
            known = found[key] = (one, {}, {})
        known[1][one.namespace] = known[2][one.cluster] = None
    return tuple(_one(*parts) for parts in found.values())


def _one(judged: Judged, namespaces: Mapping[str, None], clusters: Mapping[str, None]) -> Finding:
    names = [name for name in clusters if name]
    finding = replace(judged.finding, cluster=names[0] if len(names) == 1 else None)
    if not judged.role:
        return finding
    where = "in the whole cluster" if "" in namespaces else f"in {_listed(sorted(namespaces))}"
    if "" in namespaces and len(namespaces) > 1:
        where += f" and in {_listed(sorted(filter(None, namespaces)))}"
    on = f" ({_listed(names)})" if names else ""
    return replace(finding, message=f"{judged.role} {where}{on} {finding.message}")


def _listed(names: Sequence[str]) -> str:
    if len(names) <= _MOST:
        return ", ".join(names)
    return f"{', '.join(names[: _MOST - 1])} and {len(names) - _MOST + 1} more"
