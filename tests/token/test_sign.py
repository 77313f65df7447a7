"""The signed URL is botocore's own, byte for byte."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone
from unittest import mock

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from iamrbac.token.sign import Credentials, presign, sts_host, token

NOW = datetime(2026, 11, 24, 8, 30, 5, tzinfo=UTC)


def botocore_url(credentials: Credentials, region: str, cluster: str, now: datetime, expires: int) -> str:
    signer = SigV4QueryAuth(
        BotocoreCredentials(credentials.access_key, credentials.secret_key, credentials.token), "sts", region, expires
    )
    url = f"https://{sts_host(region)}/?Action=GetCallerIdentity&Version=2011-06-15"
    request = AWSRequest("GET", url, headers={"x-k8s-aws-id": cluster})
    with mock.patch("botocore.auth.get_current_datetime", return_value=now):
        signer.add_auth(request)
    return str(request.url)


REGIONS = ["eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1", "us-isob-east-1", "eusc-de-east-1"]
KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=60)


@settings(max_examples=150, deadline=None)
@given(
    access=st.from_regex(r"[A-Z0-9]{16,20}", fullmatch=True),
    secret=KEYS,
    session=st.none() | st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=400),
    region=st.sampled_from(REGIONS),
    cluster=st.from_regex(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}", fullmatch=True),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),
    expires=st.integers(1, 900),
)
def test_url_is_what_botocore_signs(
    access: str, secret: str, session: str | None, region: str, cluster: str, now: datetime, expires: int
) -> None:
    credentials = Credentials(access, secret, session)
    at = now.replace(tzinfo=UTC)
    assert presign(credentials, region, cluster, at, expires) == botocore_url(credentials, region, cluster, at, expires)


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


@pytest.mark.parametrize("region", [*REGIONS, "us-iso-east-1", "us-isof-south-1", "eu-isoe-west-1", "mx-central-1"])
def test_every_partition_has_the_host_that_botocore_takes(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "regional")
    sts = Session().create_client("sts", region_name=region)
    assert sts.meta.endpoint_url == f"https://{sts_host(region)}"


def test_no_secret_in_repr() -> None:
    assert repr(Credentials("AKIA", "hunter2", "session")) == "Credentials('AKIA')"


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"])
def test_an_endpoint_setting_never_enters_the_url(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert presign(Credentials("A", "s"), "cn-north-1", "c", NOW).startswith(
        "https://sts.cn-north-1.amazonaws.com.cn/?"
    )
