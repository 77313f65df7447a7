"""Where the record of what was applied is kept: ConfigMaps of the home namespace, one while it fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from iamrbac.backup.applied import Applied, from_text, to_text
from iamrbac.backup.parts import Part, join, pack, part_of, split, unpack
from iamrbac.compile import names
from iamrbac.model.errors import ConflictError, ExistsError, IamrbacError, RecordError
from iamrbac.usecases.home import ConfigMap
from iamrbac.usecases.ports import Kube

ATTEMPTS: Final = 5
_HEADER: Final = "part"
_DATA: Final = "applied.json.gz"


@dataclass(frozen=True, slots=True)
class Kept:
    """A record as it is kept."""

    applied: Applied | None
    """None where there is none, or none that can be read."""
    maps: tuple[ConfigMap, ...] = ()
    broken: str = ""
    """Why it cannot be read."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where one instance's record of one cluster is."""

    kube: Kube
    cluster: str
    home: str
    instance: str

    def read(self) -> Kept:
        """Read it: one GET, and one more for each further part. Raises ForbiddenError, KubeError."""
        first = self.kube.configmap(self.home, part_name(self.instance, 1))
        if first is None:
            return Kept(None)
        maps = [first]
        try:
            parts = [_part(first)]
            for number in range(2, parts[0].count + 1):
                more = self.kube.configmap(self.home, part_name(self.instance, number))
                if more is None:
                    raise ValueError(f"part {number} of {parts[0].count} is not there")
                maps.append(more)
                parts.append(_part(more))
            text = unpack(join(parts))
            return Kept(from_text(text, self.instance, self.cluster), tuple(maps))
        except ValueError as error:
            return Kept(None, tuple(maps), " ".join(str(error).split()))

    def need(self) -> Applied:
        """Return the record. Raises RecordError where there is none that can be read, ForbiddenError, KubeError."""
        kept = self.read()
        if kept.applied is not None:
            return kept.applied
        place = f"{self.home}/{part_name(self.instance, 1)}"
        why = f"cannot be read: {kept.broken}" if kept.broken else "is not there"
        raise RecordError(
            f"the record of what was applied ({place}) {why}",
            where=self.cluster,
            hint=f"run `iamrbac apply --cluster {self.cluster}`: it writes one, also where nothing is to change",
        )

    def write(self, kept: Kept, applied: Applied) -> Kept:
        """Write a record over what was read, the first part last; where nothing would change nothing is written.

        Parts of a longer one before are left: the first part says how many count, and nobody needs a right to delete.
        Raises ConflictError or ExistsError when somebody else wrote meanwhile, NoNamespaceError, ForbiddenError,
        KubeError.
        """
        if kept.applied == applied:
            return kept
        parts = split(pack(to_text(applied, self.instance)))
        there = {one.name: one for one in kept.maps}
        written: list[ConfigMap] = []
        for part in reversed(parts):
            wanted = self._map(part)
            old = there.get(wanted.name)
            if old is not None:
                wanted = replace(wanted, version=old.version, metadata=old.metadata)
            written.append(self._put(wanted, first=part.number == 1))
        return Kept(applied, tuple(reversed(written)))

    def advance(self, kept: Kept, make: Callable[[Applied | None], Applied]) -> Kept:
        """Write what `make` makes of the record; of a newer one, where somebody wrote meanwhile.

        Raises ConflictError when others keep writing, NoNamespaceError, ForbiddenError, KubeError.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self.write(kept, make(kept.applied))
            except (ConflictError, ExistsError):
                if attempt == ATTEMPTS:
                    raise
            kept = self.read()
        raise AssertionError("a loop that returns or raises")

    def _put(self, wanted: ConfigMap, *, first: bool) -> ConfigMap:
        try:
            return self.kube.write_configmap(self.home, wanted)
        except ExistsError:
            # Left of a longer record; the first one, though, somebody has just written.
            if first:
                raise
            there = self.kube.configmap(self.home, wanted.name)
            return self.kube.write_configmap(self.home, replace(wanted, version=there.version if there else ""))

    def _map(self, part: Part) -> ConfigMap:
        return ConfigMap(
            part_name(self.instance, part.number),
            {names.MANAGED_BY_LABEL: names.MANAGED_BY, names.INSTANCE_LABEL: self.instance},
            data={_HEADER: part.header},
            binary={_DATA: part.data},
        )


def part_name(instance: str, number: int) -> str:
    """Return the name of a part's ConfigMap.

    With dots, which an instance's name has none of: else one of an instance `applied-x` could be another's of `x`.
    """
    return f"iamrbac-applied.{instance}" + (f".{number}" if number > 1 else "")


def _part(one: ConfigMap) -> Part:
    return part_of(one.data.get(_HEADER, ""), one.binary.get(_DATA, b""))


def said(error: IamrbacError) -> str:
    """Return an error in one line, for a warning."""
    return error.message + (f". Next: {error.hint}" if error.hint else "")
