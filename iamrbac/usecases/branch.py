"""The files of one cluster at one commit of its delivery repository: ours of them, and what they say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from iamrbac.compile.desired import Desired
from iamrbac.findings.finding import Finding, Level
from iamrbac.gitops.delivery import Delivery
from iamrbac.gitops.entries import read_entries
from iamrbac.gitops.forms import Mapped
from iamrbac.gitops.inventory import INVENTORY, inventory_paths
from iamrbac.gitops.reading import object_of
from iamrbac.model.errors import DeliveryError
from iamrbac.usecases.deliveries import Deliveries, DeliveryRepository, Tip

BROKEN = "GIT003"
NAMESPACE_FILE = "/_cluster/Namespace-"
_ENTRIES = "/_entries/"


@dataclass(slots=True)
class BranchFiles:
    """Reads files as far as somebody asks, each once. What cannot be understood is a finding, never no access."""

    deliveries: Deliveries
    repository: DeliveryRepository
    delivery: Delivery
    tip: Tip
    findings: list[Finding] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    """Files that were read."""

    def inventory(self) -> frozenset[str]:
        """Return the paths that we wrote, there or not. Raises DeliveryError for a list that is not ours."""
        path = f"{self.delivery.path}/{INVENTORY}"
        if path not in self.tip.files:
            return frozenset()
        self.read([path])
        try:
            return inventory_paths(self.texts[path])
        except ValueError as error:
            raise DeliveryError(
                f"{error}, so nothing is removed or replaced by it",
                where=path,
                hint="restore the file in Git, or remove it: our files are then left where they are",
            ) from error

    def read(self, paths: Iterable[str]) -> None:
        """Read files into `texts`. Raises DeliveryError."""
        ids = {path: self.tip.files[path] for path in paths if path not in self.texts}
        if not ids:
            return
        contents = self.repository.read(set(ids.values()))
        for path, id_ in ids.items():
            self.texts[path] = contents[id_].decode("utf-8", "replace")

    def objects(self, paths: Iterable[str]) -> dict[str, Desired]:
        """Return the RBAC objects and namespaces of files that were read, by path."""
        found: dict[str, Desired] = {}
        for path in paths:
            if self.is_entry(path):
                continue
            try:
                item = object_of(self.delivery.cluster, self._value(path))
            except ValueError as error:
                self._broken(path, error)
                continue
            if item is not None:
                found[path] = item
        return found

    def entries(self, paths: Iterable[str]) -> tuple[Mapped, ...]:
        """Return the access entries of files that were read."""
        values: dict[str, object] = {}
        for path in paths:
            if self.is_entry(path):
                try:
                    values[path] = self._value(path)
                except ValueError as error:
                    self._broken(path, error)
        try:
            return read_entries(self.delivery, values)
        except ValueError as error:
            self._broken(self.delivery.entries_path, error)
            return ()

    def is_entry(self, path: str) -> bool:
        """Say whether a file is for access entries."""
        return _ENTRIES in path or path.startswith(f"{self.delivery.entries_path}/")

    def _value(self, path: str) -> object:
        return self.deliveries.parse(path, self.texts[path].encode())

    def _broken(self, path: str, error: ValueError) -> None:
        message = f"{path} on {self.tip.branch} cannot be understood, so who has access by it is not known: {error}"
        hint = "restore it in Git (git revert), or remove it: the next run writes it anew"
        self.findings.append(
            Finding(BROKEN, Level.ERROR, message, hint, cluster=self.delivery.cluster, object=path),
        )
