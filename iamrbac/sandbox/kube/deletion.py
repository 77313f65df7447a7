"""Delete: preconditions, finalizers, collections, and namespaces with all that is in them.

There is no garbage collector: dependents by ownerReferences stay, and every propagationPolicy deletes at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from iamrbac.sandbox.kube import aggregation
from iamrbac.sandbox.kube.kinds import NAMESPACE
from iamrbac.sandbox.kube.options import Cluster, Write
from iamrbac.sandbox.kube.status import conflict, forbidden, invalid, not_found, unsupported_value
from iamrbac.sandbox.kube.store import Stored
from iamrbac.sandbox.kube.values import Json, clone

_IMMORTAL: Final = ("default", "kube-system", "kube-public")
_POLICIES: Final = ("Foreground", "Background", "Orphan")


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What must hold for a deletion: the object's uid and version, where they are given."""

    uid: str = ""
    version: str = ""


def read_options(value: Mapping[str, Any]) -> tuple[Preconditions, bool]:
    """Preconditions of canonical DeleteOptions, and whether it is a dry run. Raises StatusError 422."""
    policy, dry_run = value.get("propagationPolicy"), value.get("dryRun", [])
    causes = [unsupported_value("dryRun", dry_run, ("All",))] if set(dry_run) - {"All"} else []
    if policy is not None and policy not in _POLICIES:
        causes.append(unsupported_value("propagationPolicy", policy, (*_POLICIES, "nil")))
    if causes:
        raise invalid("meta.k8s.io", "DeleteOptions", "", causes)
    wanted = value.get("preconditions", {})
    return Preconditions(wanted.get("uid", ""), wanted.get("resourceVersion", "")), bool(dry_run)


def delete(write: Write, name: str, preconditions: Preconditions) -> Json:
    """DELETE of one object: a Status, or the object where it stays for now or the kind answers so."""
    with write.cluster.store.lock:
        existing = write.cluster.store.get(write.kind, write.namespace, name)
        if existing is None:
            raise not_found(write.kind.group, write.kind.plural, name)
        _check(write, existing, preconditions)
        return _delete(write, existing)


def delete_all(write: Write, found: Iterable[Stored]) -> None:
    """DELETE of a collection."""
    with write.cluster.store.lock:
        for existing in found:
            if write.cluster.store.get(write.kind, existing.namespace, existing.name) is not None:
                _delete(write, existing)


def finish(cluster: Cluster, existing: Stored, obj: Json) -> Stored:
    """End a deletion after an update, `obj`, that left no finalizers."""
    if existing.kind != NAMESPACE:
        return _remove(cluster, existing)
    stored = existing if obj == existing.object else cluster.store.put(NAMESPACE, obj)
    _finish_namespace(cluster, stored)
    return stored


def _remove(cluster: Cluster, existing: Stored) -> Stored:
    gone = cluster.store.remove(existing)
    if existing.kind.kind == "ClusterRole":
        aggregation.settle(cluster, existing)
    namespace = cluster.store.get(NAMESPACE, "", existing.namespace) if existing.namespace else None
    if namespace is not None and "deletionTimestamp" in namespace.metadata:
        _finish_namespace(cluster, namespace)
    return gone


def _check(write: Write, existing: Stored, wanted: Preconditions) -> None:
    if write.kind == NAMESPACE and existing.name in _IMMORTAL:
        raise forbidden("", "namespaces", existing.name, "this namespace may not be deleted")
    uid, version = existing.metadata["uid"], str(existing.version)
    if wanted.uid and wanted.uid != uid:
        raise conflict(
            write.kind.group,
            write.kind.kind,
            existing.name,
            f"the UID in the precondition ({wanted.uid}) does not match the UID in record ({uid}). "
            "The object might have been deleted and then recreated",
        )
    if wanted.version and wanted.version != version:
        raise conflict(
            write.kind.group,
            write.kind.kind,
            existing.name,
            f"the ResourceVersion in the precondition ({wanted.version}) does not match the ResourceVersion in record "
            f"({version}). The object might have been modified",
        )


def _delete(write: Write, existing: Stored) -> Json:
    if write.kind == NAMESPACE:
        return _delete_namespace(write, existing)
    if write.options.dry_run:
        return existing.manifest if write.kind.returns_deleted else _success(existing)
    if existing.metadata.get("finalizers"):
        return _mark(write.cluster, existing).manifest
    gone = _remove(write.cluster, existing)
    return gone.manifest if write.kind.returns_deleted else _success(existing)


def _mark(cluster: Cluster, existing: Stored) -> Stored:
    if "deletionTimestamp" in existing.metadata:
        return existing
    obj = clone(existing.object)
    obj["metadata"] |= {"deletionTimestamp": cluster.now(), "deletionGracePeriodSeconds": 0}
    if existing.kind == NAMESPACE:
        obj["metadata"].pop("deletionGracePeriodSeconds")
        obj["status"]["phase"] = "Terminating"
    return cluster.store.put(existing.kind, obj)


def _delete_namespace(write: Write, existing: Stored) -> Json:
    if "deletionTimestamp" in existing.metadata:
        return existing.manifest
    if write.options.dry_run:
        return existing.manifest
    marked = _mark(write.cluster, existing)
    for content in write.cluster.store.in_namespace(existing.name):
        if content.metadata.get("finalizers"):
            _mark(write.cluster, content)
        else:
            write.cluster.store.remove(content)
    _finish_namespace(write.cluster, marked)
    return marked.manifest


def _finish_namespace(cluster: Cluster, namespace: Stored) -> None:
    """The namespace goes with its last content; its own finalizers hold it back."""
    if not cluster.store.in_namespace(namespace.name) and not namespace.metadata.get("finalizers"):
        cluster.store.remove(namespace)


def _success(existing: Stored) -> Json:
    kind = existing.kind
    details = {"name": existing.name, "group": kind.group, "kind": kind.plural, "uid": existing.metadata["uid"]}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: value for key, value in details.items() if value},
    }
