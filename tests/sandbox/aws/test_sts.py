"""GetCallerIdentity signed in the query: only the holder of the secret is believed."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from iamrbac.sandbox.aws import sts
from iamrbac.sandbox.aws.keys import find_key
from iamrbac.token.sign import Credentials, presign

if TYPE_CHECKING:
    from iamrbac.sandbox.runner import Sandbox

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def signed(sandbox: Sandbox, *, secret: str = "", key: str = "", at: datetime = NOW, region: str = "eu-west-1") -> Any:
    """Return host and query of a URL that alice signed for staging."""
    alice = sandbox.profile("alice")
    credentials = Credentials(key or alice.access_key, secret or alice.secret_key)
    return urlsplit(presign(credentials, region, "staging", at))


def refusal(url: Any, cluster: str | None = "staging", now: datetime = NOW) -> tuple[str, str]:
    headers = {"host": url.netloc} | ({"x-k8s-aws-id": cluster} if cluster is not None else {})
    with pytest.raises(sts.RefusedError) as caught:
        sts.verify(url.query, headers, now)
    return caught.value.code, caught.value.text


def test_the_holder_of_the_secret(sandbox: Sandbox) -> None:
    url = signed(sandbox)
    found = sts.verify(url.query, {"host": url.netloc, "x-k8s-aws-id": "staging"}, NOW)
    alice = sandbox.profile("alice")
    assert (found.identity.arn, found.identity.account, found.access_key) == (
        "arn:aws:iam::111122223333:user/staff/alice",
        "111122223333",
        alice.access_key,
    )


def test_everybody_else(sandbox: Sandbox) -> None:
    wrong = "SignatureDoesNotMatch"
    url = signed(sandbox)
    assert refusal(signed(sandbox, secret="not hers"))[0] == wrong
    assert refusal(url, cluster="production")[0] == wrong
    assert refusal(url, cluster=None)[0] == wrong
    assert refusal(replace_query(url, "X-Amz-Expires=60", "X-Amz-Expires=61"))[0] == wrong
    assert refusal(replace_query(url, "x-k8s-aws-id", "x-k8s-aws-ix"))[0] == wrong
    assert refusal(replace_query(url, "host%3B", ""))[0] == wrong
    assert refusal(url._replace(netloc="sts.eu-west-2.amazonaws.com"))[0] == wrong
    assert refusal(url._replace(netloc="sts.amazonaws.com"))[0] == wrong
    assert refusal(replace_query(url, "%2Fsts%2F", "%2Fs3%2F"))[0] == wrong
    unknown = signed(sandbox, key="AKIAAAAAAAAAAAAAAAAA")
    assert refusal(unknown) == ("InvalidClientTokenId", "The security token included in the request is invalid.")
    bob = sandbox.profile("bob")
    assert refusal(signed(sandbox, key=bob.access_key))[0] == wrong
    foreign_token = replace_query(url, "&X-Amz-Signature", "&X-Amz-Security-Token=abc&X-Amz-Signature")
    assert refusal(foreign_token)[0] == "InvalidClientTokenId"


def replace_query(url: Any, old: str, new: str) -> Any:
    assert old in url.query
    return url._replace(query=url.query.replace(old, new))


@pytest.mark.parametrize("name", ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"])
def test_what_has_to_be_there(sandbox: Sandbox, name: str) -> None:
    url = signed(sandbox)
    parts = [part for part in url.query.split("&") if not part.startswith(f"{name}=")]
    assert refusal(url._replace(query="&".join(parts)))[0] == "MissingAuthenticationToken"
    twice = next(part for part in url.query.split("&") if part.startswith(f"{name}="))
    assert refusal(url._replace(query=f"{url.query}&{twice}"))[0] == "MissingAuthenticationToken"


def test_fifteen_minutes(sandbox: Sandbox) -> None:
    old = signed(sandbox, at=NOW - timedelta(minutes=15))
    assert sts.verify(old.query, {"host": old.netloc, "x-k8s-aws-id": "staging"}, NOW)
    code, text = refusal(signed(sandbox, at=NOW - timedelta(minutes=15, seconds=1)))
    assert (code, text) == (
        "SignatureDoesNotMatch",
        "Signature expired: 20261124T114459Z is now earlier than 20261124T114500Z (20261124T120000Z - 15 min.)",
    )
    code, text = refusal(signed(sandbox, at=NOW + timedelta(minutes=5, seconds=1)))
    assert (code, text.split(":")[0]) == ("SignatureDoesNotMatch", "Signature not yet current")


def test_an_inactive_key_and_a_deleted_user(sandbox: Sandbox, iam: Any) -> None:
    name = f"u-{uuid.uuid4().hex[:12]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    url = urlsplit(presign(Credentials(key["AccessKeyId"], key["SecretAccessKey"]), "eu-west-1", "staging", NOW))
    headers = {"host": url.netloc, "x-k8s-aws-id": "staging"}
    assert sts.verify(url.query, headers, NOW).identity.arn.endswith(name)
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refusal(url)[0] == "InvalidClientTokenId"
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Active")
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    assert refusal(url)[0] == "InvalidClientTokenId"


def test_an_assumed_role(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = "arn:aws:iam::111122223333:role/ci/payments-deployer"
    answer = sandbox.client("sts").assume_role(RoleArn=arn, RoleSessionName="run-17")["Credentials"]
    keys = Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
    url = urlsplit(presign(keys, "eu-west-1", "staging", NOW))
    headers = {"host": url.netloc, "x-k8s-aws-id": "staging"}
    found = sts.verify(url.query, headers, NOW).identity
    assert found.arn == "arn:aws:sts::111122223333:assumed-role/payments-deployer/run-17"
    assert found.user_id.startswith("AROA")
    assert found.user_id.endswith(":run-17")
    without = urlsplit(presign(Credentials(keys.access_key, keys.secret_key), "eu-west-1", "staging", NOW))
    assert refusal(without)[0] == "InvalidClientTokenId"
    known = find_key(keys.access_key, "aws")
    assert known is not None
    monkeypatch.setattr(sts, "find_key", lambda *_: replace(known, expired=True))
    assert refusal(url) == ("ExpiredToken", "The security token included in the request is expired")


def get(url: str, headers: dict[str, str]) -> tuple[int, str, bytes]:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()


def test_over_http_as_json_and_as_xml(sandbox: Sandbox) -> None:
    client = sandbox.client("sts", "alice")
    url = client.generate_presigned_url("get_caller_identity", HttpMethod="GET")
    status, kind, body = get(url, {"Accept": "application/json"})
    result = json.loads(body)["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
    assert (status, kind) == (200, "application/json")
    assert result == {key: value for key, value in client.get_caller_identity().items() if key != "ResponseMetadata"}
    status, kind, body = get(url, {})
    assert (status, kind.split(";")[0]) == (200, "text/xml")
    assert b"<Arn>arn:aws:iam::111122223333:user/staff/alice</Arn>" in body
    status, kind, body = get(url + "0", {"Accept": "application/json"})
    assert (status, json.loads(body)["Error"]["Code"]) == (403, "SignatureDoesNotMatch")
    status, kind, body = get(url + "0", {})
    assert (status, b"<Code>SignatureDoesNotMatch</Code>" in body) == (403, True)


def test_a_token_for_the_real_host_handed_on_with_its_host(sandbox: Sandbox) -> None:
    url = signed(sandbox, at=datetime.now(UTC))
    headers = {"Host": url.netloc, "x-k8s-aws-id": "staging", "Accept": "application/json"}
    assert get(f"{sandbox.aws.url}/?{url.query}", headers)[0] == 200
    assert get(f"{sandbox.aws.url}/?{url.query}", headers | {"x-k8s-aws-id": "other"})[0] == 403
