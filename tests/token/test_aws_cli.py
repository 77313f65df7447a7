"""The real `aws eks get-token` at our side: the same token of the same second, the same cache."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from iamrbac.token import credentials
from iamrbac.token.cache import role_key
from iamrbac.token.sign import presign, token
from iamrbac.token.store import store
from tests.aws_cli import CannotInstallError, aws_cli

ROLE = "arn:aws:iam::111122223333:role/dev"


@pytest.fixture(scope="module")
def aws() -> Path:
    try:
        return aws_cli()
    except CannotInstallError as error:
        pytest.skip(str(error))


def test_its_token_is_ours_and_it_finds_the_session_that_we_cached(
    aws: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(
        f"[profile dev]\nrole_arn={ROLE}\nsource_profile=alice\nmfa_serial=arn:aws:iam::111122223333:mfa/alice\n"
        "[profile alice]\naws_access_key_id=AKIA\naws_secret_access_key=s\n"
    )
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    given = {
        "AccessKeyId": "ASIACACHED",
        "SecretAccessKey": "s",
        "SessionToken": "t/+=",
        "Expiration": "2100-01-01T00:00:00Z",
    }
    key = role_key({"RoleArn": ROLE, "SerialNumber": "arn:aws:iam::111122223333:mfa/alice"})
    store(key, {"Credentials": given})
    command = [str(aws), "--region", "eu-west-1", "--profile", "dev", "eks", "get-token", "--cluster-name", "staging"]
    done = subprocess.run([*command, "--output", "json"], capture_output=True, text=True, check=True, timeout=120)
    theirs = json.loads(done.stdout)["status"]["token"]
    found = credentials.find(os.environ, "dev", 0)
    assert found is not None
    assert token(presign(found.credentials, "eu-west-1", "staging", _time(theirs))) == theirs


def _time(token: str) -> datetime:
    text = token.removeprefix("k8s-aws-v1.")
    url = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    return datetime.strptime(parse_qs(urlsplit(url).query)["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
