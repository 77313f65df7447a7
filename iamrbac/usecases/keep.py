"""Keep what an apply is about to change before its first write, and what became of it at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from iamrbac.backup.backup import Backup, Result, Run
from iamrbac.backup.codec import encode_backup, encode_results
from iamrbac.backup.of_plan import backup_of
from iamrbac.backup.retention import expired
from iamrbac.compile.desired import Key
from iamrbac.model.backups import Backups
from iamrbac.model.errors import BackupError, IamrbacError
from iamrbac.model.origin import Origin
from iamrbac.plan.change import ClusterPlan, Plan
from iamrbac.usecases.backups import BackupStore, Part, Places
from iamrbac.usecases.home_backups import HomeStore
from iamrbac.usecases.outcome import Event, Outcome
from iamrbac.usecases.pool import Pool
from iamrbac.usecases.ports import Edges, Progress

AT_ONCE: Final = 4
"""Clusters."""
WITHOUT: Final = "do without a backup (--no-backup)"


@dataclass(frozen=True, slots=True)
class BackedUp:
    """Where the backup of a run is."""

    run: str
    """Its id."""
    clusters: tuple[tuple[str, tuple[str, ...]], ...]
    """Cluster → the places, in the plan's order."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How to keep backups."""

    run: Run
    places: Places
    line: Callable[[Origin], str]
    """Turns an origin into FILE:LINE."""
    now: Callable[[], datetime]
    progress: Progress
    warn: Callable[[str], None]
    """Says what is no error and should be known."""
    told: Callable[[BackedUp], None] = lambda _: None
    """Is told where the backup is, before the first write."""


Note = Callable[[Event], None]


@contextmanager
def kept(edges: Edges, plan: Plan, clusters: Sequence[ClusterPlan], how: Keeping | None) -> Iterator[Note]:
    """Save what changes on some clusters; give back what takes each outcome, and write these at the end.

    They are written however it ends, but for a kill. After a run in which all went well the oldest backups go.
    Without `how` nothing is kept. Raises BackupError, and nothing may be written then.
    """
    clusters = [cluster for cluster in clusters if cluster.changes]
    if how is None or not clusters:
        yield lambda _: None
        return
    keeper = _Keeper(edges, plan, {one.name: one for one in clusters}, how)
    keeper.save()
    ended = False
    try:
        yield keeper.note
        ended = True
    finally:
        keeper.finish(ended=ended)


class _Keeper:
    """Keeps one run's backups."""

    def __init__(self, edges: Edges, plan: Plan, clusters: Mapping[str, ClusterPlan], how: Keeping) -> None:
        self._edges = edges
        self._how = how
        self._plan = plan
        self._settings: Backups = plan.backups
        self._clusters = clusters
        self._backups = {name: backup_of(one, plan.instance, how.run, how.line) for name, one in clusters.items()}
        self._copies: dict[str, list[BackupStore]] = {name: [] for name in clusters}
        self._became: dict[Key, Result] = {}
        self._owner = self._settings.account or ""
        if self._settings.s3 and not self._owner:
            self._owner = edges.aws.caller().account

    def save(self) -> None:
        """Save all clusters, or none. Raises BackupError."""
        with Pool(max_workers=AT_ONCE) as pool:
            errors = [error for error in pool.map(self._saved, self._clusters) if error is not None]
        if errors:
            self._each(lambda store, backup: store.delete(backup.run.id))
            raise errors[0]
        places = ((name, tuple(one.where for one in copies)) for name, copies in self._copies.items())
        self._how.told(BackedUp(self._how.run.id, tuple(places)))

    def note(self, event: Event) -> None:
        """Take an outcome; of two for one change the first counts. Called from several threads."""
        at = self._how.now()
        reason = event.reason or (f"commit {event.commit}" if event.commit else "")
        result = Result(event.change.key, event.outcome.value, reason, _utc(at))
        self._became.setdefault(event.change.key, result)

    def finish(self, *, ended: bool) -> None:
        """Write the results; delete what is too old on clusters where all went well. A failure is only said."""
        packed = {name: encode_results(one, self._results(one)) for name, one in self._backups.items()}
        self._each(lambda store, backup: store.save(backup.run.id, Part.RESULTS, packed[backup.cluster]))
        if ended:
            self._each(self._prune)

    def _saved(self, name: str) -> BackupError | None:
        """Save one cluster's backup; return why it may not be written to."""
        backup = self._backups[name]
        content = encode_backup(backup)
        try:
            for store in self._needed(name):
                store.save(backup.run.id, Part.BACKUP, content)
                self._copies[name].append(store)
        except IamrbacError as error:
            return _stops(error)
        try:
            local = self._how.places.local(self._plan.instance, name)
            local.save(backup.run.id, Part.BACKUP, content)
            self._copies[name].append(local)
        except IamrbacError as error:
            if not self._copies[name]:
                return _stops(error)
            self._how.warn(f"no local backup: {error}")
        return None

    def _needed(self, name: str) -> Iterator[BackupStore]:
        """Yield the places without which nothing is written."""
        cluster, instance = self._clusters[name], self._plan.instance
        # Whoever delivers by Git need have no right in the cluster.
        if cluster.git is None:
            kube = self._edges.kube(cluster.state.target)
            yield HomeStore(kube, name, instance, self._plan.home)
        if self._settings.s3:
            yield self._how.places.bucket(self._settings.s3, self._owner, instance, name)

    def _results(self, backup: Backup) -> Sequence[Result]:
        return [self._became[one.key] for one in backup.changes if one.key in self._became]

    def _prune(self, store: BackupStore, backup: Backup) -> None:
        results = self._results(backup)
        bad = {Outcome.FAILED.value, Outcome.SKIPPED.value}
        if len(results) < len(backup.changes) or any(one.outcome in bad for one in results):
            return
        found = [(one.id, one.finished) for one in store.kept()]
        for run in expired(found, self._settings.keep):
            store.delete(run)
            self._how.progress.note(f"{store.where}: the backup of {run} is deleted, {self._settings.keep} are kept")

    def _each(self, act: Callable[[BackupStore, Backup], None]) -> None:
        """Do something with every copy; where it fails that is said, and the others go on."""

        def one(name: str) -> None:
            for store in self._copies[name]:
                try:
                    act(store, self._backups[name])
                except IamrbacError as error:
                    self._how.warn(f"backup {self._how.run.id}: {error}")

        with Pool(max_workers=AT_ONCE) as pool:
            list(pool.map(one, self._copies))


def _stops(error: IamrbacError) -> BackupError:
    hint = f"{error.hint}, or {WITHOUT}" if error.hint else WITHOUT
    message = f"it cannot be backed up, and nothing was changed: {error.message}"
    return BackupError(message, where=error.where, hint=hint)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
