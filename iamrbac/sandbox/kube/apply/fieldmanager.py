"""What a write does to the ownership of fields, and what an apply makes of an object."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from iamrbac.sandbox.kube.apply.managers import (
    Manager,
    Managers,
    Owned,
    decode,
    encode,
    merge_oldest,
    release,
    take,
    under,
    without_system_fields,
)
from iamrbac.sandbox.kube.apply.paths import NO_PATHS, Path, Paths, show, tree
from iamrbac.sandbox.kube.apply.typed import compare, field_set, merge, remove, with_named_parents
from iamrbac.sandbox.kube.kinds import Kind
from iamrbac.sandbox.kube.schema import Named
from iamrbac.sandbox.kube.status import Cause, StatusError
from iamrbac.sandbox.kube.values import Json, metadata_of, without_nulls

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
BEFORE_FIRST_APPLY: Final = "before-first-apply"


class ConflictError(Exception):
    """Somebody else owns fields that an apply would change."""

    def __init__(self, conflicts: dict[Manager, Paths]) -> None:
        super().__init__("apply conflict")
        self.conflicts = conflicts


@dataclass(frozen=True, slots=True)
class FieldManager:
    """Field ownership for one kind, through the main resource or a subresource, at one moment."""

    kind: Kind
    now: str
    subresource: str = ""

    @property
    def _type(self) -> Named:
        return Named(self.kind.type)

    def updated(self, live: Json, new: Json, name: str) -> list[Json]:
        """The managedFields after a PUT, POST or PATCH by `name` made `new` of `live` (of an empty object for POST)."""
        managers = self._base(live, new)
        if managers is None:
            return []
        self._own_changes(managers, live, new, Manager(name, "Update", self.subresource))
        return encode(managers, self.kind.api_version)

    def applied(self, live: Json, config: Json, name: str, force: bool) -> tuple[Json, list[Json]]:
        """The object and the managedFields after a server-side apply of `config` by `name`.

        Raises StatusError 409 when somebody else owns a field that would change and `force` is off,
        TypedError when a list item lacks its keys or stands twice.
        """
        managers = decode(metadata_of(live))
        if not managers and metadata_of(live).get("uid"):
            self._own_changes(managers, {}, live, Manager(BEFORE_FIRST_APPLY, "Update"))
        try:
            merged, after = self._apply(managers, live, config, name, force)
        except ConflictError as error:
            if not self._may_force(live, name, error):
                raise self._conflict(error) from None
            merged, after = self._apply(managers, live, config, name, force=True)
        merge_oldest(after)
        return merged, encode(after, self.kind.api_version)

    def _base(self, live: Json, new: Json) -> Managers | None:
        """Ownership before the write: as the client sent it, else the stored one; None when it is not tracked."""
        sent = metadata_of(new).get("managedFields")
        if sent is not None and (not sent or sent == [{}]):
            return None
        before = metadata_of(live)
        try:
            managers = decode({"managedFields": sent}) if sent and not self.subresource else {}
        except (ValueError, AttributeError, TypeError):
            managers = {}
        managers = managers or decode(before)
        return None if before.get("uid") and not managers else managers

    def _own_changes(self, managers: Managers, live: Json, new: Json, manager: Manager) -> None:
        found = compare(_plain(live), _plain(new), self._type)
        taken = self._ownable(frozenset(found.added | found.modified))
        lost = self._ownable(frozenset(found.added | found.modified | found.removed))
        release(managers, manager, lost)
        before = managers[manager] if manager in managers else Owned(NO_PATHS, self.now)
        after = without_system_fields((before.paths - frozenset(found.removed)) | taken)
        take(managers, manager, after, self.now if taken else before.time)
        merge_oldest(managers)

    def _apply(self, managers: Managers, live: Json, config: Json, name: str, force: bool) -> tuple[Json, Managers]:
        managers = dict(managers)
        manager = Manager(name, "Apply", self.subresource)
        last = managers[manager].paths if manager in managers else NO_PATHS
        before, wanted = _plain(live), _plain(config)
        mine = self._ownable(field_set(wanted, self._type))
        merged = merge(before, wanted, self._type)
        others = frozenset().union(*(owned.paths for key, owned in managers.items() if key != manager))
        merged = self._prune(merged, last, others | mine)
        found = compare(before, merged, self._type)
        changes = self._ownable(frozenset(found.added | found.modified))
        self._resolve(managers, manager, changes, force)
        release(managers, manager, frozenset(found.removed))
        owned = without_system_fields(mine)
        unchanged = manager in managers and managers[manager].paths == owned and before == merged
        take(managers, manager, owned, managers[manager].time if unchanged else self.now)
        return merged, managers

    def _resolve(self, managers: Managers, manager: Manager, changes: Paths, force: bool) -> None:
        conflicts = {
            other: owned.paths & changes
            for other, owned in managers.items()
            if other != manager and owned.paths & changes
        }
        if conflicts and not force:
            raise ConflictError(conflicts)
        release(managers, manager, changes)

    def _prune(self, merged: Json, last: Paths, owned: Paths) -> Json:
        """Remove what this applier set last time and nobody sets now."""
        if not last:
            return merged
        of = self._type
        last = with_named_parents(last, of)
        pruned = remove(merged, of, tree(last)) or {}
        everything = with_named_parents(field_set(merged, of), of)
        left = with_named_parents(field_set(pruned, of), of)
        pruned = remove(merged, of, tree(everything - (left | with_named_parents(owned, of)))) or {}
        left = with_named_parents(field_set(pruned, of), of)
        # Items under a pruned parent that this applier never owned stay.
        return remove(merged, of, tree((everything - left) & last)) or {}

    def _ownable(self, paths: Paths) -> Paths:
        if self.subresource:
            return under(paths, self.subresource)
        return paths - under(paths, "status") if self.kind.status else paths

    def _may_force(self, live: Json, name: str, error: ConflictError) -> bool:
        """Whether the conflicts are only with what `kubectl apply` of the same person wrote client-side before."""
        if name != "kubectl":
            return False
        text = metadata_of(live).get("annotations", {}).get(LAST_APPLIED, "")
        try:
            config = json.loads(text)
        except ValueError:
            return False
        if not isinstance(config, dict) or config.get("apiVersion") != self.kind.api_version:
            return False
        fields = field_set(_plain(config), self._type)
        found = compare(_plain(config), _plain(live), self._type)
        allowed = fields - found.modified - found.removed
        return all(paths <= allowed for paths in error.conflicts.values())

    def _conflict(self, error: ConflictError) -> StatusError:
        shown = {key.show(self.kind.api_version): sorted(paths) for key, paths in error.conflicts.items()}
        causes = [
            Cause("FieldManagerConflict", show(path), f"conflict with {manager}").as_json()
            for manager, paths in sorted(shown.items())
            for path in paths
        ]
        return StatusError(409, "Conflict", _conflict_message(shown), {"causes": causes})


def _conflict_message(shown: dict[str, list[Path]]) -> str:
    count = sum(len(paths) for paths in shown.values())
    if count == 1:
        manager, (path,) = next(iter(shown.items()))
        return f"Apply failed with 1 conflict: conflict with {manager}: {show(path)}"
    lines: list[str] = []
    for manager, paths in sorted(shown.items()):
        lines += [f"conflicts with {manager}:", *(f"- {show(path)}" for path in paths)]
    return f"Apply failed with {count} conflicts: " + "\n".join(lines)


def _plain(obj: Any) -> Json:
    """The object as its fields are owned: no nulls, no kind, no managedFields."""
    plain: Json = {key: without_nulls(value) for key, value in obj.items() if value is not None}
    plain.pop("kind", None)
    plain.pop("apiVersion", None)
    if isinstance(plain.get("metadata"), dict):
        plain["metadata"].pop("managedFields", None)
    return plain
