"""An embedded Kubernetes cluster: an API on loopback whose callers the sandbox authenticates.

It keeps objects, judges RBAC and nothing else: no scheduling, no controllers but role aggregation. For learning and
for fast tests; the judge is a real API server.
"""

from __future__ import annotations

import secrets
import ssl
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

import trustme

from iamrbac.rbac.objects import Role, User
from iamrbac.rbac.subjects import MASTERS
from iamrbac.sandbox.kube import aggregation, bootstrap
from iamrbac.sandbox.kube.access import Access, Webhook
from iamrbac.sandbox.kube.api import Api, Authenticate
from iamrbac.sandbox.kube.caller import Caller
from iamrbac.sandbox.kube.kinds import BY_KIND
from iamrbac.sandbox.kube.options import Cluster
from iamrbac.sandbox.kube.setup import Setup
from iamrbac.sandbox.kube.store import Store
from iamrbac.sandbox.kube.wire import Server

_SETUP: Final = Caller(User("iamrbac-sandbox", (MASTERS,)), uid="setup")


class EmbeddedCluster:
    """One cluster, with its own certificate authority and port.

    `authenticate` makes a caller of a bearer token (None: 401); `webhook` is asked after RBAC said no. Both are called
    from several threads. `namespaces` and `manifests` are there from the start.
    """

    def __init__(
        self,
        name: str,
        authenticate: Authenticate,
        webhook: Webhook | None = None,
        namespaces: Iterable[str] = (),
        manifests: Iterable[dict[str, Any]] = (),
    ) -> None:
        self.name = name
        self.token = secrets.token_urlsafe(32)
        """The token of a member of system:masters whom neither entries nor rows map."""
        state = Store()
        cluster = Cluster(state, Access(state, webhook), _now)
        self.store = Setup(cluster, "iamrbac-sandbox")
        self._state = state
        self._api = Api(cluster, lambda token: _SETUP if token == self.token else authenticate(token))
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._authority = trustme.CA(organization_name=f"iamrbac sandbox {name}")
        self._fill(cluster, namespaces, manifests)

    def _fill(self, cluster: Cluster, namespaces: Iterable[str], manifests: Iterable[dict[str, Any]]) -> None:
        built_in = Setup(cluster, "kube-apiserver")
        for manifest in bootstrap.manifests():
            built_in.put(manifest)
        aggregation.settle(cluster)
        for namespace in namespaces:
            self.store.put(bootstrap.namespace(namespace))
        for manifest in manifests:
            self.store.put(manifest)

    @property
    def ca_pem(self) -> str:
        """The certificate authority of the API's certificate, PEM."""
        return self._authority.cert_pem.bytes().decode()

    @property
    def url(self) -> str:
        """https://127.0.0.1:PORT. Raises RuntimeError before `launch`."""
        if self._server is None:
            raise RuntimeError(f"the embedded cluster {self.name} is not running")
        return f"https://127.0.0.1:{self._server.port}"

    def launch(self) -> None:
        """Listen, and serve in the background."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        self._server = Server(self._api.handle, context)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Nothing to wait for: it is of use at once."""

    def check(self) -> None:
        """It does not end by itself."""

    def stop(self) -> None:
        """End all watches and connections and stop listening; the state is gone with the object."""
        if self._server is None or self._thread is None:
            return
        self._state.close()
        self._server.close()
        self._thread.join()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        self.launch()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def aws_auth_data(self) -> Mapping[str, str] | None:
        """The data of the ConfigMap kube-system/aws-auth; None when there is none."""
        stored = self._state.get(BY_KIND["ConfigMap"], "kube-system", "aws-auth")
        if stored is None:
            return None
        data: Mapping[str, str] = stored.object.get("data", {})
        return data

    def builtin_roles(self) -> Mapping[str, Role]:
        """The built-in ClusterRoles as they are now, aggregated, by name."""
        found = self._state.objects(BY_KIND["ClusterRole"], "")
        return {stored.name: stored.role for stored in found if bootstrap.is_default(stored.labels)}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
