"""What goes at once: the canaries of a wave, then the others of it, then the next wave. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from iamrbac.fleet.waves import Wave, canaries


@dataclass(frozen=True, slots=True)
class Step:
    """Clusters that are changed at once."""

    wave: str
    clusters: tuple[str, ...]
    canary: bool = False
    """They go first in their wave, and if one of them fails no step comes after."""


def steps(waves: Iterable[Wave], changed: Collection[str], canary: int) -> Iterator[Step]:
    """Yield the steps over the clusters of all waves, each cluster in one; `canary` of a wave's `changed` go first."""
    for wave in waves:
        first = canaries(wave.clusters, changed, canary)
        others = tuple(name for name in wave.clusters if name not in first)
        if first:
            yield Step(wave.name, first, canary=True)
        if others:
            yield Step(wave.name, others)
