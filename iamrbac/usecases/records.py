"""What was kept of the runs on a cluster, from all the places that have it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from iamrbac.backup.backup import Record
from iamrbac.backup.codec import decode
from iamrbac.model.errors import BackupError
from iamrbac.usecases.backups import BackupStore
from iamrbac.usecases.home_backups import HomeStore
from iamrbac.usecases.ports import Kube, Progress

Copies: TypeAlias = Callable[[str, str], Sequence[BackupStore]]
"""Opens the places beside the cluster itself for an instance and a cluster's name. Raises BackupError."""


def records_of(
    kube: Kube, cluster: str, instance: str, home: str, copies: Copies, progress: Progress
) -> tuple[Record, ...]:
    """Return every run's record, the newest first.

    The cluster's own ConfigMaps must be readable: what is not known of others' runs would not be gone back over. Of the
    other places each that answers adds what is kept there alone. Raises BackupError.
    """
    found = {one.backup.run.id: one for one in _read(HomeStore(kube, cluster, instance, home))}
    try:
        for store in copies(instance, cluster):
            for record in _read(store):
                known = found.get(record.backup.run.id)
                if known is None or not known.finished:
                    found[record.backup.run.id] = record
    except BackupError as error:
        progress.note(f"{cluster}: copies of backups are not read: {error.message}")
    return tuple(found[run] for run in sorted(found, reverse=True))


def _read(store: BackupStore) -> Sequence[Record]:
    runs = [one.id for one in store.kept()]
    return [decode(content, f"{store.where}: {run}") for run, content in store.read(runs).items()]
