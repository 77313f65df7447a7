"""The metadata that the server owns, and the rules about namespaces that every write follows."""

from __future__ import annotations

import secrets
import uuid
from typing import Final

from iamrbac.sandbox.kube.decode import empty
from iamrbac.sandbox.kube.defaults import default
from iamrbac.sandbox.kube.kinds import NAMESPACE, Kind
from iamrbac.sandbox.kube.options import Write
from iamrbac.sandbox.kube.status import Cause, bad_request, forbidden, not_found, plain_failure
from iamrbac.sandbox.kube.values import Json, clone

_SUFFIX: Final = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH: Final = 5
_LONGEST_BASE: Final = 63 - _SUFFIX_LENGTH
_OWNED: Final = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "generation",
)


def initialise(write: Write, obj: Json) -> None:
    """Give a new object its system fields and its status, in place."""
    metadata = obj["metadata"]
    if metadata.get("resourceVersion"):
        raise plain_failure("resourceVersion should not be set on objects to be created")
    for field in _OWNED:
        metadata.pop(field, None)
    place(write, obj)
    if not metadata.get("name") and metadata.get("generateName"):
        suffix = "".join(secrets.choice(_SUFFIX) for _ in range(_SUFFIX_LENGTH))
        metadata["name"] = metadata["generateName"][:_LONGEST_BASE] + suffix
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = write.cluster.now()
    if write.kind.generation:
        metadata["generation"] = 1
    if write.kind.status:
        obj["status"] = _first_status(write.kind)
    if write.kind == NAMESPACE:
        obj["spec"] = {"finalizers": ["kubernetes"]}
        default(write.kind, obj)


def _first_status(kind: Kind) -> Json:
    if kind == NAMESPACE:
        return {"phase": "Active"}
    obj = empty(kind)
    if kind.kind == "Pod":
        obj["status"]["phase"] = "Pending"
    status: Json = obj["status"]
    return status


def carry_over(write: Write, obj: Json, old: Json) -> None:
    """Give an updated object what an update cannot change, in place."""
    metadata, before = obj["metadata"], old["metadata"]
    for field in _OWNED:
        kept = field in before and (field != "uid" or not metadata.get("uid"))
        if kept:
            metadata[field] = before[field]
        elif field != "uid":
            metadata.pop(field, None)
    if write.subresource == "status":
        status = obj.get("status", {})
        managed = metadata.get("managedFields")
        version = metadata.get("resourceVersion", "")
        obj.clear()
        obj.update(clone(old))
        obj["status"] = status
        obj["metadata"]["resourceVersion"] = version
        if managed is not None:
            obj["metadata"]["managedFields"] = managed
        return
    if write.kind.status:
        obj["status"] = clone(old.get("status", {}))
    if write.kind == NAMESPACE:
        obj["spec"] = clone(old["spec"])
    if write.kind.generation and obj.get("spec") != old.get("spec"):
        metadata["generation"] = before.get("generation", 0) + 1


def place(write: Write, obj: Json) -> None:
    """Put the object where the URL says. Raises StatusError 400 when it says another namespace itself."""
    metadata = obj["metadata"]
    if not write.kind.namespaced:
        metadata.pop("namespace", None)
    elif metadata.setdefault("namespace", write.namespace) != write.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")


def require_namespace(write: Write, name: str) -> None:
    """Raise StatusError unless new content may be created in the namespace: 404, or 403 while it terminates."""
    if not write.kind.namespaced:
        return
    stored = write.cluster.store.get(NAMESPACE, "", write.namespace)
    if stored is None:
        raise not_found("", "namespaces", write.namespace)
    if "deletionTimestamp" in stored.metadata:
        why = f"unable to create new content in namespace {write.namespace} because it is being terminated"
        cause = Cause("NamespaceTerminating", "metadata.namespace", f"namespace {write.namespace} is being terminated")
        raise forbidden(write.kind.group, write.kind.plural, name, why, [cause])
