"""The signed URL is botocore's own, byte for byte."""

from __future__ import annotations

import base64
import os
import string
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import TYPE_CHECKING, cast
from unittest import mock

import pytest
from botocore.awsrequest import AWSRequest
from botocore.loaders import Loader
from botocore.session import Session

from iamrbac.token.sign import Credentials, presign, sts_host, token

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

NOW = datetime(2026, 11, 24, 8, 30, 5, tzinfo=UTC)


EXAMPLES = int(os.environ.get("IAMRBAC_FUZZ", "300"))
REGIONS = [
    region
    for partition in Loader().load_data("partitions")["partitions"]
    for region in partition["regions"]
    if not region.endswith("-global")
]
NAME = string.ascii_letters + string.digits + "_-"
ODD = "".join(map(chr, range(33, 0x2FF))) + "漢🔑"


class _Presigner:
    """botocore's `generate_presigned_url`, called as the AWS CLI's `eks get-token` calls it."""

    def __init__(self) -> None:
        self.clients: dict[str, STSClient] = {}
        self.session = Session()
        self.session.set_credentials("A", "s")

    def url(self, keys: Credentials, region: str, cluster: str, now: datetime, expires: int) -> str:
        signing = self.session.get_credentials()
        assert signing is not None
        signing.access_key, signing.secret_key, signing.token = keys.access_key, keys.secret_key, keys.token
        if region not in self.clients:
            self.clients[region] = self._client(region)
        with mock.patch("botocore.auth.get_current_datetime", return_value=now):
            return self.clients[region].generate_presigned_url(
                "get_caller_identity", Params={"ClusterName": cluster}, ExpiresIn=expires, HttpMethod="GET"
            )

    def _client(self, region: str) -> STSClient:
        client = cast("STSClient", self.session.create_client("sts", region_name=region))

        def take(params: dict[str, str], context: dict[str, str], **kwargs: object) -> None:
            context["cluster"] = params.pop("ClusterName")

        def put(request: AWSRequest, **kwargs: object) -> None:
            request.headers["x-k8s-aws-id"] = request.context["cluster"]

        client.meta.events.register("provide-client-params.sts.GetCallerIdentity", take)
        client.meta.events.register("before-sign.sts.GetCallerIdentity", put)
        return client


def inputs(rng: Random) -> tuple[Credentials, str, datetime, int]:
    access = "".join(rng.choices(string.ascii_uppercase + string.digits, k=rng.randint(16, 20)))
    secret = "".join(rng.choices(rng.choice([string.ascii_letters + "+/", ODD]), k=rng.randint(1, 80)))
    session = "".join(rng.choices(rng.choice([string.ascii_letters + "+/=", ODD + " "]), k=rng.randint(1, 900)))
    cluster = rng.choice(NAME[:-2]) + "".join(rng.choices(NAME, k=rng.randint(0, 99)))
    now = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randrange(10**9))
    return (
        Credentials(access, secret, rng.choice([None, session])),
        cluster,
        now,
        rng.choice([60, 60, rng.randint(1, 900)]),
    )


def test_url_is_what_botocore_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prints how many, and over how many regions; `make fuzz` asks for 10,000."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    presigner = _Presigner()
    for seed in range(EXAMPLES):
        keys, cluster, now, expires = inputs(Random(seed))
        region = REGIONS[seed % len(REGIONS)]
        assert presign(keys, region, cluster, now, expires) == presigner.url(keys, region, cluster, now, expires), seed
    print(f"\n{EXAMPLES} URLs as botocore signs them, in {len(presigner.clients)} regions of all partitions")


def test_the_clock_may_have_any_offset() -> None:
    credentials = Credentials("AKIAEXAMPLE", "secret")
    there = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert presign(credentials, "eu-west-1", "c", there) == presign(credentials, "eu-west-1", "c", NOW)


def test_token_is_unpadded_base64url_of_the_url() -> None:
    url = presign(Credentials("AKIAEXAMPLE", "secret"), "eu-west-1", "development", NOW)
    text = token(url)
    prefix, _, rest = text.partition(".")
    assert prefix == "k8s-aws-v1"
    assert not set(rest) & set("=+/")
    assert base64.urlsafe_b64decode(rest + "=" * (-len(rest) % 4)).decode() == url


def test_a_region_that_is_not_known_yet_has_the_host_that_botocore_takes() -> None:
    sts = Session().create_client("sts", region_name="mx-central-2")
    assert sts.meta.endpoint_url == f"https://{sts_host('mx-central-2')}"


def test_no_secret_in_repr() -> None:
    assert repr(Credentials("AKIA", "hunter2", "session")) == "Credentials('AKIA')"


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"])
def test_an_endpoint_setting_never_enters_the_url(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert presign(Credentials("A", "s"), "cn-north-1", "c", NOW).startswith(
        "https://sts.cn-north-1.amazonaws.com.cn/?"
    )
