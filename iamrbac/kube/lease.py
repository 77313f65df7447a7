"""Leases (coordination.k8s.io/v1), as client-go's leader election reads and writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from iamrbac.kube import single
from iamrbac.kube.errors import unreadable
from iamrbac.kube.transport import Transport
from iamrbac.usecases.lease import Lease

TIMEOUT = (3.0, 5.0)
"""Seconds to connect and to read: a renewal that hangs must leave time for the next."""


def read_lease(transport: Transport, namespace: str, name: str) -> Lease | None:
    """Return a lease; None when the API says that it is not there. Raises KubeError."""
    doing = f"get lease {namespace}/{name}"
    body = single.read(transport, doing, single.item(_collection(namespace), name))
    return None if body is None else _shaped(transport.cluster, doing, body)


def write_lease(transport: Transport, namespace: str, name: str, lease: Lease) -> Lease:
    """POST a new lease or PUT one over its version; return it as it is now. Raises KubeError and its kinds."""
    doing = f"{'update' if lease.version else 'create'} lease {namespace}/{name}"
    spec: dict[str, Any] = {
        "holderIdentity": lease.holder,
        "leaseDurationSeconds": lease.duration,
        "acquireTime": lease.acquired,
        "renewTime": lease.renewed,
        "leaseTransitions": lease.transitions,
    }
    metadata = {**lease.metadata, "name": name, "namespace": namespace}
    if lease.version:
        metadata["resourceVersion"] = lease.version
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    return _shaped(transport.cluster, doing, single.write(transport, doing, _collection(namespace), body))


def _collection(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{quote(namespace, safe='')}/leases"


def _shaped(cluster: str, doing: str, body: object) -> Lease:
    metadata = body.get("metadata") if isinstance(body, Mapping) else None
    spec = body.get("spec") or {} if isinstance(body, Mapping) else None
    if not isinstance(metadata, Mapping) or not isinstance(spec, Mapping) or not metadata.get("resourceVersion"):
        raise unreadable(cluster, doing, "the answer is not a lease")
    return Lease(
        str(spec.get("holderIdentity") or ""),
        _number(spec.get("leaseDurationSeconds")),
        str(spec.get("acquireTime") or ""),
        str(spec.get("renewTime") or ""),
        _number(spec.get("leaseTransitions")),
        str(metadata["resourceVersion"]),
        dict(metadata),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
