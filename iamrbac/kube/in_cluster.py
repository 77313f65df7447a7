"""The cluster that we run on, as its Pods reach it: by the ServiceAccount's files and the environment.

Source: Kubernetes, "Accessing the Kubernetes API from a Pod", and client-go's rest.InClusterConfig.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from iamrbac.model.errors import InClusterError
from iamrbac.plan.observed import Target

FOLDER: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
FOLDER_VARIABLE: Final = "IAMRBAC_SERVICE_ACCOUNT_DIR"
TOKEN_LIFE: Final = 60.0
"""Seconds after which the token's file is read again, as client-go does; the kubelet renews it long before it ends."""


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A Pod's own way to its cluster."""

    folder: Path
    endpoint: str

    @classmethod
    def found(cls, environ: Mapping[str, str]) -> ServiceAccount:
        """Return that of this Pod. Raises InClusterError outside of one."""
        host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "")
        if not host or not port:
            raise InClusterError(
                "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set",
                where="--in-cluster",
                hint="run it in a Pod, or leave --in-cluster out: clusters are then reached as EKS has them",
            )
        shown = f"[{host}]" if ":" in host else host
        return cls(Path(environ.get(FOLDER_VARIABLE) or FOLDER), f"https://{shown}:{port}")

    def token(self) -> str:
        """Return the token as it is now. Raises InClusterError."""
        return self._read("token")

    def namespace(self) -> str:
        """Return the Pod's namespace. Raises InClusterError."""
        return self._read("namespace")

    def target(self, name: str) -> Target:
        """Return the cluster by what is known here, which is not what EKS says of it. Raises InClusterError."""
        return Target(name, name, "arn:aws:eks:::", "", self.endpoint, self._read("ca.crt"), "API")

    def reached(self, target: Target) -> Target:
        """Return a cluster as it is reached from here. Raises InClusterError."""
        return replace(
            target,
            endpoint=self.endpoint,
            certificate_authority=self._read("ca.crt"),
            role=None,
            proxy_url=None,
            tls_server_name=None,
        )

    def _read(self, name: str) -> str:
        path = self.folder / name
        try:
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text"
            hint = "let the Pod mount its ServiceAccount's token (automountServiceAccountToken)"
            raise InClusterError(f"cannot be read: {why}", where=str(path), hint=hint) from error
        if not text:
            raise InClusterError("it is empty", where=str(path), hint="look at the Pod's projected volume")
        return text
