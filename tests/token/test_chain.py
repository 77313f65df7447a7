"""What botocore has to get: named after the person, cached for the next call, and explained where there is none."""

from __future__ import annotations

import getpass
import json
import os
import re
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.utils import JSONFileCache
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer
from moto.sts.models import sts_backends

from iamrbac.token import credentials
from iamrbac.token.cache import Found
from iamrbac.token.chain import find, session_name
from iamrbac.token.errors import TokenError

ROLE = "arn:aws:iam::111122223333:role/ci/deployer"
REGION = "eu-west-1"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in [name for name in os.environ if name.startswith(("AWS_", "KUBERNETES_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / ".aws").mkdir()
    return tmp_path


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    yield
    server.stop()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")


def configure(home: Path, text: str) -> None:
    (home / ".aws/config").write_text(f"[default]\naws_access_key_id=AKIA\naws_secret_access_key=hunter2\n{text}")


def again(profile: str | None = None) -> Found | None:
    """What the next call finds without botocore."""
    return credentials.find(os.environ, profile, time.time())


def assumed() -> list[str]:
    return [role.session_name for role in sts_backends["111122223333"]["aws"].assumed_roles]


def test_role_arn_gives_that_roles_credentials_and_asks_once(sts: None, keys: None) -> None:
    found = find(None, REGION, ROLE)
    assert found.credentials.access_key.startswith("ASIA")
    assert found.credentials.token
    assert found.ends is not None
    assert assumed()[-1] == "moto", "what moto calls a caller that it does not know"
    before = len(assumed())
    assert find(None, REGION, ROLE).credentials.access_key == found.credentials.access_key
    assert len(assumed()) == before


def test_a_role_of_a_profile_is_cached_where_the_aws_cli_has_it(sts: None, home: Path) -> None:
    configure(home, f"[profile dev]\nrole_arn={ROLE}\nsource_profile=default\n")
    assert again("dev") is None
    found = find("dev", REGION, None)
    cached = again("dev")
    assert cached is not None
    assert cached.credentials.access_key == found.credentials.access_key
    [file] = (home / ".aws/cli/cache").iterdir()
    entry = JSONFileCache(str(file.parent))[file.stem]
    assert entry["Credentials"]["AccessKeyId"] == found.credentials.access_key
    assert entry["AssumedRoleUser"]["Arn"].startswith(
        "arn:aws:sts::111122223333:assumed-role/deployer/botocore-session-"
    )


def test_a_web_identity_is_cached_as_the_aws_cli_does(sts: None, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "token").write_text("header.claims.signature")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(home / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    found = find(None, REGION, None)
    cached = again()
    assert cached is not None
    assert cached.credentials.access_key == found.credentials.access_key


@pytest.mark.parametrize(("minutes", "runs"), [(60, 1), (5, 2), (None, 2)])
def test_a_process_runs_once_while_its_answer_lives(minutes: int | None, runs: int, home: Path) -> None:
    answer = {"Version": 1, "AccessKeyId": "ASIAPROCESS", "SecretAccessKey": "s", "SessionToken": "t"}
    if minutes is not None:
        answer["Expiration"] = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    (home / "answer.json").write_text(json.dumps(answer))
    configure(home, f"[profile p]\ncredential_process=sh -c 'echo run >> {home}/runs; cat {home}/answer.json'\n")
    for _ in range(2):
        found = again("p") or find("p", REGION, None)
        assert found.credentials.access_key == "ASIAPROCESS"
    # botocore asks twice itself where the first answer is about to end.
    assert min((home / "runs").read_text().count("run"), 2) == runs


def test_a_container_is_asked_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Agent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Authorization"])
            body = {
                "AccessKeyId": "ASIAPOD",
                "SecretAccessKey": "s",
                "Token": "t",
                "Expiration": "2100-01-01T00:00:00Z",
            }
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Agent)
    Thread(target=server.serve_forever, daemon=True).start()
    (home / "pod-token").write_text("one")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.server_port}/v1/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(home / "pod-token"))
    find(None, REGION, None)
    cached = again()
    assert cached is not None
    assert cached.credentials.access_key == "ASIAPOD"
    (home / "pod-token").write_text("two")
    assert again() is None, "another token may be another service account's"
    assert asked == ["one"]
    server.shutdown()
    server.server_close()


def test_a_broken_cache_is_got_anew(sts: None, home: Path) -> None:
    configure(home, f"[profile dev]\nrole_arn={ROLE}\nsource_profile=default\n")
    find("dev", REGION, None)
    [file] = (home / ".aws/cli/cache").iterdir()
    for broken in ("", "[]", '{"Credentials": {"Expiration": "soon"}}'):
        file.write_text(broken)
        assert find("dev", REGION, None).credentials.access_key.startswith("ASIA")
        assert again("dev") is not None


MFA = f"[profile dev]\nrole_arn={ROLE}\nsource_profile=default\nmfa_serial=arn:aws:iam::111122223333:mfa/alice\n"


def test_a_code_is_asked_for_once_on_the_terminal(
    sts: None, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(home, MFA)
    prompts = []

    def type_(text: str) -> str:
        prompts.append(text)
        return "123456"

    monkeypatch.setattr(getpass, "getpass", type_)
    find("dev", REGION, None)
    assert again("dev") is not None
    assert prompts == ["Enter MFA code for arn:aws:iam::111122223333:mfa/alice: "]
    assert capsys.readouterr().out == ""


def _without_terminal(text: str) -> str:
    warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=2)
    return "what stdin had"


@pytest.mark.parametrize("interactive", [True, False])
def test_nobody_to_ask_is_one_line(interactive: bool, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(home, MFA)
    monkeypatch.setenv("KUBERNETES_EXEC_INFO", json.dumps({"spec": {"interactive": interactive}}))
    monkeypatch.setattr(getpass, "getpass", _without_terminal if interactive else lambda text: "123456")
    assert fault("dev") == (
        "the role needs an MFA code, and there is no terminal to ask on. Next: run `aws sts get-caller-identity"
        " --profile dev` in a terminal; the session that it gets is used here too"
    )


SSO = "sso_role_name=Dev\nsso_account_id=111122223333\n"
LEGACY = f"[profile x]\n{SSO}sso_start_url=https://corp.awsapps.com/start\nsso_region=eu-west-1\n"
SESSION = (
    f"[profile x]\n{SSO}sso_session=corp\n"
    "[sso-session corp]\nsso_start_url=https://corp.awsapps.com/start\nsso_region=eu-west-1\n"
)


@pytest.mark.parametrize("config", [LEGACY, SESSION])
@pytest.mark.parametrize("expired", [True, False])
def test_an_sso_session_that_is_over_says_how_to_get_another(config: str, expired: bool, home: Path) -> None:
    configure(home, config)
    if expired:
        folder = home / ".aws/sso/cache"
        names = ("corp", "https://corp.awsapps.com/start")
        for name in names:
            token = {"accessToken": "hunter2", "expiresAt": "2020-01-01T00:00:00Z", "startUrl": names[1]}
            JSONFileCache(str(folder))[_sha1(name)] = token
    with pytest.MonkeyPatch.context() as patch:
        # botocore takes the folder from the home that it was imported in.
        for provider in ("botocore.credentials.SSOProvider", "botocore.tokens.SSOTokenProvider"):
            patch.setattr(f"{provider}._SSO_TOKEN_CACHE_DIR", str(home / ".aws/sso/cache"))
        line = fault("x")
    assert line.startswith("the AWS single sign-on session is over: ")
    assert line.endswith(". Next: run `aws sso login --profile x`")


def _sha1(text: str) -> str:
    import hashlib

    return hashlib.sha1(text.encode()).hexdigest()


REFUSALS = [
    (
        "AccessDenied",
        "User is not authorized",
        "ask for sts:AssumeRole on the role, and that its trust policy names you",
    ),
    (
        "ExpiredToken",
        "The security token included in the request is expired",
        "the credentials that call it have expired: get new ones (`aws sso login --profile dev`, or as your team does)",
    ),
    (
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
        "the access key is not there or not active: `aws configure --profile dev` takes a new one",
    ),
    (
        "SignatureDoesNotMatch",
        "Signature expired",
        "set the machine's clock, or correct the secret key (`aws configure --profile dev`)",
    ),
    (
        "AccessDenied",
        "MultiFactorAuthentication failed with invalid MFA one time pass code.",
        "try again with a new code from your MFA device",
    ),
]


@pytest.mark.parametrize(("code", "message", "hint"), REFUSALS)
def test_a_refusal_says_what_to_do(
    code: str, message: str, hint: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: BaseClient, operation: str, arguments: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": message}}, operation)

    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
    configure(home, f"[profile dev]\nrole_arn={ROLE}\nsource_profile=default\n")
    assert fault("dev") == f"AssumeRole was refused ({code}): {message.rstrip('.')}. Next: {hint}"


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (
            "[profile x]\nlogin_session=arn:aws:iam::1:user/alice\n",
            r"the session of `aws login` is over: .*\. Next: run `aws login --profile x`",
        ),
        (
            f"[profile x]\ncredential_process=sh -c 'echo log in first {'A' * 50} >&2; exit 1'\n",
            r"the profile's credential_process failed: .*log in first \[\.\.\.\]\. Next: run what"
            r" `aws configure get credential_process --profile x` shows, and see what it says",
        ),
        ("[profile x]\ncredential_process=no-such-helper\n", r"no credentials: .*no-such-helper'?\. Next: look at .*"),
        ("[profile x]\ncredential_process=echo []\n", r"no credentials: AttributeError: .* Next: look at .*"),
        ("[profile x]\ncredential_process=echo hunter2\n", r"no credentials: .*\. Next: look at .* --profile x`.*"),
        (f"[profile x]\nrole_arn={ROLE}\nsource_profile=y\n", r"no credentials: .*\"y\".* does not exist\. Next: .*"),
        (f"[profile x]\nrole_arn={ROLE}\n", r"no credentials: Partial credentials found in assume-role.*"),
        ("[profile x]\nsso_role_name=Dev\n", r"no credentials: .*missing required configuration: .*"),
        ("[profile x\n", r"no credentials: Unable to parse config file: .*/\.aws/config\. Next: mend that file .*"),
        ("[profile y]\n", r"The config profile \(x\) could not be found\. Next: `aws configure list-profiles` .*"),
        ("[profile x]\naws_access_key_id=AKIA\n", r"no credentials: Partial credentials found in .*"),
    ],
)
def test_what_is_wrong_with_a_profile_is_one_line(config: str, line: str, home: Path) -> None:
    configure(home, config)
    assert re.fullmatch(line, fault("x"))


def test_a_process_whose_credentials_have_ended_is_one_line(home: Path) -> None:
    answer = {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "hunter2", "Expiration": "2020-01-01T00:00:00Z"}
    (home / "answer.json").write_text(json.dumps(answer))
    configure(home, f"[profile x]\ncredential_process=cat {home}/answer.json\n")
    assert fault("x").startswith("the AWS credentials have expired, and those that came in their place have too.")


def test_a_file_that_cannot_be_read_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(home, "")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert fault("x").endswith(f"; {home}/.aws/config cannot be read")


def test_an_endpoint_that_does_not_answer_is_one_fault(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert "Could not connect to the endpoint URL" in fault(None, ROLE)


def fault(profile: str | None, role: str | None = None) -> str:
    """Why there are no credentials: one line, in which no secret is."""
    with pytest.raises(TokenError) as caught:
        find(profile, REGION, role)
    text = str(caught.value)
    assert "\n" not in text
    assert "hunter2" not in text
    return text


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:iam::111122223333:user/staff/alice", "alice"),
        ("arn:aws:sts::111122223333:assumed-role/Developer/alice@example.com", "alice@example.com"),
        ("arn:aws:sts::111122223333:federated-user/bob", "bob"),
        ("arn:aws:iam::111122223333:root", "root"),
        ("arn:aws:iam::111122223333:user/x", "x-iamrbac"),
    ],
)
def test_the_session_is_named_after_the_person(arn: str, name: str) -> None:
    assert session_name(arn) == name


@given(st.text(max_size=100))
def test_any_name_is_one_that_sts_takes(name: str) -> None:
    assert re.fullmatch(r"[\w+=,.@-]{2,64}", session_name(f"arn:aws:iam::1:user/{name}"), re.ASCII)
