"""What was changed, when, by whom and from which commit: the backups of all places together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from iamrbac.backup.backup import Record, Run
from iamrbac.backup.codec import decode
from iamrbac.findings.finding import Finding
from iamrbac.model.backups import Backups
from iamrbac.model.documents import Cluster, Config
from iamrbac.model.errors import BackupError, IamrbacError, UsageError
from iamrbac.usecases.backups import BackupStore, Places
from iamrbac.usecases.home_backups import HomeStore
from iamrbac.usecases.keep import AT_ONCE
from iamrbac.usecases.load import load
from iamrbac.usecases.ports import Edges, Progress
from iamrbac.usecases.select import select


@dataclass(frozen=True, slots=True)
class Seen:
    """What is kept of one run on one cluster."""

    run: str
    cluster: str
    where: tuple[str, ...]
    """The places that have it."""
    record: Record | None
    """The best of them: whole, and with results where one has them. None where none is whole."""
    error: str = ""
    """Why there is none."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run, on all clusters that were selected."""

    id: str
    clusters: tuple[Seen, ...]
    """In the config's order."""

    @property
    def run(self) -> Run | None:
        """Who and when; None where no backup of it is whole."""
        return next((one.record.backup.run for one in self.clusters if one.record is not None), None)

    @property
    def finished(self) -> bool:
        """Whether it came to its end on every cluster."""
        return all(one.record is not None and one.record.finished for one in self.clusters)


@dataclass(frozen=True, slots=True)
class Unread:
    """A place that could not be read: what it has is unknown, not nothing."""

    cluster: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class History:
    """All runs that are known."""

    runs: tuple[PastRun, ...]
    """The newest first."""
    unread: tuple[Unread, ...]

    def exit_code(self) -> int:
        """Return 1 where something is not known, else 0."""
        return 1 if self.unread or any(one.error for run in self.runs for one in run.clusters) else 0


def find_history(
    edges: Edges, places: Places, names: Collection[str], run: str | None, progress: Progress
) -> tuple[History | None, tuple[Finding, ...]]:
    """Read the backups of the selected clusters everywhere; None, with findings, where the config means nothing.

    With `run` only that one. Raises UsageError where it is surely not there, RepositoryError.
    """
    loaded = load(edges.repository)
    if loaded.readable is None:
        return None, loaded.findings
    config = loaded.readable.config.document
    selected = select(config.clusters, names)
    progress.step(f"Reading the backups of {len(selected)} cluster{'' if len(selected) == 1 else 's'}")
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        found = list(pool.map(lambda one: _Reader(edges, places, config, one).read(run), selected))
    runs: dict[str, list[Seen]] = {}
    for seen, _ in found:
        for one in seen:
            runs.setdefault(one.run, []).append(one)
    unread = tuple(one for _, some in found for one in some)
    if run is not None and not runs and not unread:
        raise UsageError(f"there is no backup {run} of these clusters", hint="`iamrbac history` lists them")
    return History(tuple(PastRun(id_, tuple(runs[id_])) for id_ in sorted(runs, reverse=True)), unread), ()


@dataclass
class _Best:
    """What was found of one run so far."""

    where: list[str] = field(default_factory=list)
    record: Record | None = None
    error: str = ""


class _Reader:
    """Reads one cluster's backups from all places."""

    def __init__(self, edges: Edges, places: Places, config: Config, cluster: Cluster) -> None:
        self._edges = edges
        self._places = places
        self._home = config.home.namespace
        self._instance = config.metadata.name
        self._cluster = cluster
        self._settings: Backups = config.keeping
        self._found: dict[str, _Best] = {}
        self._unread: list[Unread] = []

    def read(self, run: str | None) -> tuple[tuple[Seen, ...], tuple[Unread, ...]]:
        """Return what is kept, and which places could not be read."""
        for open_ in self._stores():
            try:
                self._take(open_(), run)
            except IamrbacError as error:
                where = f"{error.where}: " if error.where not in ("", self._cluster.name) else ""
                self._unread.append(Unread(self._cluster.name, where + error.message, error.hint))
        seen = (
            Seen(id_, self._cluster.name, tuple(one.where), one.record, "" if one.record is not None else one.error)
            for id_, one in sorted(self._found.items())
        )
        return tuple(seen), tuple(self._unread)

    def _stores(self) -> Iterator[Callable[[], BackupStore]]:
        """Yield what opens each place: the cluster, where it may be written to; this machine; S3."""
        instance, name = self._instance, self._cluster.name
        if self._cluster.delivery != "gitops":
            yield lambda: HomeStore(self._edges.kube(self._edges.aws.target(self._cluster)), name, instance, self._home)
        yield lambda: self._places.local(instance, name)
        place = self._settings.s3
        if place is not None:
            yield lambda: self._places.bucket(
                place, self._settings.account or self._edges.aws.caller().account, instance, name
            )

    def _take(self, store: BackupStore, run: str | None) -> None:
        kept = [one for one in store.kept() if run in (None, one.id)]
        wanted = []
        for one in kept:
            best = self._found.setdefault(one.id, _Best())
            best.where.append(store.where)
            if best.record is None or (one.finished and not best.record.finished):
                wanted.append(one.id)
        contents = store.read(wanted) if wanted else {}
        for id_ in wanted:
            self._read(store, id_, contents.get(id_, b""))

    def _read(self, store: BackupStore, run: str, content: bytes) -> None:
        best = self._found[run]
        try:
            record = decode(content, store.where)
        except BackupError as error:
            best.error = best.error or str(error)
            return
        backup = record.backup
        if (backup.run.id, backup.instance, backup.cluster) != (run, self._instance, self._cluster.name):
            best.error = best.error or f"{store.where}: the backup {run} is of another run or cluster"
            return
        if best.record is None or record.finished:
            best.record = record
