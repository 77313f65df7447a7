"""In which order the clusters of a fleet are changed: wave after wave, and in each the canaries first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from iamrbac.model.documents import Cluster
from iamrbac.model.selection import selects

REST: Final = "the rest"
"""What the wave is called of clusters that no wave of the config means."""
ALL: Final = "all clusters"
"""What the one wave is called where the config has none."""
Selector: TypeAlias = Sequence[str] | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wave:
    """Clusters that are changed before those of the next wave."""

    number: int
    """From 1, as the config has them."""
    name: str
    clusters: tuple[str, ...]
    """In the config's order; () where an earlier wave has all of them, or where they were not asked for."""
    rest: bool = False
    """No wave of the config means these."""


def waves_of(order: Iterable[Selector], clusters: Iterable[Cluster]) -> tuple[Wave, ...]:
    """Return the waves of a config with the clusters of each: every cluster is in exactly one.

    A cluster is in the first wave that means it; those that none means are a last wave, which is there only for them.
    """
    left = {cluster.name: cluster for cluster in clusters}
    waves: list[Wave] = []
    for number, selector in enumerate(order, start=1):
        names = tuple(name for name, cluster in left.items() if selects(selector, cluster))
        waves.append(Wave(number, name_of(selector), names))
        for name in names:
            del left[name]
    if left:
        waves.append(Wave(len(waves) + 1, REST if waves else ALL, tuple(left), rest=bool(waves)))
    return tuple(waves)


def name_of(selector: Selector) -> str:
    """Return what a wave is called: its labels as `--cluster` takes them, or its names and patterns."""
    if isinstance(selector, Mapping):
        return ",".join(f"{key}={value}" for key, value in selector.items())
    return ", ".join(selector)


def only(waves: Iterable[Wave], names: Collection[str]) -> tuple[Wave, ...]:
    """Return the same waves with some of the clusters."""
    some = frozenset(names)
    return tuple(
        Wave(wave.number, wave.name, tuple(name for name in wave.clusters if name in some), wave.rest) for wave in waves
    )


def canaries(clusters: Sequence[str], changed: Collection[str], count: int) -> tuple[str, ...]:
    """Return the clusters of a wave that go first: of those where something changes, since others would try nothing.

    A wave in which no more than these change has no canaries: there is nobody whom they could warn.
    """
    candidates = [name for name in clusters if name in changed]
    return tuple(candidates[:count]) if count < len(candidates) else ()
