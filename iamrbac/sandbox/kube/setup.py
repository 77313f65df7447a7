"""In-process access for the sandbox's own set-up: no HTTP, no authorization."""

from __future__ import annotations

from typing import Any, Final

from iamrbac.rbac.objects import User
from iamrbac.rbac.subjects import MASTERS
from iamrbac.sandbox.kube import registry
from iamrbac.sandbox.kube.caller import Caller
from iamrbac.sandbox.kube.kinds import BY_KIND, NAMESPACE
from iamrbac.sandbox.kube.options import Cluster, Options, Write
from iamrbac.sandbox.kube.values import Json, clone, metadata_of

_SANDBOX: Final = Caller(User("system:apiserver", (MASTERS,)))


class Setup:
    """Reads and writes objects as manifests."""

    def __init__(self, cluster: Cluster, manager: str) -> None:
        self._cluster = cluster
        self._manager = manager

    def get(self, kind: str, namespace: str | None, name: str) -> Json | None:
        """A copy of an object with apiVersion and kind, or None. Raises KeyError for a kind that is not served."""
        stored = self._cluster.store.get(BY_KIND[kind], namespace or "", name)
        return None if stored is None else clone(stored.manifest)

    def list(self, kind: str, namespace: str | None = None) -> list[Json]:
        """Copies of all objects of a kind, of one namespace or (None) of all, sorted by namespace and name."""
        _, view = self._cluster.store.view(BY_KIND[kind])
        return [clone(stored.manifest) for stored in view if namespace is None or stored.namespace == namespace]

    def put(self, manifest: dict[str, Any]) -> Json:
        """Create or replace an object; a missing namespace is created. Raises StatusError when it is not valid.

        Raises KeyError for a kind that is not served.
        """
        kind = BY_KIND[manifest["kind"]]
        namespace = metadata_of(manifest).get("namespace", "default") if kind.namespaced else ""
        store = self._cluster.store
        with store.lock:
            if namespace and store.get(NAMESPACE, "", namespace) is None:
                self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
            write = Write(self._cluster, _SANDBOX, kind, namespace, Options(manager=self._manager, validation="Strict"))
            name = metadata_of(manifest).get("name", "")
            exists = store.get(kind, namespace, name) is not None
            value = clone(manifest)
            written = registry.update(write, name, value) if exists else registry.create(write, value)
            stored: Json = clone(written.stored.manifest)
            return stored
