"""How the clusters of a fleet are split over machines: each belongs to one shard, whatever other clusters there are.

By rendezvous hashing (Thaler and Ravishankar, "A name-based mapping scheme for rendezvous"): every shard draws a number
for the cluster's name, and the highest has it. So a new cluster moves no other one, and with one shard more only those
move that go to it. An ordinal split would be more even, and move half of all clusters with each that comes or goes.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

MOST: Final = 10_000
"""Shards; a Kubernetes Indexed Job has room for 100,000 (KEP-3850)."""
_SHARD: Final = re.compile("(0|[1-9][0-9]{0,4})/([1-9][0-9]{0,4})")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of some shards."""

    index: int
    """From 0, as Kubernetes counts the Pods of an Indexed Job."""
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def has(self, cluster: str) -> bool:
        """Say whether a cluster is of this shard."""
        return shard_of(cluster, self.count) == self.index


def shard_of(cluster: str, count: int) -> int:
    """Return the one of `count` shards that a cluster of this name is of."""
    return max(range(count), key=lambda index: (hashlib.sha256(f"{cluster}\0{index}".encode()).digest(), -index))


def parse_shard(text: str) -> Shard:
    """Return the shard that a text like 3/20 is. Raises ValueError, with why."""
    match = _SHARD.fullmatch(text)
    if match is None:
        raise ValueError("a shard is written I/N, counted from 0, e.g. 0/20")
    index, count = int(match[1]), int(match[2])
    if count > MOST:
        raise ValueError(f"no more than {MOST:,} shards")
    if index >= count:
        raise ValueError(f"the last of {count} is {count - 1}/{count}: shards are counted from 0")
    return Shard(index, count)
