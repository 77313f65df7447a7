"""What EKS checks of a token before it asks STS."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iamrbac.sandbox.eks_token import Presigned, TokenError, read_token
from iamrbac.token.sign import Credentials, presign, token

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
URL = presign(Credentials("AKIAEXAMPLE", "secret"), "eu-west-1", "staging", NOW)


def encoded(url: str) -> str:
    return token(url)


def fault(text: str, partition: str = "aws", now: datetime = NOW) -> str:
    with pytest.raises(TokenError) as caught:
        read_token(text, partition, now)
    return str(caught.value)


def test_a_good_one() -> None:
    assert read_token(encoded(URL), "aws", NOW) == Presigned("sts.eu-west-1.amazonaws.com", URL.split("?")[1])


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("https://", "http://", "unexpected scheme 'http' in pre-signed URL"),
        ("amazonaws.com/", "amazonaws.com/x", "unexpected path in pre-signed URL"),
        ("amazonaws.com/?", "amazonaws.com?", "unexpected path in pre-signed URL"),
        ("Action=Get", "Action=Got", "unexpected action parameter in pre-signed URL"),
        ("Action=GetCallerIdentity&", "", "unexpected action parameter in pre-signed URL"),
        ("&X-Amz-Date", "&Host=evil&X-Amz-Date", "non-whitelisted query parameter 'Host'"),
        (
            "&X-Amz-Date",
            "&action=GetCallerIdentity&X-Amz-Date",
            "query parameter with multiple values not supported: 'action'",
        ),
        ("%3Bx-k8s-aws-id", "", "client did not sign the x-k8s-aws-id header in the pre-signed URL"),
        ("Expires=60", "Expires=901", "invalid X-Amz-Expires parameter in pre-signed URL"),
        ("Expires=60", "Expires=-1", "invalid X-Amz-Expires parameter in pre-signed URL"),
        ("Expires=60", "Expires=1m", "invalid X-Amz-Expires parameter in pre-signed URL"),
        ("&X-Amz-Expires=60", "", "invalid X-Amz-Expires parameter in pre-signed URL"),
        ("20261124T120000Z", "2026-11-24", "error parsing X-Amz-Date parameter in pre-signed URL"),
        (
            "sts.eu-west-1.amazonaws.com/",
            "sts.evil.example/",
            "unexpected hostname 'sts.evil.example' in pre-signed URL",
        ),
    ],
)
def test_bad_urls(old: str, new: str, text: str) -> None:
    assert old in URL
    assert fault(encoded(URL.replace(old, new, 1))) == text


def test_expires_up_to_fifteen_minutes() -> None:
    assert read_token(encoded(URL.replace("Expires=60", "Expires=900")), "aws", NOW)
    assert read_token(encoded(URL.replace("Expires=60", "Expires=0")), "aws", NOW)


def test_the_date() -> None:
    assert read_token(encoded(URL), "aws", NOW + timedelta(minutes=15))
    late = NOW + timedelta(minutes=15, seconds=1)
    assert fault(encoded(URL), now=late) == "X-Amz-Date parameter is expired (900 s)"
    assert read_token(encoded(URL), "aws", NOW - timedelta(days=1)), "a date to come is for STS to judge"


def test_the_form() -> None:
    good = encoded(URL)
    assert fault("") == 'token is missing expected "k8s-aws-v1." prefix'
    assert fault(good.replace("v1", "v2")) == 'token is missing expected "k8s-aws-v1." prefix'
    assert fault(good + "=") == "token is not base64url without padding"
    assert fault(good + "+/") == "token is not base64url without padding"
    assert fault("k8s-aws-v1.") == "token is not base64url without padding"
    assert fault("k8s-aws-v1.a") == "token is not base64url of a URL"
    assert fault("k8s-aws-v1." + base64.urlsafe_b64encode(b"\xff\xfe").decode().rstrip("=")) == (
        "token is not base64url of a URL"
    )
    assert fault("k8s-aws-v1." + "a" * 4085 + "a") == "token is too large"
    # 4,096 characters are not too many: what is wrong with these is what is in them.
    assert fault("k8s-aws-v1." + "YWFh" * 1021 + "a") != "token is too large"


@pytest.mark.parametrize(
    ("partition", "host", "ok"),
    [
        ("aws", "sts.amazonaws.com", True),
        ("aws", "sts.us-east-1.amazonaws.com", True),
        ("aws", "sts.ap-southeast-2.amazonaws.com", True),
        ("aws", "sts-fips.us-east-1.amazonaws.com", True),
        ("aws", "sts.eu-west-1.api.aws", True),
        ("aws", "sts.cn-north-1.amazonaws.com.cn", False),
        ("aws", "sts.us-gov-west-1.amazonaws.com", False),
        ("aws", "sts.eusc-de-east-1.amazonaws.eu", False),
        ("aws", "sts.eu-west-1.amazonaws.com.evil.example", False),
        ("aws", "sts.eu-west-1.amazonaws.com:443", False),
        ("aws", "xsts.eu-west-1.amazonaws.com", False),
        ("aws", "user@sts.eu-west-1.amazonaws.com", False),
        ("aws", "sts.amazonaws.com.cn", False),
        ("aws-cn", "sts.amazonaws.com", False),
        ("aws-cn", "sts.cn-north-1.amazonaws.com.cn", True),
        ("aws-cn", "sts.eu-west-1.amazonaws.com", False),
        ("aws-us-gov", "sts.us-gov-west-1.amazonaws.com", True),
        ("aws-us-gov", "sts.us-east-1.amazonaws.com", False),
        ("aws-eusc", "sts.eusc-de-east-1.amazonaws.eu", True),
        ("aws-iso", "sts.us-iso-east-1.c2s.ic.gov", True),
        ("aws-iso-b", "sts.us-isob-east-1.sc2s.sgov.gov", True),
    ],
)
def test_hosts(partition: str, host: str, ok: bool) -> None:
    text = encoded(URL.replace("sts.eu-west-1.amazonaws.com", host))
    if ok:
        assert read_token(text, partition, NOW).host == host
    else:
        assert fault(text, partition) == f"unexpected hostname {host!r} in pre-signed URL"


@given(st.one_of(st.text(), st.binary().map(lambda raw: "k8s-aws-v1." + base64.urlsafe_b64encode(raw).decode())))
def test_whatever_comes_is_answered(text: str) -> None:
    with pytest.raises(TokenError):
        read_token(text, "aws", NOW)


@given(st.integers(0, len(URL) - 1), st.sampled_from("&=%;/:@?# \x00é["))
@example(9, "[")
def test_no_mutation_escapes(position: int, letter: str) -> None:
    mutated = URL[:position] + letter + URL[position + 1 :]
    try:
        found = read_token(encoded(mutated), "aws", NOW)
    except TokenError:
        return
    assert found.host.startswith("sts")
