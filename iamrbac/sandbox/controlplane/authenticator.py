"""EKS's own token check: the real aws-iam-authenticator, told what a cluster's mode and access entries are.

Its backend EKSConfigMap reads the cluster's aws-auth; DynamicFile reads here what the sandbox writes of the access
entries, by unique id. API is DynamicFile; API_AND_CONFIG_MAP is both in this order, so entries win; and so is
CONFIG_MAP, without entries: EKS changes that mode without a gap, and an authenticator that starts anew has one.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import trustme

from iamrbac.plan.observed import AuthenticationMode
from iamrbac.sandbox.controlplane import probe
from iamrbac.sandbox.controlplane.files import Files, kubeconfig, write
from iamrbac.sandbox.controlplane.ports import free_ports
from iamrbac.sandbox.controlplane.program import Program
from iamrbac.sandbox.controlplane.server import ControlPlane
from iamrbac.sandbox.mappings import Mappings

NAME: Final = "aws-iam-authenticator"
_HEALTH_PORT: Final = 21363
"""Where the authenticator would serve its health to every interface; nothing tells it not to (pkg/server, Run)."""
BACKENDS: Final[Mapping[AuthenticationMode, tuple[str, ...]]] = {
    "CONFIG_MAP": ("DynamicFile", "EKSConfigMap"),
    "API": ("DynamicFile",),
    "API_AND_CONFIG_MAP": ("DynamicFile", "EKSConfigMap"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster as tokens name it, and where its token check may ask STS: a proxy, and the CA to trust there."""

    cluster: str
    partition: str
    region: str
    proxy: str
    proxy_ca: bytes


class TokenWebhook:
    """The authenticator in front of one API server. Its files are in the API server's private folder."""

    def __init__(self, place: Place, files: Files, mappings: Mappings) -> None:
        self._place = place
        self._files = files
        self._mappings = mappings
        self._program: Program | None = None
        self._held: socket.socket | None = None
        (self._port,) = free_ports(1)
        authority = trustme.CA(organization_name="iamrbac sandbox authenticator")
        server = authority.issue_cert("localhost", "127.0.0.1")
        self._ca_pem = authority.cert_pem.bytes()
        state = files.folder / NAME
        state.mkdir(mode=0o700)
        write(state / "cert.pem", b"".join(blob.bytes() for blob in server.cert_chain_pems))
        write(state / "key.pem", server.private_key_pem.bytes())
        write(state / "ca.pem", self._ca_pem)
        write(state / "sts.pem", place.proxy_ca)
        url = f"https://localhost:{self._port}/authenticate"
        write(state / "webhook.json", kubeconfig(url, str(state / "ca.pem"), "").encode())
        self._state = state

    @property
    def arguments(self) -> tuple[str, ...]:
        """How the API server is told to ask. Nothing is cached, so that a change of who is mapped counts at once."""
        return (
            f"--authentication-token-webhook-config-file={self._state / 'webhook.json'}",
            "--authentication-token-webhook-version=v1beta1",
            "--authentication-token-webhook-cache-ttl=0s",
        )

    def start(self, plane: ControlPlane) -> None:
        """Start the authenticator and wait until it answers. Raises ControlPlaneError."""
        mode = self._mappings.mode
        self._hold_health_port()
        self._write_entries()
        config = self._state / f"{mode}.json"
        write(config, json.dumps(self._config(plane.admin_config)).encode())
        self._program = plane.run(NAME, ("server", f"--config={config}"), self._environment(), polite=False)
        plane.expect("the authenticator to be ready", lambda: probe.get(self._port, "/healthz", self._ca) == b"ok")

    def follow(self, plane: ControlPlane, mappings: Mappings) -> None:
        """Bring the authenticator up to date: new entries by its file, other backends by another start."""
        before, self._mappings = self._mappings, mappings
        if BACKENDS[mappings.mode] != BACKENDS[before.mode] and self._program is not None:
            plane.end(self._program)
            self.start(plane)
        elif mappings != before:
            self._write_entries()

    def close(self) -> None:
        """Give back what is held beside the program, which the control plane ends."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def _hold_health_port(self) -> None:
        """Take it on loopback, so that the authenticator cannot have it: it says so in its log, and goes on."""
        if self._held is None:
            # Whoever has it already, maybe another cluster of ours, keeps it from the authenticator too.
            with contextlib.suppress(OSError):
                self._held = socket.create_server(("127.0.0.1", _HEALTH_PORT))

    @property
    def _ca(self) -> str:
        return self._ca_pem.decode()

    def _write_entries(self) -> None:
        write(self._state / "entries.json", json.dumps(dynamic_file(self._mappings)).encode())

    def _config(self, admin_config: str) -> dict[str, Any]:
        server: dict[str, Any] = {
            "partition": self._place.partition,
            "address": "127.0.0.1",
            "hostname": "localhost",
            "port": self._port,
            "stateDir": str(self._state),
            "kubeconfigPregenerated": True,
            "kubeconfig": admin_config,
            "backendMode": list(BACKENDS[self._mappings.mode]),
        }
        server |= {"dynamicfilepath": str(self._state / "entries.json"), "dynamicfileUserIDStrict": True}
        return {"clusterID": self._place.cluster, "server": server}

    def _environment(self) -> dict[str, str]:
        """No credentials and no proxy of the user's; without IMDS switched off it waits for instance metadata."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
        return kept | {
            "HTTPS_PROXY": self._place.proxy,
            "SSL_CERT_FILE": str(self._state / "sts.pem"),
            "AWS_REGION": self._place.region,
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }


def dynamic_file(mappings: Mappings) -> dict[str, list[Any]]:
    """Return what the backend DynamicFile reads (aws-iam-authenticator, pkg/mapper/dynamicfile)."""
    roles: list[dict[str, Any]] = []
    users: list[dict[str, Any]] = []
    for principal_id, entry in mappings.entries:
        is_role = ":role/" in entry.principal
        fields = {"username": entry.username, "groups": list(entry.groups), "userid": principal_id}
        (roles if is_role else users).append({"rolearn" if is_role else "userarn": entry.principal, **fields})
    return {"mapRoles": roles, "mapUsers": users, "mapAccounts": []}
