"""Backups in ConfigMaps of the home namespace, so that an ephemeral runner can undo another's work.

A ConfigMap holds at most 1 MiB of data and etcd takes requests of 1.5 MiB, so a half is split well below both. Each map
is written once and never again: whoever applies needs no right to change one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

from iamrbac.backup.parts import join, part_of, split
from iamrbac.compile import names
from iamrbac.model.errors import BackupError, ExistsError, ForbiddenError, KubeError, NoNamespaceError
from iamrbac.usecases.backups import Kept, Part
from iamrbac.usecases.home import ConfigMap, make_home
from iamrbac.usecases.ports import Kube

RUN_LABEL: Final = "iamrbac.dev/backup"
"""The run's id."""
LARGEST: Final = 512 * 1024
"""Bytes in one ConfigMap; as base64 in the request a third more."""
PART_ANNOTATION: Final = "iamrbac.dev/part"
"""Which part of a half a map has (backup.parts)."""
COMPONENT: Final = {"app.kubernetes.io/component": "backup"}
"""What tells them from other ConfigMaps of ours, so that these are not read along."""
T = TypeVar("T")


class HomeStore:
    """The backups of one instance on one cluster, in ConfigMaps."""

    def __init__(self, kube: Kube, cluster: str, instance: str, namespace: str) -> None:
        """Take a cluster's API. Nothing is asked yet; the namespace need not be there."""
        self._kube = kube
        self._cluster = cluster
        self._namespace = namespace
        self._labels = {
            names.MANAGED_BY_LABEL: names.MANAGED_BY,
            names.INSTANCE_LABEL: instance,
            **COMPONENT,
        }
        self._name = f"iamrbac-backup-{instance}"
        self.where = f"ConfigMaps of {namespace} on {cluster}"

    def save(self, run: str, part: Part, content: bytes) -> None:
        """Write one half; a home namespace that is not there is made. Raises BackupError."""
        for one in split(content, LARGEST):
            ending = ("" if part is Part.BACKUP else "-results") + ("" if one.number == 1 else f"-{one.number}")
            wanted = ConfigMap(
                f"{self._name}-{run}{ending}",
                {**self._labels, RUN_LABEL: run},
                {PART_ANNOTATION: one.header},
                binary={part.value: one.data},
            )
            self._asked("create", partial(self._write, wanted))

    def kept(self) -> tuple[Kept, ...]:
        """Return all records, the oldest first. Raises BackupError."""
        found = self._listed(self._labels)
        return tuple(Kept(run, _whole(maps, Part.RESULTS) is not None) for run, maps in sorted(found.items()))

    def read(self, runs: Collection[str]) -> Mapping[str, bytes]:
        """Return what is kept of these runs, by one list. Raises BackupError."""
        one = {RUN_LABEL: next(iter(runs))} if len(runs) == 1 else {}
        found = self._listed({**self._labels, **one}) if runs else {}
        return {run: _joined(maps) for run, maps in found.items() if run in runs}

    def delete(self, run: str) -> None:
        """Delete a record; already gone is fine. Raises BackupError."""
        for map_ in self._listed({**self._labels, RUN_LABEL: run}).get(run, ()):
            self._asked("delete", partial(self._kube.delete_configmap, self._namespace, map_.name))

    def _listed(self, labels: Mapping[str, str]) -> Mapping[str, Sequence[ConfigMap]]:
        found: dict[str, list[ConfigMap]] = {}
        for map_ in self._asked("list", lambda: self._kube.configmaps(self._namespace, labels)):
            if run := map_.labels.get(RUN_LABEL):
                found.setdefault(run, []).append(map_)
        return found

    def _write(self, wanted: ConfigMap) -> None:
        try:
            self._create(wanted)
        except NoNamespaceError:
            make_home(self._kube.create, self._cluster, self._namespace)
            self._create(wanted)

    def _create(self, wanted: ConfigMap) -> None:
        try:
            self._kube.write_configmap(self._namespace, wanted)
        except ExistsError:
            # Perhaps it was written before, and only the answer got lost.
            there = self._kube.configmap(self._namespace, wanted.name)
            if there is None or there.binary != wanted.binary:
                raise

    def _asked(self, verb: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except ForbiddenError as error:
            raise BackupError(
                error.message,
                where=self._cluster,
                hint=f"let the caller get, list, create and delete configmaps in namespace {self._namespace}"
                + (f", or make the namespace (`kubectl create namespace {self._namespace}`)" * (verb == "create")),
            ) from error
        except KubeError as error:
            raise BackupError(error.message, where=self._cluster, hint=error.hint) from error


def _whole(maps: Sequence[ConfigMap], part: Part) -> bytes | None:
    """Return one half; None where it is not there, or not all of it."""
    try:
        found = [
            part_of(map_.annotations.get(PART_ANNOTATION, ""), map_.binary[part.value])
            for map_ in maps
            if part.value in map_.binary
        ]
        return join(found) if found else None
    except ValueError:
        return None


def _joined(maps: Sequence[ConfigMap]) -> bytes:
    """Return both halves; of a backup that is not whole nothing, which `codec.decode` says is cut off."""
    backup = _whole(maps, Part.BACKUP)
    return b"" if backup is None else backup + (_whole(maps, Part.RESULTS) or b"")
