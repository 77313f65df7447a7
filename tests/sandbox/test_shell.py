"""What a shell gets, and what it must not keep."""

from __future__ import annotations

import configparser
import os
import stat
from pathlib import Path

from iamrbac.sandbox import shell
from iamrbac.sandbox.people import Profile

ALICE = Profile("alice", "alice", "arn:aws:iam::111122223333:user/alice", "111122223333", "AKIAALICE", "hush")
PAT = Profile("pat", "pat", "arn:aws:iam::111122223333:user/pat", "111122223333", "AKIAPAT", "hush-too")


def read(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(default_section="none", interpolation=None)
    parser.read(path)
    return {section: dict(parser[section]) for section in parser.sections()}


def test_files_for_their_owner_alone(tmp_path: Path) -> None:
    roles = {"ci": "arn:aws:iam::111122223333:role/x/ci", "alice": "arn:aws:iam::111122223333:role/alice"}
    before = os.umask(0)
    try:
        shell.write_files(tmp_path, (ALICE, PAT), roles, "pat", "eu-west-1")
    finally:
        os.umask(before)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {
        "credentials": 0o600,
        "config": 0o600,
    }
    assert read(tmp_path / "credentials") == {
        "alice": {"aws_access_key_id": "AKIAALICE", "aws_secret_access_key": "hush"},
        "pat": {"aws_access_key_id": "AKIAPAT", "aws_secret_access_key": "hush-too"},
    }
    assert read(tmp_path / "config") == {
        "default": {"region": "eu-west-1"},
        "profile alice": {"region": "eu-west-1"},
        "profile pat": {"region": "eu-west-1"},
        "profile ci": {
            "region": "eu-west-1",
            "role_arn": "arn:aws:iam::111122223333:role/x/ci",
            "source_profile": "pat",
            "role_session_name": "pat",
            "external_id": tmp_path.name,
        },
    }


def test_no_way_leads_to_other_credentials_or_to_aws(tmp_path: Path) -> None:
    base = {
        "HOME": "/home/me",
        "AWS_ACCESS_KEY_ID": "mine",
        "AWS_SECRET_ACCESS_KEY": "mine",
        "AWS_SESSION_TOKEN": "mine",
        "AWS_ENDPOINT_URL_STS": "https://sts.amazonaws.com",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/",
        "AWS_PROFILE": "mine",
        "KUBECONFIG": "/home/me/.kube/config",
        "HTTPS_PROXY": "http://proxy:3128",
        "no_proxy": "corp.example",
        "PATH": "/usr/bin:/bin",
    }
    wanted = shell.variables(tmp_path, "http://127.0.0.1:1", "pat", "eu-west-1", "kubeconfig")
    made = shell.environment(base, wanted)
    path = made.pop("PATH").split(os.pathsep)
    assert path[-2:] == ["/usr/bin", "/bin"]
    assert (Path(path[0]) / "iamrbac").exists()
    assert made == {
        "HOME": "/home/me",
        "HTTPS_PROXY": "http://proxy:3128",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "corp.example,127.0.0.1,localhost",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_PROFILE": "pat",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
    }
    assert shell.inherited(base, wanted) == (
        "AWS_ACCESS_KEY_ID",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_ENDPOINT_URL_STS",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    )


def test_a_profile_does_not_show_its_secret() -> None:
    assert "hush" not in repr(ALICE)
