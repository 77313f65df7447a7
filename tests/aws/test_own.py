"""Whose credentials these are: the chain without secrets, and each way in which AWS says nothing or no."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

from iamrbac.aws.errors import aws_call
from iamrbac.aws.own import OwnAws, refused
from iamrbac.diagnosis.facts import Step
from iamrbac.model.errors import AwsError

ROLE = "arn:aws:iam::111122223333:role/dev"
CONFIG = f"""\
[profile base]
region = eu-west-1
[profile dev]
role_arn = {ROLE}
source_profile = base
[profile work]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = Developer
[sso-session corp]
sso_start_url = https://corp.example
sso_region = eu-west-1
[profile tool]
credential_process = /opt/tool --password hunter2
[profile half]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").write_text(CONFIG)
    (tmp_path / "credentials").write_text("[base]\naws_access_key_id = AKIA\naws_secret_access_key = hunter2\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # Nothing listens there: whatever would ask AWS gets no answer, at once.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")


def test_the_chain_of_a_role() -> None:
    identity = OwnAws("dev").identity()
    assert identity.source.provider == "assume-role"
    assert identity.source.steps == (Step("profile dev", f"role {ROLE}"), Step("profile base", "static keys"))
    assert identity.refused is not None
    assert identity.refused.fault == "unreachable"
    assert "hunter2" not in repr(identity)


def test_the_plug_ins_role_comes_before_the_profile() -> None:
    identity = OwnAws("base", ROLE, "eu-west-1").identity()
    assert identity.source.steps == (Step("plug-in", f"role {ROLE}"), Step("profile base", "static keys"))


def test_an_expired_sign_in() -> None:
    identity = OwnAws("work").identity()
    assert identity.source.steps == (Step("profile work", "SSO corp, Developer in account 111122223333"),)
    assert identity.refused is not None
    assert (identity.refused.fault, identity.refused.hint) == ("sso", "run `aws sso login`")


def test_a_process_is_named_without_its_arguments() -> None:
    identity = OwnAws("tool").identity()
    assert "hunter2" not in repr(identity)
    assert identity.refused is not None


@pytest.mark.parametrize(("profile", "fault"), [("nobody", "no-profile"), ("half", "partial")])
def test_a_profile_that_is_no_good(profile: str, fault: str) -> None:
    identity = OwnAws(profile).identity()
    assert identity.refused is not None
    assert identity.refused.fault == fault


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("")
    identity = OwnAws(None).identity()
    assert identity.refused is not None
    assert identity.refused.fault == "missing"
    assert OwnAws(None).made("arn:aws:iam::111122223333:user/alice") is None
    assert OwnAws(None).entries("staging", "eu-west-1", lambda _: True) is None


def test_keys_of_the_environment_that_have_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "2026-01-01T00:00:00Z")
    identity = OwnAws(None).identity()
    source = identity.source
    assert (source.provider, source.steps) == ("env", (Step("environment", "AWS_ACCESS_KEY_ID"),))
    assert source.expires == datetime(2026, 1, 1, tzinfo=UTC)
    assert identity.refused is not None
    assert identity.refused.fault == "expired"


def client_error(code: str, operation: str = "GetCallerIdentity") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ProfileNotFound(profile="x"), "no-profile"),
        (NoCredentialsError(), "missing"),
        (PartialCredentialsError(provider="env", cred_var="x"), "partial"),
        (UnauthorizedSSOTokenError(), "sso"),
        (EndpointConnectionError(endpoint_url="x"), "unreachable"),
        (client_error("ExpiredToken"), "expired"),
        (client_error("InvalidClientTokenId"), "unknown-key"),
        (client_error("SignatureDoesNotMatch"), "signature"),
        (client_error("AccessDenied", "AssumeRole"), "assume-denied"),
        (client_error("AccessDenied", "AssumeRoleWithWebIdentity"), "assume-denied"),
        (client_error("AccessDeniedException", "DescribeCluster"), "denied"),
        (client_error("ResourceNotFoundException", "DescribeCluster"), "not-found"),
        (client_error("Throttling"), "other"),
        (ValueError("Invalid endpoint"), "other"),
    ],
)
def test_why_aws_did_not_answer(error: Exception, fault: str) -> None:
    with pytest.raises(AwsError) as caught, aws_call("here"):
        raise error
    assert refused(caught.value).fault == fault


def test_the_clock_is_compared_with_the_answers_date(monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, Any] = {
        "Arn": "arn:aws:iam::111122223333:user/alice",
        "Account": "111122223333",
        "UserId": "AIDA",
        "ResponseMetadata": {"HTTPHeaders": {"date": "Thu, 01 Jan 2026 00:10:00 GMT"}},
    }
    own = OwnAws("base", clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(OwnAws, "_ask", lambda self: said)
    assert own.identity().offset == timedelta(minutes=10)
    said["ResponseMetadata"] = {}
    assert own.identity().offset is None
