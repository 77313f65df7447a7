"""The sample's sandbox on real servers, as the tests reach it: over HTTP, as its users do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import boto3
from botocore.config import Config

from iamrbac.sandbox import shell
from iamrbac.sandbox.controlplane.objects import Objects
from iamrbac.token.sign import Credentials, presign, token
from tests.conformance.http import Answer, Client
from tests.conftest import ROOT

ACCOUNT, REGION = "111122223333", "eu-west-1"
ADMIN = "pat"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
_PATIENCE_SECONDS = 20.0
_Value = TypeVar("_Value")
Who: TypeAlias = tuple[str, tuple[str, ...]] | None
"""Username and groups, without those that everybody has; None for nobody."""


@dataclass(frozen=True)
class Person:
    """Somebody with an access key."""

    arn: str
    keys: Credentials


class RealSandbox:
    """Starts with the object, ends with `stop`. `people` by name, `clusters` by name."""

    def __init__(self, root: Path = ROOT) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.serve", str(root)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the sandbox did not start; see its stderr"
        said = json.loads(line)
        self.url: str = said["url"]
        self.folder = Path(said["folder"])
        self.people = {
            name: Person(arn, Credentials(key, secret)) for name, (arn, key, secret) in said["people"].items()
        }
        self.clusters = {name: RealCluster(name, **about) for name, about in said["clusters"].items()}

    def stop(self) -> None:
        """Let it end, and wait."""
        for cluster in self.clusters.values():
            cluster.close()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)

    def client(self, service: str, person: str = ADMIN) -> Any:
        """A boto3 client of somebody."""
        keys = self.people[person].keys
        make: Any = boto3.Session(keys.access_key, keys.secret_key, region_name=REGION).client
        return make(service, endpoint_url=self.url, config=Config(proxies={}))

    def environment(self, person: str = ADMIN) -> dict[str, str]:
        """The environment of somebody's shell."""
        kubeconfig = "kubeconfig" if person == ADMIN else f"kubeconfig-{person}"
        return shell.environment(os.environ, shell.variables(self.folder, self.url, person, REGION, kubeconfig)) | {
            "NO_COLOR": "1"
        }

    def run(self, *command: str, person: str = ADMIN, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """Run a command as somebody types it."""
        return subprocess.run(
            command, cwd=cwd, env=self.environment(person), capture_output=True, text=True, timeout=180, check=False
        )

    def session(self, role: str, name: str) -> Credentials:
        """Assume a role of the account."""
        arn = self.client("iam").get_role(RoleName=role)["Role"]["Arn"]
        answer = self.client("sts").assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
        return Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])


@dataclass(frozen=True)
class RealCluster:
    """One cluster: where it is, and the token of a superuser whom nothing maps."""

    name: str
    url: str
    ca_pem: str
    token: str
    _clients: list[Client] = field(default_factory=list)

    @cached_property
    def objects(self) -> Objects:
        """Its objects, as the superuser."""
        return Objects(self.url, self.ca_pem, self.token)

    @cached_property
    def superuser(self) -> Client:
        """The superuser's connection."""
        return self._open(self.token)

    def as_(self, keys: Credentials) -> Client:
        """A connection with a token of somebody's own."""
        return self._open(bearer(self.name, keys))

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            client.close()

    def _open(self, token: str) -> Client:
        self._clients.append(Client(self.url, self.ca_pem, token))
        return self._clients[-1]

    def review(self, text: str) -> dict[str, Any] | None:
        """Whom the server takes a token's holder for: a TokenReview's user; None for nobody."""
        answer = self.superuser.post(REVIEWS, {"spec": {"token": text}})
        assert answer.code == 201, answer.raw
        status = answer.json["status"]
        return status["user"] if status.get("authenticated") else None

    def settled(self, keys: Credentials, expected: Who) -> Who:
        """Ask `who` until the answer is the expected one, for some seconds, and return the last answer."""
        return eventually(lambda: self.who(keys), expected)

    def who(self, keys: Credentials) -> Who:
        """Whom the server takes somebody for."""
        user = self.review(bearer(self.name, keys))
        if user is None:
            return None
        return user.get("username", ""), tuple(group for group in user.get("groups", []) if group != AUTHENTICATED)

    def set_aws_auth(self, data: Mapping[str, str]) -> None:
        """Replace aws-auth's data."""
        metadata = {"name": "aws-auth", "namespace": "kube-system"}
        self.objects.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)})


AUTHENTICATED = "system:authenticated"


def bearer(cluster: str, keys: Credentials, at: datetime | None = None) -> str:
    """A token as `iamrbac token` makes it."""
    return token(presign(keys, REGION, cluster, at or datetime.now(UTC)))


def eventually(ask: Callable[[], _Value], expected: _Value) -> _Value:
    """Ask until the answer is the expected one, for some seconds, and return the last answer."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (answer := ask()) != expected and time.monotonic() < deadline:
        time.sleep(0.02)
    return answer


@contextmanager
def meanwhile(ask: Callable[[], None]) -> Iterator[None]:
    """Ask again and again, in a thread, until the block ends. What asking raises fails the test."""
    over = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool:

        def asking() -> None:
            while not over.wait(0.05):
                ask()

        asked = pool.submit(asking)
        try:
            yield
        finally:
            over.set()
        asked.result()


def may(client: Client, verb: str, resource: str, namespace: str) -> bool:
    """What a SelfSubjectAccessReview says; a resource is `pods`, or `deployments.apps`."""
    plural, _, group = resource.partition(".")
    about = {"verb": verb, "resource": plural, "group": group, "namespace": namespace}
    spec = {"spec": {"resourceAttributes": about}}
    answer: Answer = client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", spec)
    assert answer.code == 201, answer.raw
    return bool(answer.json["status"]["allowed"])
