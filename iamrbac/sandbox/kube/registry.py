"""Create, update, patch and apply: what a write makes of the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from iamrbac.rbac.objects import Request
from iamrbac.sandbox.kube import aggregation, deletion, guard, system
from iamrbac.sandbox.kube.apply.fieldmanager import FieldManager
from iamrbac.sandbox.kube.apply.typed import TypedError
from iamrbac.sandbox.kube.decode import applied_object, decode, decode_config, decode_patched, empty
from iamrbac.sandbox.kube.options import Write
from iamrbac.sandbox.kube.status import (
    already_exists,
    bad_request,
    conflict,
    invalid,
    invalid_value,
    not_found,
    plain_failure,
)
from iamrbac.sandbox.kube.store import Stored
from iamrbac.sandbox.kube.validation import causes
from iamrbac.sandbox.kube.values import Json, clone, metadata_of, without_nulls


@dataclass(frozen=True, slots=True)
class Written:
    """What a write gave: the object as it is (or, dry, would be), and whether it is new."""

    stored: Stored
    created: bool = False


def create(write: Write, value: Mapping[str, Any]) -> Written:
    """POST. Raises StatusError."""
    obj = decode(write, value)
    with write.cluster.store.lock:
        return _create(write, obj, applied=False)


def update(write: Write, name: str, value: Mapping[str, Any]) -> Written:
    """PUT; on some kinds it creates what is not there. Raises StatusError."""
    obj = decode(write, value)
    _check_name(obj, name)
    with write.cluster.store.lock:
        existing = write.cluster.store.get(write.kind, write.namespace, name)
        if existing is not None:
            return _update(write, obj, existing, applied=False)
        if not write.kind.create_on_update or write.subresource:
            raise not_found(write.kind.group, write.kind.plural, name)
        _require_create(write, name)
        return _create(write, obj, applied=False)


def patch(write: Write, name: str, change: Callable[[Json], Any]) -> Written:
    """PATCH other than apply: `change` makes the new object, with apiVersion and kind, of a copy of the old one."""
    with write.cluster.store.lock:
        existing = write.cluster.store.get(write.kind, write.namespace, name)
        if existing is None:
            raise not_found(write.kind.group, write.kind.plural, name)
        changed = change(clone(existing.manifest))
        if not isinstance(changed, dict):
            raise bad_request("the patch does not give an object")
        obj = decode_patched(write, changed)
        _check_name(obj, name)
        return _update(write, obj, existing, applied=False)


def apply(write: Write, name: str, config: Mapping[str, Any]) -> Written:
    """PATCH as server-side apply; it creates what is not there."""
    decode_config(write, config)
    with write.cluster.store.lock:
        existing = write.cluster.store.get(write.kind, write.namespace, name)
        live = existing.object if existing is not None else empty(write.kind)
        manager = FieldManager(write.kind, write.cluster.now(), write.subresource)
        try:
            merged, managed = manager.applied(live, without_nulls(config), write.options.manager, write.options.force)
        except TypedError as error:
            where = applied_object(write, config)
            raise plain_failure(f"failed to create typed patch object ({where}): {error}") from None
        merged["metadata"]["managedFields"] = managed
        obj = decode_patched(write, merged)
        _check_name(obj, name)
        if existing is not None:
            return _update(write, obj, existing, applied=True)
        if write.subresource:
            raise not_found(write.kind.group, write.kind.plural, name)
        _require_create(write, name)
        return _create(write, obj, applied=True)


def _create(write: Write, obj: Json, *, applied: bool) -> Written:
    store, kind = write.cluster.store, write.kind
    if not applied:
        _own(write, empty(kind), obj)
    system.initialise(write, obj)
    name = metadata_of(obj).get("name", "")
    system.require_namespace(write, name)
    guard.check(write, obj, None)
    _validate(write, obj, None)
    if store.get(kind, write.namespace, name) is not None:
        raise already_exists(kind.group, kind.plural, name)
    if write.options.dry_run:
        return Written(Stored(kind, obj, 0), created=True)
    stored = store.put(kind, obj)
    _after(write, stored, None)
    return Written(stored, created=True)


def _update(write: Write, obj: Json, existing: Stored, *, applied: bool) -> Written:
    store, old = write.cluster.store, existing.object
    system.place(write, obj)
    _check_uid(write, obj, existing)
    guard.check(write, obj, old)
    _check_version(write, obj, existing)
    system.carry_over(write, obj, old)
    if not applied:
        _own(write, old, obj)
    obj["metadata"]["resourceVersion"] = str(existing.version)
    _validate(write, obj, old)
    metadata = metadata_of(obj)
    if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
        return Written(existing if write.options.dry_run else deletion.finish(write.cluster, existing, obj))
    if obj == old:
        return Written(existing)
    if write.options.dry_run:
        return Written(Stored(write.kind, obj, existing.version))
    stored = store.put(write.kind, obj)
    _after(write, stored, existing)
    return Written(stored)


def _own(write: Write, live: Json, obj: Json) -> None:
    manager = FieldManager(write.kind, write.cluster.now(), write.subresource)
    managed = manager.updated(live, obj, write.options.manager)
    obj["metadata"].pop("managedFields", None)
    if managed:
        obj["metadata"]["managedFields"] = managed


def _validate(write: Write, obj: Json, old: Json | None) -> None:
    found = causes(write.kind, obj, old)
    if found:
        raise invalid(write.kind.group, write.kind.kind, metadata_of(obj).get("name", ""), found)


def _check_name(obj: Json, name: str) -> None:
    own = metadata_of(obj).get("name", "")
    if not own:
        raise bad_request(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")
    if own != name:
        raise bad_request(f"the name of the object ({own}) does not match the name on the URL ({name})")


def _check_uid(write: Write, obj: Json, existing: Stored) -> None:
    asked, real = metadata_of(obj).get("uid"), existing.metadata["uid"]
    if asked and asked != real:
        why = f"Precondition failed: UID in precondition: {asked}, UID in object meta: {real}"
        raise conflict(write.kind.group, write.kind.plural, existing.name, why)


def _check_version(write: Write, obj: Json, existing: Stored) -> None:
    asked = metadata_of(obj).get("resourceVersion")
    if not asked and not write.kind.unconditional_update:
        cause = invalid_value("metadata.resourceVersion", 0, "must be specified for an update")
        raise invalid(write.kind.group, write.kind.plural, existing.name, [cause])
    if asked and asked != str(existing.version):
        raise conflict(write.kind.group, write.kind.plural, existing.name)


def _require_create(write: Write, name: str) -> None:
    request = Request("create", write.kind.plural, write.kind.group, "", name, write.namespace)
    write.cluster.access.require(write.caller, request)


def _after(write: Write, stored: Stored | None, before: Stored | None) -> None:
    if write.kind.kind == "ClusterRole":
        aggregation.settle(write.cluster, stored, before)
