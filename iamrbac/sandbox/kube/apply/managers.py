"""metadata.managedFields: which manager owns which fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from iamrbac.sandbox.kube.apply.paths import NO_PATHS, Path, Paths, Step, from_fields, to_fields

Operation = Literal["Apply", "Update"]


class Manager(NamedTuple):
    """Who owns fields: a name, by which operation, through which subresource."""

    name: str
    operation: Operation
    subresource: str = ""

    def show(self, api_version: str) -> str:
        """As conflict messages name it."""
        text = f'"{self.name}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return f"{text} using {api_version}" if self.operation == "Update" else text


@dataclass(frozen=True, slots=True)
class Owned:
    """The fields of one manager, and when it last changed them (RFC 3339)."""

    paths: Paths
    time: str


Managers = dict[Manager, Owned]

MAX_UPDATERS = 10
_ANCIENT = Manager("ancient-changes", "Update")
_NEVER_OWNED: Paths = frozenset(
    (
        (Step("f", "apiVersion"),),
        (Step("f", "kind"),),
        (Step("f", "metadata"),),
        *(
            (Step("f", "metadata"), Step("f", name))
            for name in (
                "name",
                "namespace",
                "creationTimestamp",
                "selfLink",
                "uid",
                "clusterName",
                "generation",
                "managedFields",
                "resourceVersion",
            )
        ),
    )
)


def without_system_fields(paths: Paths) -> Paths:
    """The set without what nobody owns: kind, name, uid and the like."""
    return paths - _NEVER_OWNED


def under(paths: Paths, first: str) -> Paths:
    """What of the set lies under a top-level field (`status`)."""
    step = Step("f", first)
    return frozenset(path for path in paths if path[0] == step)


def decode(metadata: Mapping[str, Any]) -> Managers:
    """Read managedFields. Raises ValueError when an entry is malformed."""
    managers: Managers = {}
    for entry in metadata.get("managedFields") or ():
        operation = entry.get("operation")
        if operation not in ("Apply", "Update"):
            raise ValueError(f"unknown operation {operation!r}")
        key = Manager(entry.get("manager") or "unknown", operation, entry.get("subresource", ""))
        before = managers[key].paths if key in managers else NO_PATHS
        managers[key] = Owned(before | from_fields(entry.get("fieldsV1") or {}), entry.get("time", ""))
    return managers


def encode(managers: Managers, api_version: str) -> list[dict[str, Any]]:
    """Write managedFields, in the server's order: appliers first, then by time and name."""
    order = sorted(managers.items(), key=lambda item: (item[0].operation, item[1].time, item[0].name, item[0]))
    return [_entry(manager, owned, api_version) for manager, owned in order]


def _entry(manager: Manager, owned: Owned, api_version: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": api_version,
        "time": owned.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": to_fields(owned.paths),
    }
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return {key: value for key, value in entry.items() if value or key == "fieldsV1"}


def take(managers: Managers, manager: Manager, paths: Paths, time: str) -> None:
    """Give `paths` to a manager, in place; a manager without fields goes."""
    if paths:
        managers[manager] = Owned(paths, time)
    else:
        managers.pop(manager, None)


def release(managers: Managers, keep: Manager, paths: frozenset[Path]) -> None:
    """Take `paths` from everybody but `keep`, in place."""
    for other, owned in list(managers.items()):
        if other != keep and owned.paths & paths:
            take(managers, other, owned.paths - paths, owned.time)


def merge_oldest(managers: Managers) -> None:
    """Keep at most ten updaters, in place: the oldest become `ancient-changes`, as in the real server."""
    updaters = sorted((key for key in managers if key.operation == "Update"), key=lambda key: managers[key].time)
    if len(updaters) <= MAX_UPDATERS:
        return
    spare = len(updaters) - MAX_UPDATERS + (_ANCIENT not in managers)
    old = [key for key in updaters if key != _ANCIENT][:spare]
    paths, time = NO_PATHS, ""
    for key in {*old, _ANCIENT} & set(managers):
        owned = managers.pop(key)
        paths, time = paths | owned.paths, max(time, owned.time)
    managers[_ANCIENT] = Owned(paths, time)
