"""One contract for every place where the access index is kept, and what each refuses."""

from __future__ import annotations

import base64
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID

from iamrbac.model.errors import AccessIndexError
from iamrbac.model.index_place import RepositoryFile, S3Object, SignedUrl, SsmParameter
from iamrbac.state.index_file import FileIndex
from iamrbac.state.index_s3 import S3Index
from iamrbac.state.index_ssm import SsmIndex
from iamrbac.state.index_url import UrlIndex
from iamrbac.usecases.index_places import IndexStore, Signed
from tests.web import Web

REGION = "eu-west-1"
SSM = SsmParameter(f"arn:aws:ssm:{REGION}:{DEFAULT_ACCOUNT_ID}:parameter/iamrbac/index")
S3 = S3Object("acme-iamrbac", "a/index.json", DEFAULT_ACCOUNT_ID)


class Spy:
    """A client whose calls are remembered, and may be answered in its place."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answer: Callable[[str], Any] | None = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.calls.append((name, arguments))
            return self.answer(name) if self.answer is not None else getattr(self.client, name)(**arguments)

        return call


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Spy]]:
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "hunter2"}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=S3.bucket)
        made = functools.cache(lambda service: Spy(boto3.client(service, region_name=REGION)))
        yield made


@pytest.fixture
def signed(aws: Callable[[str], Spy], web: Web) -> UrlIndex:
    key = aws("kms").client.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["Arn"]
    return UrlIndex(lambda: aws("kms"), SignedUrl(web.url, key))


def upload(web: Web, made: Signed) -> None:
    (web.folder / "index.json").write_bytes(made.content)
    assert made.signature is not None
    (web.folder / "index.json.sig").write_bytes(made.signature)


@pytest.fixture(params=["file", "s3", "ssm"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> IndexStore:
    if request.param == "file":
        return FileIndex(tmp_path, RepositoryFile("a/index.json"))
    aws = request.getfixturevalue("aws")
    if request.param == "s3":
        return S3Index(lambda: aws("s3"), S3)
    return SsmIndex(lambda: aws("ssm"), SSM)


def test_what_is_written_is_read(store: IndexStore) -> None:
    assert store.read() is None
    for content in (b"{}\n", "é".encode() * 2000):
        store.write(store.seal(content))
        assert store.read() == content


def test_a_signed_file_is_read_once_both_are_there(signed: UrlIndex, web: Web) -> None:
    assert signed.read() is None
    made = signed.seal(b"{}\n")
    with pytest.raises(AccessIndexError, match="is not written from here"):
        signed.write(made)
    (web.folder / "index.json").write_bytes(b"{}\n")
    with pytest.raises(AccessIndexError, match=r"the signature .*\.sig is not there"):
        signed.read()
    upload(web, made)
    assert signed.read() == b"{}\n"


@pytest.mark.parametrize(
    ("content", "signature"),
    [
        (b"{} \n", None),
        (b"", None),
        (b"{}\n", b""),
        (b"{}\n", b"%"),
        (b"{}\n", b"AAAA"),
        (b"{}\n", b"A" * 5000),
    ],
)
def test_a_byte_that_the_key_did_not_sign_is_refused(
    signed: UrlIndex, web: Web, content: bytes, signature: bytes | None
) -> None:
    made = signed.seal(b"{}\n")
    upload(web, Signed(content, made.signature if signature is None else signature))
    with pytest.raises(AccessIndexError) as error:
        signed.read()
    assert "\n" not in str(error.value)


def test_another_key_s_signature_is_none(signed: UrlIndex, web: Web, aws: Callable[[str], Spy]) -> None:
    other = aws("kms").client.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["Arn"]
    upload(web, UrlIndex(lambda: aws("kms"), SignedUrl(web.url, other)).seal(b"{}\n"))
    with pytest.raises(AccessIndexError, match="its signature is not the key's"):
        signed.read()


def test_kms_signs_and_checks_a_digest(signed: UrlIndex, web: Web, aws: Callable[[str], Spy]) -> None:
    upload(web, signed.seal(b"{}\n"))
    signed.read()
    (_, sign), (_, verify) = aws("kms").calls
    assert sign == {key: value for key, value in verify.items() if key != "Signature"}
    assert (sign["MessageType"], sign["SigningAlgorithm"], len(sign["Message"])) == ("DIGEST", "ECDSA_SHA_256", 32)


def test_redirects_are_not_followed(signed: UrlIndex, web: Web) -> None:
    web.redirect = "https://evil.example.com/index.json"
    with pytest.raises(AccessIndexError, match=r"was answered with 302 \(redirects are not followed\)"):
        signed.read()


def test_a_server_that_is_not_there_or_not_trusted_is_one_line(
    signed: UrlIndex, monkeypatch: pytest.MonkeyPatch, web: Web
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    fresh = UrlIndex(lambda: pytest.fail("no key is asked"), SignedUrl(web.url, "arn:aws:kms:eu-west-1:1:key/a"))
    with pytest.raises(AccessIndexError, match=r"cannot be read: .*certificate verify failed"):
        fresh.read()
    gone = UrlIndex(lambda: pytest.fail("no key is asked"), SignedUrl("https://127.0.0.1:1/a.json", "arn"))
    with pytest.raises(AccessIndexError, match=r"cannot be read: .*refused"):
        gone.read()


def test_s3_is_told_whose_the_bucket_must_be(aws: Callable[[str], Spy]) -> None:
    store = S3Index(lambda: aws("s3"), S3)
    store.write(store.seal(b"{}"))
    store.read()
    assert [(name, call["ExpectedBucketOwner"]) for name, call in aws("s3").calls] == [
        ("put_object", DEFAULT_ACCOUNT_ID),
        ("get_object", DEFAULT_ACCOUNT_ID),
    ]


def refuse(code: str) -> Callable[[str], Any]:
    def answer(operation: str) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "no\nway."}}, operation)

    return answer


@pytest.mark.parametrize("what", ["s3", "ssm"])
def test_a_refusal_is_one_line_and_never_an_absence(what: str, aws: Callable[[str], Spy]) -> None:
    client = aws(what)
    store: IndexStore = S3Index(lambda: client, S3) if what == "s3" else SsmIndex(lambda: client, SSM)
    client.answer = refuse("AccessDenied")
    for ask in (store.read, lambda: store.write(store.seal(b"{}"))):
        with pytest.raises(AccessIndexError) as error:
            ask()
        assert f"failed with AccessDenied: no way. Next: ask for {what}:" in str(error.value)
        assert DEFAULT_ACCOUNT_ID in error.value.hint
    client.answer = refuse("NoSuchBucket")
    with pytest.raises(AccessIndexError, match="failed with NoSuchBucket"):
        store.read()

    def unreachable(_: str) -> Any:
        raise EndpointConnectionError(endpoint_url="https://example.com")

    client.answer = unreachable
    with pytest.raises(AccessIndexError, match="check the network"):
        store.read()


def test_a_parameter_of_another_account_is_refused(aws: Callable[[str], Spy]) -> None:
    other = SSM.arn.replace(DEFAULT_ACCOUNT_ID, "999999999999")
    aws("ssm").answer = lambda _: {"Parameter": {"ARN": other, "Value": ""}}
    with pytest.raises(AccessIndexError, match=f"the answer is of another parameter: {other}"):
        SsmIndex(lambda: aws("ssm"), SSM).read()


@pytest.mark.parametrize("value", ["", "%", "AAAA", "é", base64.b64encode(b"\x1f\x8b\x08" + b"\0" * 20).decode()])
def test_a_parameter_that_holds_something_else_is_refused(value: str, aws: Callable[[str], Spy]) -> None:
    aws("ssm").answer = lambda _: {"Parameter": {"ARN": SSM.arn, "Value": value}}
    with pytest.raises(AccessIndexError, match="the parameter"):
        SsmIndex(lambda: aws("ssm"), SSM).read()


def test_what_does_not_fit_into_a_parameter_is_sent_to_s3(aws: Callable[[str], Spy]) -> None:
    with pytest.raises(AccessIndexError, match="keep it in S3: index: s3://BUCKET/KEY#ACCOUNT"):
        SsmIndex(lambda: aws("ssm"), SSM).seal(os.urandom(8000))


def test_a_file_behind_a_link_stays_in_the_repository(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    (root / "shared").mkdir(parents=True)
    store = FileIndex(root, RepositoryFile("index.json"))
    (root / "index.json").symlink_to("shared/index.json")
    store.write(store.seal(b"{}"))
    assert (root / "index.json").is_symlink()
    assert (root / "shared" / "index.json").read_bytes() == b"{}"
    for elsewhere in (tmp_path / "x.json", root / ".git" / "config"):
        elsewhere.parent.mkdir(exist_ok=True)
        elsewhere.write_text("token")
        (root / "index.json").unlink()
        (root / "index.json").symlink_to(elsewhere)
        for ask in (store.read, lambda: store.write(store.seal(b"{}"))):
            with pytest.raises(AccessIndexError, match="symlink"):
                ask()
        assert elsewhere.read_text() == "token"
    (root / "index.json").unlink()
    (root / "index.json").mkdir()
    with pytest.raises(AccessIndexError, match=r"it cannot be read: Is a directory"):
        store.read()
    with pytest.raises(AccessIndexError, match="it cannot be written"):
        store.write(store.seal(b"{}"))
    assert sorted(one.name for one in root.iterdir()) == [".git", "index.json", "shared"]
