"""Where audit logs are read from in S3: the account that a bucket must be of goes along with every call."""

from __future__ import annotations

import io
from typing import Any

import pytest

from iamrbac.state.audit_s3 import S3Log


class Client:
    """Says what it was asked."""

    def __init__(self) -> None:
        self.calls: list[dict[str, str]] = []

    def get_paginator(self, name: str) -> Any:
        assert name == "list_objects_v2"
        return self

    def paginate(self, **asked: str) -> list[dict[str, Any]]:
        self.calls.append(asked)
        return [{"Contents": [{"Key": "logs/a", "Size": 1}]}]

    def get_object(self, **asked: str) -> dict[str, Any]:
        self.calls.append(asked)
        return {"Body": io.BytesIO(b"{}\n")}


def asked(place: str) -> list[dict[str, str]]:
    client: Any = Client()
    log = S3Log(lambda: client, place, lambda stream: enumerate(stream.readlines(), 1))
    assert [list(source.entries) for source in log.sources()] == [[(1, b"{}\n")]]
    calls: list[dict[str, str]] = client.calls
    return calls


@pytest.mark.parametrize(
    ("place", "prefix", "owner"),
    [
        ("s3://logs/staging#111122223333", "staging", {"ExpectedBucketOwner": "111122223333"}),
        ("s3://logs/a#b#012345678901", "a#b", {"ExpectedBucketOwner": "012345678901"}),
        ("s3://logs#111122223333", "", {"ExpectedBucketOwner": "111122223333"}),
        ("s3://logs/staging", "staging", {}),
        ("s3://logs/a#12", "a#12", {}),
    ],
)
def test_the_owner_of_the_bucket_is_checked_by_s3(place: str, prefix: str, owner: dict[str, str]) -> None:
    assert asked(place) == [
        {"Bucket": "logs", "Prefix": prefix, **owner},
        {"Bucket": "logs", "Key": "logs/a", **owner},
    ]
