"""How tests keep backups: in fake clusters and folders, and what was said of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from iamrbac.backup.backup import Record
from iamrbac.backup.codec import decode
from iamrbac.state.local import LocalStore
from iamrbac.usecases.backups import BackupStore, Places
from iamrbac.usecases.home_backups import HomeStore
from iamrbac.usecases.keep import BackedUp, Keeping
from tests.backup.builders import RUN
from tests.usecases.fakes import Silent
from tests.usecases.world import Company

AT = datetime(2026, 11, 26, 12, 21, 46, tzinfo=UTC)
HOME = "iamrbac-system"


@dataclass
class Keep:
    """How a test keeps backups, and what was said of it."""

    folder: Path
    buckets: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    told: list[BackedUp] = field(default_factory=list)
    runs: int = 0

    def local(self, instance: str, cluster: str) -> BackupStore:
        return LocalStore(self.folder, instance, cluster)

    def bucket(self, place: str, owner: str, instance: str, cluster: str) -> BackupStore:
        self.buckets.append((place, owner))
        return LocalStore(self.folder / "bucket", instance, cluster)

    @property
    def places(self) -> Places:
        return Places(self.local, self.bucket)

    def keeping(self) -> Keeping:
        """The next run's."""
        self.runs += 1
        return Keeping(
            replace(RUN, id=f"20261126-1221{self.runs:02}-1a2b3c"),
            self.places,
            lambda origin: f"{origin.file}:7",
            lambda: AT,
            Silent(),
            self.warnings.append,
            self.told.append,
        )


def home(made: Company, cluster: str) -> HomeStore:
    return HomeStore(made.kubes[cluster], cluster, "acme", HOME)


def records(store: BackupStore) -> list[Record]:
    ids = [one.id for one in store.kept()]
    found = store.read(ids)
    return [decode(found[one]) for one in ids]
