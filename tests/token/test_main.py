"""The plug-in as kubectl meets it: credentials found, versions answered, one line of error, nothing secret."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from iamrbac.token.cache import assumed_key, role_key
from iamrbac.token.main import run
from iamrbac.token.store import store

ROOT = Path(__file__).parents[2]
ARGS = ["--cluster-name", "development", "--region", "eu-west-1"]
ENDED = "2020-01-01T00:00:00Z"
V1, V1BETA1 = "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "KUBERNETES_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")


def aws_files(tmp_path: Path, credentials: str = "", config: str = "") -> None:
    (tmp_path / ".aws").mkdir(exist_ok=True)
    (tmp_path / ".aws/credentials").write_text(credentials)
    (tmp_path / ".aws/config").write_text(config)


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    value = json.loads(capsys.readouterr().out)
    assert isinstance(value, dict)
    return value


def query(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    status = answer(capsys)["status"]
    assert isinstance(status, dict)
    return {name: values[0] for name, values in parse_qs(urlsplit(_url(status["token"])).query).items()}


def _url(token: str) -> str:
    text = token.removeprefix("k8s-aws-v1.")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


def access_key(capsys: pytest.CaptureFixture[str]) -> str:
    return query(capsys)["X-Amz-Credential"].partition("/")[0]


@pytest.mark.parametrize(
    ("asked", "given", "note"),
    [
        (None, V1BETA1, False),
        (json.dumps({"kind": "ExecCredential", "apiVersion": V1}), V1, False),
        (json.dumps({"kind": "ExecCredential", "apiVersion": V1BETA1}), V1BETA1, False),
        (json.dumps({"apiVersion": "client.authentication.k8s.io/v9"}), V1BETA1, True),
        ("{broken", V1BETA1, True),
        ("[]", V1BETA1, True),
    ],
)
def test_answers_in_the_version_that_kubectl_asks_for(
    asked: str | None,
    given: str,
    note: bool,
    keys: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if asked is not None:
        monkeypatch.setenv("KUBERNETES_EXEC_INFO", asked)
    assert run(ARGS) == 0
    out, err = capsys.readouterr()
    value = json.loads(out)
    assert set(value) == {"kind", "apiVersion", "spec", "status"}
    assert value["apiVersion"] == given
    assert err.startswith("note: ") is note


def test_the_token_is_good_for_fourteen_minutes(keys: None, capsys: pytest.CaptureFixture[str]) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    assert run(ARGS) == 0
    after = datetime.now(UTC)
    status = answer(capsys)["status"]
    assert isinstance(status, dict)
    ends = datetime.strptime(status["expirationTimestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert before + timedelta(minutes=14) <= ends <= after + timedelta(minutes=14)


def test_credentials_that_end_sooner_end_the_token(
    keys: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = (datetime.now(UTC) + timedelta(minutes=3)).replace(microsecond=0)
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", ends.isoformat())
    assert run(ARGS) == 0
    status = answer(capsys)["status"]
    assert isinstance(status, dict)
    assert status["expirationTimestamp"] == ends.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_environment_beats_the_profile_of_the_environment(
    keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """botocore's order: AWS_PROFILE does not beat keys in the environment, --profile does."""
    aws_files(tmp_path, "[alice]\naws_access_key_id = AKIAALICE\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_PROFILE", "alice")
    assert run(ARGS) == 0
    assert access_key(capsys) == "AKIAENVIRONMENT"
    assert run([*ARGS, "--profile", "alice"]) == 0
    assert access_key(capsys) == "AKIAALICE"


@pytest.mark.parametrize(
    ("credentials", "config", "expected"),
    [
        ("[alice]\naws_access_key_id = AKIAFILE\naws_secret_access_key = s\n", "", "AKIAFILE"),
        ("", "[profile alice]\naws_access_key_id = AKIACONFIG\naws_secret_access_key = s\n", "AKIACONFIG"),
        ("", '[profile "alice"]\naws_access_key_id = AKIACONFIG\naws_secret_access_key = s\n', "AKIACONFIG"),
        (
            "[alice]\naws_access_key_id = AKIAFILE\naws_secret_access_key = s\n",
            "[profile alice]\nregion = eu-west-1\naws_access_key_id = AKIACONFIG\naws_secret_access_key = s\n",
            "AKIAFILE",
        ),
    ],
)
def test_static_profiles(
    credentials: str,
    config: str,
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws_files(tmp_path, credentials, config)
    monkeypatch.setenv("AWS_PROFILE", "alice")
    assert run(ARGS) == 0
    assert access_key(capsys) == expected


def test_a_session_token_is_signed_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    aws_files(tmp_path, "[default]\naws_access_key_id=A\naws_secret_access_key=s\naws_session_token=t/+=\n")
    assert run(ARGS) == 0
    assert query(capsys)["X-Amz-Security-Token"] == "t/+="


def test_a_process_profile_goes_through_botocore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    helper = tmp_path / "helper.py"
    helper.write_text('print(\'{"Version": 1, "AccessKeyId": "ASIAPROCESS", "SecretAccessKey": "s"}\')')
    aws_files(tmp_path, config=f"[profile proc]\ncredential_process = {sys.executable} {helper}\n")
    assert run([*ARGS, "--profile", "proc"]) == 0
    assert access_key(capsys) == "ASIAPROCESS"


@pytest.mark.parametrize(
    ("environment", "arguments", "line"),
    [
        (
            {},
            [],
            "error: [ERR207] no credentials: Unable to locate credentials. Next: look at"
            " `aws sts get-caller-identity`, or sign in again (`aws sso login`)\n",
        ),
        (
            {"AWS_ACCESS_KEY_ID": "AKIA"},
            [],
            "error: [ERR207] AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY. Next: set both, or neither\n",
        ),
        (
            {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_CREDENTIAL_EXPIRATION": ENDED},
            [],
            "error: [ERR207] the AWS credentials in the environment have expired. Next: get new ones and try again\n",
        ),
        (
            {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_SESSION_TOKEN": "x" * 4000},
            [],
            "error: [ERR207] the token has 5830 characters and EKS takes 4096: the AWS session token is too long."
            " Next: use a session with fewer or shorter session tags\n",
        ),
        (
            {},
            ["--profile", "nobody"],
            "error: [ERR207] The config profile (nobody) could not be found."
            " Next: `aws configure list-profiles` names those that there are\n",
        ),
    ],
)
def test_no_token_is_one_line_with_the_next_step(
    environment: dict[str, str],
    arguments: list[str],
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert run([*ARGS, *arguments]) == 1
    out, err = capsys.readouterr()
    assert (out, err) == ("", line)


@pytest.mark.parametrize("text", ["soon", "2100-01-01", "2100-01-01T00:00:00"])
def test_an_end_that_nobody_can_read_is_no_token(
    text: str, keys: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A token without the end of its credentials would be used when they have ended."""
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", text)
    assert run(ARGS) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "hunter2" not in err


def test_a_cached_session_that_is_about_to_end_is_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    role = "arn:aws:iam::111122223333:role/dev"
    aws_files(tmp_path, config=f"[profile dev]\nrole_arn={role}\ncredential_source=Ec2InstanceMetadata\n")
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")
    for minutes, code in ((30, 0), (10, 1)):
        ends = (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
        given = {"AccessKeyId": "ASIACACHED", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": ends}
        store(role_key({"RoleArn": role}), {"Credentials": given})
        assert run([*ARGS, "--profile", "dev"]) == code
        capsys.readouterr()


@pytest.mark.parametrize(
    "setting",
    [
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        {"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1"},
        {"AWS_STS_REGIONAL_ENDPOINTS": "legacy"},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
        {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"},
    ],
)
def test_no_setting_changes_the_host(
    setting: dict[str, str], keys: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """EKS takes the partition's regional host from everybody; of the others it depends on its version."""
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    assert run(ARGS) == 0
    status = answer(capsys)["status"]
    assert isinstance(status, dict)
    assert _url(status["token"]).startswith("https://sts.eu-west-1.amazonaws.com/?")


@pytest.mark.parametrize("broken", ["not an ini file", "[a]\n[a]\n", "[a\n"])
def test_a_broken_credentials_file_is_one_line(broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    aws_files(tmp_path, broken)
    assert run(ARGS) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: [ERR207] no credentials: Unable to parse config file: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        ([], "--cluster-name is missing"),
        (["--cluster-name", "c"], "--region is missing"),
        (["--cluster-name", "c\nd", "--region", "eu-west-1"], r"--cluster-name 'c\nd' is not valid"),
        (["--cluster-name", "c", "--region", "eu-west-1.evil.example"], "is not valid"),
        ([*ARGS, "--role-arn", "developer"], "--role-arn 'developer' is not valid"),
        ([*ARGS, "--nope"], "option --nope not recognized"),
        ([*ARGS, "extra"], "unexpected argument 'extra'"),
    ],
)
def test_usage_errors_end_with_64(argv: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(argv) == 64
    out, err = capsys.readouterr()
    assert out == ""
    assert why in err
    assert err.endswith("Next: iamrbac token --help\n")
    assert err.count("\n") == 1


def test_help_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Usage: iamrbac token --cluster-name NAME --region REGION")
    assert err == ""


HEAVY = "re json hashlib hmac datetime configparser urllib base64 shlex pathlib typing contextlib functools botocore"


@pytest.mark.parametrize("way", ["environment", "profile", "role", "role-arn"])
def test_what_is_at_hand_needs_no_module_that_is_slow(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other test holds the start-up time: these modules are where it went."""
    role = "[profile dev]\nrole_arn=arn:aws:iam::111122223333:role/dev\nsource_profile=alice\n"
    aws_files(tmp_path, "[alice]\naws_access_key_id=AKIAALICE\naws_secret_access_key=s\n", role)
    expected = {"environment": "AKIAENV", "profile": "AKIAALICE"}.get(way, "ASIACACHED")
    if way == "environment":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    else:
        monkeypatch.setenv("AWS_PROFILE", "dev" if way == "role" else "alice")
    given = {"AccessKeyId": "ASIACACHED", "SecretAccessKey": "s", "SessionToken": "t"}
    arn = "arn:aws:iam::111122223333:role/dev"
    key = assumed_key(arn, "AKIAALICE", {}) if way == "role-arn" else role_key({"RoleArn": arn})
    store(key, {"Credentials": {**given, "Expiration": "2100-01-01T00:00:00Z"}})
    monkeypatch.setenv("KUBERNETES_EXEC_INFO", json.dumps({"apiVersion": V1, "spec": {"interactive": False}}))
    code = (
        "import sys; from iamrbac.token.main import run; assert run(sys.argv[2:]) == 0;"
        "print([name for name in sys.argv[1].split() if name in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"]
    more = ["--role-arn", arn] if way == "role-arn" else []
    done = subprocess.run([*command, HEAVY, *ARGS, *more], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert json.loads(done.stdout)["apiVersion"] == V1
    assert expected in _url(json.loads(done.stdout)["status"]["token"])


def test_the_command_line_hands_on_to_the_same_plug_in(keys: None, capsys: pytest.CaptureFixture[str]) -> None:
    from iamrbac.cli.main import run as cli

    assert cli(["token", *ARGS]) == 0
    assert answer(capsys)["kind"] == "ExecCredential"
