"""The front door: whose account a call is in, counting, faults, many callers at once, and stopping."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from iamrbac.sandbox.aws.http import AwsRequest, Reply
from tests.sandbox.aws.test_entries import refused

if TYPE_CHECKING:
    from iamrbac.sandbox.runner import Sandbox

THROTTLED = Reply(429, b'{"message": "Rate exceeded"}', "application/json", {"x-amzn-ErrorType": "ThrottlingException"})


def test_a_key_belongs_to_its_account(sandbox: Sandbox) -> None:
    assert sandbox.client("sts", "alice").get_caller_identity()["Account"] == "111122223333"
    assert {"development", "production", "staging"} <= set(sandbox.client("eks").list_clusters()["clusters"])
    assert "staging" not in sandbox.client("eks", region="us-east-1").list_clusters()["clusters"]


def test_what_moto_does_with_a_wrong_secret_on_signed_calls(sandbox: Sandbox) -> None:
    # Only tokens are verified; ordinary calls are moto's affair, and it looks at the key's id alone.
    import boto3

    client = boto3.client(
        "sts",
        endpoint_url=sandbox.aws.url,
        region_name="eu-west-1",
        aws_access_key_id=sandbox.profile("alice").access_key,
        aws_secret_access_key="wrong",
    )
    assert client.get_caller_identity()["Arn"] == sandbox.arn("alice")


def test_calls_are_counted_and_faults_are_answered_first(sandbox: Sandbox, eks: Any) -> None:
    front = sandbox.aws.front
    front.calls.clear()
    left = [THROTTLED]

    def fault(operation: str, request: AwsRequest) -> Reply | None:
        assert request.region == "eu-west-1"
        return left.pop() if operation == "eks:ListAccessEntries" and left else None

    with front.fault(fault):
        answer = eks.list_access_entries(clusterName="staging")
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    eks.describe_cluster(name="staging")
    sandbox.client("iam").list_users()
    assert front.calls == {"eks:ListAccessEntries": 2, "eks:DescribeCluster": 1, "iam:ListUsers": 1}


def test_operations_that_nobody_has(eks: Any) -> None:
    assert refused(eks.list_addons, clusterName="staging")[0] == 404


def test_many_at_once(sandbox: Sandbox, eks: Any, iam: Any, cluster: str) -> None:
    def work(number: int) -> int:
        name = f"{cluster}-{number}"
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        eks.create_access_entry(clusterName=cluster, principalArn=arn)
        return len(iam.list_users(MaxItems=1000)["Users"])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(24)))
    assert len(eks.list_access_entries(clusterName=cluster)["accessEntries"]) == 24


@pytest.mark.parametrize("body", ["{", "[]", '"x"', '{"principalArn": 1}', '{"principalArn": "a", "tags": {"a": 1}}'])
def test_bodies_that_are_none(sandbox: Sandbox, cluster: str, body: str) -> None:
    import urllib.error
    import urllib.request

    scope = f"{sandbox.profile('pat').access_key}/20261124/eu-west-1/eks/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    url = f"{sandbox.aws.url}/clusters/{cluster}/access-entries"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers))
    with caught.value as error:
        assert (error.code, error.headers["x-amzn-ErrorType"]) == (400, "InvalidParameterException")


def test_it_listens_on_loopback_only_and_stops_with_open_connections(fresh_sandbox: Sandbox) -> None:
    where = urlsplit(fresh_sandbox.aws.url)
    assert where.hostname == "127.0.0.1"
    assert where.port is not None
    with socket.create_connection((where.hostname, where.port)) as idle:
        started = time.monotonic()
        fresh_sandbox.stop()
        # An idle connection would be waited for much longer.
        assert time.monotonic() - started < 30
        assert idle.recv(1) == b""
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((where.hostname, where.port))
