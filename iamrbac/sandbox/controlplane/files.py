"""The files that the servers read: keys, certificates, who may log in, and how the controllers reach the API."""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class StaticUser:
    """Somebody with a token that never expires."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Files:
    """A private folder with all of them."""

    folder: Path
    ca_pem: str
    tokens: Mapping[str, str]
    """User name → token."""

    @property
    def logs(self) -> Path:
        """The folder of the logs, which hold no secret."""
        return self.folder / "logs"

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)


def write_files(folder: Path, name: str, users: Sequence[StaticUser], controllers: StaticUser) -> Files:
    """Write everything that does not depend on a port, each file 0600."""
    authority = trustme.CA(organization_name=f"iamrbac sandbox {name}")
    server = authority.issue_cert("127.0.0.1", "localhost")
    tokens = {user.name: secrets.token_urlsafe(32) for user in (controllers, *users)}
    files = Files(folder, authority.cert_pem.bytes().decode(), tokens)
    files.logs.mkdir(mode=0o700)
    chain = b"".join(blob.bytes() for blob in server.cert_chain_pems)
    write(folder / "ca.crt", authority.cert_pem.bytes())
    write(folder / "server.crt", chain)
    write(folder / "server.key", server.private_key_pem.bytes())
    # What signs the tokens of service accounts is any private key.
    write(folder / "accounts.key", authority.issue_cert("service-accounts").private_key_pem.bytes())
    write(folder / "tokens.csv", _tokens_csv((controllers, *users), tokens).encode())
    write(folder / "authentication.json", json.dumps(_AUTHENTICATION).encode())
    return files


def kubeconfig(url: str, ca_file: str, token: str) -> str:
    """Return a kubeconfig (JSON, which is YAML) for one cluster and one token."""
    value = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "sandbox",
        "clusters": [{"name": "sandbox", "cluster": {"server": url, "certificate-authority": ca_file}}],
        "users": [{"name": "sandbox", "user": {"token": token}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox"}}],
    }
    return json.dumps(value)


def write(path: Path, content: bytes) -> None:
    """Write a file that nobody else can read, at no moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _tokens_csv(users: Sequence[StaticUser], tokens: Mapping[str, str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for user in users:
        writer.writerow([tokens[user.name], user.name, user.uid, ",".join(user.groups)])
    return text.getvalue()


# EKS answers strangers only on the health endpoints, since its 1.32.
_AUTHENTICATION = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "AuthenticationConfiguration",
    "anonymous": {"enabled": True, "conditions": [{"path": path} for path in ("/healthz", "/livez", "/readyz")]},
}
