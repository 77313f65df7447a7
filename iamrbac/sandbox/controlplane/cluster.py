"""A cluster of the sandbox on real servers: what EmbeddedCluster is, with a control plane behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from iamrbac.rbac.objects import Role
from iamrbac.rbac.wire import role_from_json
from iamrbac.sandbox.controlplane.eks import EksFront
from iamrbac.sandbox.controlplane.files import StaticUser
from iamrbac.sandbox.controlplane.objects import Objects
from iamrbac.sandbox.controlplane.server import ControlPlane
from iamrbac.sandbox.kube import bootstrap

_SETUP: Final = StaticUser("iamrbac-sandbox", ("system:masters",), "setup")


class RealCluster:
    """One cluster: etcd, kube-apiserver, controllers, and EKS's front. `namespaces` and `manifests` are there from
    the start.
    """

    def __init__(
        self, name: str, front: EksFront, namespaces: Iterable[str], manifests: Iterable[dict[str, Any]]
    ) -> None:
        self.name = name
        self._front = front
        self._plane = ControlPlane(name, [_SETUP], front)
        self._manifests = (*map(bootstrap.namespace, namespaces), *manifests)
        self._objects: Objects | None = None
        self._built_in: Mapping[str, Role] = {}

    @property
    def url(self) -> str:
        """https://127.0.0.1:PORT. Raises RuntimeError before `launch`."""
        return self._plane.url

    @property
    def ca_pem(self) -> str:
        """The certificate authority of the API's certificate, PEM. Raises RuntimeError before `launch`."""
        return self._plane.ca_pem

    @property
    def token(self) -> str:
        """The token of a member of system:masters whom neither entries nor rows map. Only after `launch`."""
        return self._plane.tokens[_SETUP.name]

    @property
    def store(self) -> Objects:
        """Its objects. Raises RuntimeError before `wait`."""
        if self._objects is None:
            raise RuntimeError(f"the cluster {self.name} is not running")
        return self._objects

    def launch(self) -> None:
        """Start the servers without waiting for them. Raises BinaryError."""
        self._plane.launch()

    def wait(self) -> None:
        """Wait until all of it is of use. Raises BinaryError, ControlPlaneError, or SandboxError for a manifest."""
        self._plane.wait()
        self._objects = Objects(self._plane.url, self._plane.ca_pem, self.token)
        for manifest in self._manifests:
            self._objects.put(manifest)
        roles = [role for role in self._objects.list("ClusterRole") if bootstrap.is_default(_labels(role))]
        self._built_in = {role["metadata"]["name"]: role_from_json(role) for role in roles}

    def check(self) -> None:
        """Raise ControlPlaneError, with the end of its log, for a server that has ended by itself."""
        self._plane.check()
        self._front.check()

    def stop(self) -> None:
        """End everything."""
        self._objects = None
        self._front.stop()
        self._plane.stop()

    def aws_auth_data(self) -> Mapping[str, str] | None:
        """The data of the ConfigMap kube-system/aws-auth; None when there is none."""
        found = self.store.get("ConfigMap", "kube-system", "aws-auth")
        return None if found is None else found.get("data", {})

    def builtin_roles(self) -> Mapping[str, Role]:
        """The built-in ClusterRoles, aggregated, as they were in the beginning: access policies do not follow them."""
        return self._built_in


def _labels(item: Mapping[str, Any]) -> Mapping[str, str]:
    labels: Mapping[str, str] = item["metadata"].get("labels", {})
    return labels
