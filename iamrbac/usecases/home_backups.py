"""Backups in ConfigMaps of the home namespace, so that an ephemeral runner can undo another's work.

A ConfigMap holds at most 1 MiB of data and etcd takes requests of 1.5 MiB, so a half is split well below both. Each map
is written once and never again: whoever applies needs no right to change one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

from iamrbac.compile import names
from iamrbac.model.errors import BackupError, ExistsError, ForbiddenError, KubeError, NoNamespaceError
from iamrbac.usecases.backups import Kept, Part
from iamrbac.usecases.home import ConfigMap, make_home
from iamrbac.usecases.ports import Kube

RUN_LABEL: Final = "iamrbac.dev/backup"
"""The run's id."""
LARGEST: Final = 512 * 1024
"""Bytes in one ConfigMap; as base64 in the request a third more."""
_KEY: Final = re.compile("(backup|results)-([0-9]+)-of-([0-9]+)")
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
        }
        self._name = f"iamrbac-backup-{instance}"
        self.where = f"ConfigMaps of {namespace} on {cluster}"

    def save(self, run: str, part: Part, content: bytes) -> None:
        """Write one half; a home namespace that is not there is made. Raises BackupError."""
        chunks = [content[at : at + LARGEST] for at in range(0, len(content), LARGEST)] or [b""]
        for number, chunk in enumerate(chunks, 1):
            ending = ("" if part is Part.BACKUP else "-results") + ("" if number == 1 else f"-{number}")
            wanted = ConfigMap(
                f"{self._name}-{run}{ending}",
                {**self._labels, RUN_LABEL: run},
                binary={f"{part}-{number}-of-{len(chunks)}": chunk},
            )
            self._asked("create", partial(self._write, wanted))

    def kept(self) -> tuple[Kept, ...]:
        """Return all records, the oldest first. Raises BackupError."""
        found = self._listed(self._labels)
        return tuple(Kept(run, _whole(maps, Part.RESULTS)) for run, maps in sorted(found.items()))

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
            # The list is by labels, which the record of what was applied and others of ours carry too.
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


def _parts(maps: Sequence[ConfigMap], part: Part) -> tuple[Sequence[bytes], int]:
    """Return the chunks that are there, in order, and how many there should be."""
    found: dict[int, bytes] = {}
    count = 0
    for map_ in maps:
        for key, content in map_.binary.items():
            match = _KEY.fullmatch(key)
            if match is not None and match[1] == part:
                found[int(match[2])] = content
                count = int(match[3])
    return [found[number] for number in sorted(found)], count


def _whole(maps: Sequence[ConfigMap], part: Part) -> bool:
    chunks, count = _parts(maps, part)
    return len(chunks) == count > 0


def _joined(maps: Sequence[ConfigMap]) -> bytes:
    results = _parts(maps, Part.RESULTS)[0] if _whole(maps, Part.RESULTS) else ()
    return b"".join((*_parts(maps, Part.BACKUP)[0], *results))
