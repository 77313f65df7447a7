"""A `via: role` team from the policy to the cluster: whoever is in the group gets in by its role, and nobody else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from jsonschema import Draft202012Validator

from iamrbac.cli.main import run
from iamrbac.sandbox.runner import Sandbox
from tests.cli.shapes import SCHEMAS
from tests.conftest import ROOT

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/iamrbac/acme.payments.oncall"


@pytest.fixture
def repository(tmp_path: Path, fresh_sandbox: Sandbox, admin_environment: dict[str, str]) -> Iterator[Path]:
    folder = tmp_path / "access"
    shutil.copytree(ROOT / "policies", folder / "policies")
    shutil.copy(ROOT / "iamrbac.yaml", folder)
    policy = folder / "policies" / "payments.yaml"
    text = policy.read_text()
    assert "      - iamGroup: payments-oncall\n" in text
    policy.write_text(
        text.replace("      - iamGroup: payments-oncall\n", "      - iamGroup: payments-oncall\n        via: role\n")
    )
    yield folder


def assume(sandbox: Sandbox, person: str, session: str | None = None) -> dict[str, str]:
    answer = sandbox.client("sts", person).assume_role(RoleArn=ROLE, RoleSessionName=session or person)["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": answer["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": answer["SecretAccessKey"],
        "AWS_SESSION_TOKEN": answer["SessionToken"],
    }


def test_from_the_policy_to_the_cluster(
    repository: Path, fresh_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ("-C", str(repository))
    assert run(["validate", *there]) == 0
    assert run(["compile", *there, "--form", "iam", "-q"]) == 0
    capsys.readouterr()
    assert run(["compile", *there, "--form", "iam", "-q"]) == 0
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(json.loads((SCHEMAS / "compile.json").read_text())).validate(document)
    assert [one["arn"] for one in document["accounts"][0]["roles"]] == [ROLE]

    assert run(["apply", "--yes", "-q", *there]) == 0
    capsys.readouterr()
    assert run(["plan", "--detailed-exitcode", "-q", *there]) == 0
    capsys.readouterr()

    keys = assume(fresh_sandbox, "carol")
    for person, session in (("alice", "alice"), ("carol", "alice"), ("dave", "dave")):
        with pytest.raises(ClientError, match="AccessDenied"):
            assume(fresh_sandbox, person, session)

    with monkeypatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
            patch.delenv(name, raising=False)
        for name, value in keys.items():
            patch.setenv(name, value)
        assert run(["whoami", "-q", "-o", "json", *there]) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["caller"]["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/acme.payments.oncall/carol"
        assert {one["status"] for one in said["clusters"]} == {"mapped"}
        users = {one["username"] for one in said["clusters"]}
        assert users == {f"arn:aws:sts::{ACCOUNT}:assumed-role/acme.payments.oncall/carol"}
        assert {group for one in said["clusters"] for group in one["groups"] if group.startswith("iamrbac")} == {
            "iamrbac:acme:payments:oncall"
        }

    with monkeypatch.context() as patch:
        for name, value in fresh_sandbox.variables("carol").items():
            patch.setenv(name, value)
        assert run(["whoami", "-q", "--cluster", "production", *there]) == 0
        out = capsys.readouterr().out
        assert f"production: no access\n  as yourself; whoever is in its IAM group gets in as {ROLE}\n" in out

    suspended = repository / "iamrbac.yaml"
    listed = f"suspended: [{fresh_sandbox.arn('carol')}]"
    suspended.write_text(suspended.read_text().replace("suspended: []", listed))
    assert run(["apply", "--yes", "-q", *there]) == 0
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(fresh_sandbox, "carol")
