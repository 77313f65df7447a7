"""A part of a fleet: some of its waves, one of its shards, or both at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from iamrbac.fleet.shards import Shard, shard_of
from iamrbac.fleet.waves import Wave, waves_of
from iamrbac.model.documents import Cluster, Config


@dataclass(frozen=True, slots=True)
class Part:
    """What of the fleet is looked at, beside what `--cluster` says; by default all of it."""

    waves: tuple[str, ...] = ()
    """Numbers from 1, or names of waves; () for all."""
    shard: Shard | None = None

    @property
    def whole(self) -> bool:
        """Whether no cluster is left out."""
        return not self.waves and (self.shard is None or self.shard.count == 1)

    def of(self, config: Config) -> frozenset[str]:
        """Return the names of the clusters. Raises ValueError, with why, where there is no such wave."""
        names = {cluster.name for cluster in config.clusters}
        if self.waves:
            waves = waves_of(config.fleet.order, config.clusters)
            names = {name for said in self.waves for name in _wave(waves, said).clusters}
        return frozenset(name for name in names if self.shard is None or self.shard.has(name))

    def leads(self, clusters: Iterable[Cluster]) -> bool:
        """Say whether what is of no cluster (IAM) is this part's: without shards, or of the first that has a cluster.

        Of all shards exactly one says so, so that no two write the same at once.
        """
        if self.shard is None:
            return True
        return self.shard.index == min((shard_of(one.name, self.shard.count) for one in clusters), default=0)


def _wave(waves: Iterable[Wave], said: str) -> Wave:
    waves = tuple(waves)
    found = next((wave for wave in waves if said in (str(wave.number), wave.name)), None)
    if found is None:
        there = ", ".join(f"{wave.number} ({wave.name})" for wave in waves)
        raise ValueError(f"there is no wave {said}; there are {there}")
    return found
