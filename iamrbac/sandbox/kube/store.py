"""The cluster's state, in memory: versioned objects, consistent snapshots for paging, and a log for watches.

Stored objects are never changed in place: a write puts a new one, so that readers need no lock.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final, Literal

from iamrbac.rbac.objects import Binding, Role
from iamrbac.rbac.wire import binding_from_json, role_from_json
from iamrbac.sandbox.kube.kinds import KINDS, Kind

EventType = Literal["ADDED", "MODIFIED", "DELETED"]
LOG_LENGTH: Final = 10_000
SNAPSHOTS: Final = 64


class Stored:
    """One object at one version. `object` has neither apiVersion nor kind, and must not be changed."""

    __slots__ = ("_json", "_rbac", "key", "kind", "name", "namespace", "object", "version")

    def __init__(self, kind: Kind, obj: dict[str, Any], version: int) -> None:
        metadata = obj["metadata"]
        self.kind = kind
        self.object = obj
        self.version = version
        self.namespace: str = metadata.get("namespace", "")
        self.name: str = metadata["name"]
        self.key = f"{self.namespace}/{self.name}" if kind.namespaced else self.name
        self._json: bytes | None = None
        self._rbac: Role | Binding | None = None

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The object's metadata."""
        metadata: Mapping[str, Any] = self.object["metadata"]
        return metadata

    @property
    def labels(self) -> Mapping[str, str]:
        """The object's labels."""
        labels: Mapping[str, str] = self.metadata.get("labels", {})
        return labels

    @property
    def json(self) -> bytes:
        """The object as a list shows it: without apiVersion and kind."""
        if self._json is None:
            self._json = json.dumps(self.object, separators=(",", ":"), ensure_ascii=False).encode()
        return self._json

    @property
    def manifest(self) -> dict[str, Any]:
        """The object with apiVersion and kind."""
        return {"kind": self.kind.kind, "apiVersion": self.kind.api_version, **self.object}

    @property
    def role(self) -> Role:
        """A Role or ClusterRole as a value."""
        if not isinstance(self._rbac, Role):
            self._rbac = role_from_json(self.manifest)
        return self._rbac

    @property
    def binding(self) -> Binding:
        """A RoleBinding or ClusterRoleBinding as a value."""
        if not isinstance(self._rbac, Binding):
            self._rbac = binding_from_json(self.manifest)
        return self._rbac


@dataclass(frozen=True, slots=True)
class Event:
    """One write: what is there now (for DELETED: what was, with the version of its end), and what was before."""

    type: EventType
    stored: Stored
    previous: Stored | None


class Store:
    """All objects of a cluster. Hold `lock` around reading and writing that belong together."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.version = 1
        self._changed = threading.Condition(self.lock)
        self._objects: dict[tuple[str, str], dict[str, Stored]] = {}
        self._views: dict[str, tuple[Stored, ...]] = {}
        self._last: dict[tuple[str, str], int] = {}
        self._log: deque[Event] = deque(maxlen=LOG_LENGTH)
        self._snapshots: OrderedDict[tuple[str, int], tuple[Stored, ...]] = OrderedDict()
        self.closed = False

    def get(self, kind: Kind, namespace: str, name: str) -> Stored | None:
        """The object of that name, or None. `namespace` is "" for a kind without namespaces."""
        return self._objects.get((kind.kind, namespace), {}).get(name)

    def objects(self, kind: Kind, namespace: str) -> tuple[Stored, ...]:
        """All objects of a kind in one namespace ("" for a kind without), in no order."""
        with self.lock:
            return tuple(self._objects.get((kind.kind, namespace), {}).values())

    def view(self, kind: Kind) -> tuple[int, tuple[Stored, ...]]:
        """The version now, and all objects of the kind in the order of their keys."""
        with self.lock:
            view = self._views.get(kind.kind)
            if view is None:
                found = [
                    stored for (of, _), held in self._objects.items() if of == kind.kind for stored in held.values()
                ]
                view = self._views[kind.kind] = tuple(sorted(found, key=lambda stored: stored.key))
            return self.version, view

    def last_change(self, kind: str, namespace: str) -> int:
        """The version of the last write to objects of that kind in that namespace."""
        return self._last.get((kind, namespace), 0)

    def put(self, kind: Kind, obj: dict[str, Any]) -> Stored:
        """Create or replace an object; it gets the next version. `obj` belongs to the store afterwards."""
        with self.lock:
            self.version += 1
            obj["metadata"]["resourceVersion"] = str(self.version)
            stored = Stored(kind, obj, self.version)
            previous = self.get(kind, stored.namespace, stored.name)
            self._objects.setdefault((kind.kind, stored.namespace), {})[stored.name] = stored
            self._note(Event("MODIFIED" if previous else "ADDED", stored, previous))
            return stored

    def remove(self, stored: Stored) -> Stored:
        """Remove an object and return it as it was, with the version of its end."""
        with self.lock:
            del self._objects[stored.kind.kind, stored.namespace][stored.name]
            self.version += 1
            metadata = {**stored.metadata, "resourceVersion": str(self.version)}
            gone = Stored(stored.kind, {**stored.object, "metadata": metadata}, self.version)
            self._note(Event("DELETED", gone, stored))
            return gone

    def in_namespace(self, namespace: str) -> tuple[Stored, ...]:
        """Everything in a namespace."""
        with self.lock:
            return tuple(stored for kind in KINDS if kind.namespaced for stored in self.objects(kind, namespace))

    def keep_snapshot(self, kind: Kind, version: int, view: tuple[Stored, ...]) -> None:
        """Keep a view for the pages after the first; old ones go (410 for whoever still asks for them)."""
        with self.lock:
            self._snapshots[kind.kind, version] = view
            self._snapshots.move_to_end((kind.kind, version))
            if len(self._snapshots) > SNAPSHOTS:
                self._snapshots.popitem(last=False)

    def snapshot(self, kind: Kind, version: int) -> tuple[Stored, ...] | None:
        """A view that was kept, or None."""
        with self.lock:
            return self._snapshots.get((kind.kind, version))

    def events_after(self, version: int, timeout: float) -> tuple[Event, ...] | None:
        """Events after `version`, waiting up to `timeout` seconds for the first; () when there is none.

        None when the log does not reach back so far, or the store is `closed`.
        """
        with self._changed:
            if not self.closed and self.version <= version:
                self._changed.wait(timeout)
            if self.closed or version < self._oldest():
                return None
            fresh = takewhile(lambda event: event.stored.version > version, reversed(self._log))
            return tuple(fresh)[::-1]

    def close(self) -> None:
        """End all watches."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def _oldest(self) -> int:
        return self._log[0].stored.version - 1 if len(self._log) == LOG_LENGTH else 0

    def _note(self, event: Event) -> None:
        kind = event.stored.kind.kind
        self._views.pop(kind, None)
        self._last[kind, event.stored.namespace] = event.stored.version
        self._log.append(event)
        self._changed.notify_all()
