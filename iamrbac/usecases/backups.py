"""Where backups are kept, as use cases see it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Part(StrEnum):
    """The two halves of a record (backup.codec). Each is written once and never again."""

    BACKUP = "backup"
    """What is about to change, before the first write."""
    RESULTS = "results"
    """What became of it, at the end."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A record that a store has."""

    id: str
    """The run's."""
    finished: bool
    """It has results: the run came to its end."""


class BackupStore(Protocol):
    """The backups of one instance on one cluster, in one place."""

    where: str
    """For people: `ConfigMaps of iamrbac-system on staging`, a folder, an s3:// address."""

    def save(self, run: str, part: Part, content: bytes) -> None:
        """Write one half, whole or not at all. Raises BackupError with the next step."""
        ...

    def kept(self) -> tuple[Kept, ...]:
        """Return all records, the oldest first. Raises BackupError: what cannot be listed is not empty."""
        ...

    def read(self, runs: Collection[str]) -> Mapping[str, bytes]:
        """Return what is kept of these runs, for `codec.decode`; those that are not there are left out.

        Raises BackupError.
        """
        ...

    def delete(self, run: str) -> None:
        """Delete a record; already gone is fine. Raises BackupError."""
        ...


@dataclass(frozen=True, slots=True)
class Places:
    """Where backups are kept beside a cluster's ConfigMaps."""

    local: Callable[[str, str], BackupStore]
    """Opens this machine's for an instance and a cluster. Raises BackupError where there is no home directory."""
    bucket: Callable[[str, str, str, str], BackupStore]
    """Opens a bucket's for s3://BUCKET/PREFIX, the account it must be of, an instance and a cluster."""
