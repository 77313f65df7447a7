"""AWS on loopback: the sandbox's own front door, in front of which faults are put."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import pytest
import trustme
from moto.core import DEFAULT_ACCOUNT_ID
from moto.eks.models import eks_backends
from moto.iam.models import iam_backends

from iamrbac.aws.accounts import Accounts
from iamrbac.aws.eks import EksApi
from iamrbac.aws.session import session
from iamrbac.model.documents import Cluster
from iamrbac.plan.observed import Target
from iamrbac.sandbox.aws.eks.access import ClusterAccess
from iamrbac.sandbox.aws.http import AwsRequest, Reply
from iamrbac.sandbox.aws.server import AwsServer

ACCOUNT = str(DEFAULT_ACCOUNT_ID)
REGION = "eu-west-1"
PEM = trustme.CA().cert_pem.bytes()


def refusal(status: int, code: str, message: str = "") -> Reply:
    """An error as EKS sends it."""
    body = json.dumps({"__type": code, "message": message}).encode()
    return Reply(status, body, "application/json", {"x-amzn-ErrorType": code})


def query_refusal(status: int, code: str, message: str = "") -> Reply:
    """An error as IAM and STS send it."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return Reply(status, f"<ErrorResponse>{error}</ErrorResponse>".encode(), "text/xml")


@dataclass
class Faults:
    """Replies to give instead of the real ones: operation → replies, used up one by one; None lets one through."""

    replies: dict[str, list[Reply | Callable[[AwsRequest], Reply | None] | None]] = field(default_factory=dict)

    def __call__(self, operation: str, request: AwsRequest) -> Reply | None:
        queue = self.replies.get(operation)
        reply = queue.pop(0) if queue else None
        return reply(request) if callable(reply) else reply


@dataclass
class World:
    """AWS, the cluster in it, and the adapter under test."""

    server: AwsServer
    access: ClusterAccess
    faults: Faults
    session: boto3.Session
    api: EksApi
    waits: list[float]

    @property
    def target(self) -> Target:
        return self.api.target(CLUSTER)

    def role(self, name: str, path: str = "/") -> str:
        role = iam_backends[ACCOUNT]["aws"].create_role(name, "{}", path, None, "", [], "3600")
        return str(role.arn)


CLUSTER = Cluster(name="development", eks_name="dev-1", account=ACCOUNT, region=REGION)


WAITS: list[float] = []
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "hunter2"}


@pytest.fixture(scope="session")
def server() -> Iterator[AwsServer]:
    running = AwsServer()
    running.start()
    yield running
    running.stop()


def set_environment(patch: pytest.MonkeyPatch, server: AwsServer, home: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        patch.delenv(name, raising=False)
    for name, value in {**ENVIRONMENT, "HOME": str(home), "AWS_ENDPOINT_URL": server.url}.items():
        patch.setenv(name, value)


@pytest.fixture(scope="session")
def edge(server: AwsServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[boto3.Session, EksApi]:
    """The adapter, made once: botocore reads its models anew for every session."""
    with pytest.MonkeyPatch.context() as patch:
        set_environment(patch, server, tmp_path_factory.mktemp("home"))
        made = session()
        api = EksApi(Accounts(made), WAITS.append)
        api.caller()
        return made, api


@pytest.fixture
def world(
    server: AwsServer, edge: tuple[boto3.Session, EksApi], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[World]:
    set_environment(monkeypatch, server, tmp_path)
    # How long botocore waits between its attempts, and how it slows down, is its own affair.
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setattr("botocore.retries.bucket.TokenBucket.acquire", lambda *_, **__: True)
    iam_backends[ACCOUNT]["aws"].reset()
    eks_backends[ACCOUNT][REGION].reset()
    clusters = server.front.eks.clusters
    access = clusters.create(ACCOUNT, REGION, "dev-1", f"arn:aws:iam::{ACCOUNT}:role/eks", "API")
    clusters.connect(ACCOUNT, REGION, "dev-1", "https://127.0.0.1:1/", base64.b64encode(PEM).decode())
    server.front.calls.clear()
    WAITS.clear()
    faults = Faults()
    with server.front.fault(faults):
        yield World(server, access, faults, *edge, WAITS)
