"""plan, apply and whoami over three accounts: people in one, clusters in two others, each entered by its role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from iamrbac.cli.main import run
from iamrbac.documents.files import FileRepository
from iamrbac.sandbox.runner import Sandbox
from iamrbac.sandbox.spec import parse_spec
from iamrbac.usecases.load import load
from tests.usecases.test_own_access import assert_shape

PEOPLE, STAGING, PRODUCTION = "000011112222", "000022223333", "000033334444"
CONFIG = f"""\
apiVersion: iamrbac.dev/v1alpha1
kind: Config
metadata: {{name: acme}}
identity: {{account: "{PEOPLE}", groups: users, assumeRole: "arn:aws:iam::{PEOPLE}:role/iamrbac-people"}}
clusters:
  - name: staging
    account: "{STAGING}"
    region: eu-west-1
    namespaces: [payments]
    assumeRole: {{roleArn: "arn:aws:iam::{STAGING}:role/ops/iamrbac", externalId: acme, sessionName: iamrbac-ci}}
  - name: production
    account: "{PRODUCTION}"
    region: eu-west-1
    namespaces: [payments]
    mapping: aws-auth
    assumeRole: "arn:aws:iam::{PRODUCTION}:role/iamrbac"
"""
POLICY = """\
apiVersion: iamrbac.dev/v1alpha1
kind: AccessPolicy
metadata: {name: payments}
spec:
  members:
    developers: [{iamGroup: developers}, {iamRole: deployer}]
  access:
    - {clusters: ["*"], namespaces: [payments], role: viewer}
"""
SANDBOX = """\
apiVersion: iamrbac.dev/v1alpha1
kind: Sandbox
people:
  - {user: alice, path: /staff/, groups: [developers]}
  - {user: pat, admin: true}
roles: [{name: deployer, path: /ci/}]
clusters:
  staging: {authenticationMode: API}
"""


@pytest.fixture
def company(tmp_path: Path, sandbox: Sandbox) -> Iterator[tuple[Path, Sandbox]]:
    (tmp_path / "policies").mkdir()
    (tmp_path / "iamrbac.yaml").write_text(CONFIG)
    (tmp_path / "policies/payments.yaml").write_text(POLICY)
    documents = load(FileRepository(tmp_path)).readable
    assert documents is not None
    # A process has one sandbox.
    sandbox.stop()
    try:
        with Sandbox(documents, parse_spec(SANDBOX), tmp_path) as running, pytest.MonkeyPatch.context() as patch:
            for name, value in running.variables().items():
                patch.setenv(name, value)
            yield tmp_path, running
    finally:
        sandbox.start()


def test_plan_and_apply_reach_every_account(company: tuple[Path, Sandbox], capsys: pytest.CaptureFixture[str]) -> None:
    root, running = company
    assert run(["apply", "--yes", "-C", str(root)]) == 0, capsys.readouterr()
    capsys.readouterr()
    calls = running.aws.front.calls
    assert calls["sts:AssumeRole"] == 3
    assert calls["iam:GetGroup"] == 1
    assert run(["plan", "--detailed-exitcode", "-C", str(root)]) == 0
    assert capsys.readouterr().out == "No changes: staging, production are as the policies say.\n"
    monkeyed = running.cluster("production").aws_auth_data()
    assert monkeyed is not None
    assert f"arn:aws:iam::{PEOPLE}:user/staff/alice" in monkeyed["mapUsers"]
    assert f"arn:aws:iam::{PRODUCTION}:role/deployer" in monkeyed["mapRoles"]
    entries = running.aws.front.eks.clusters.access(STAGING, "eu-west-1", "staging").entries
    assert {f"arn:aws:iam::{PEOPLE}:user/staff/alice", f"arn:aws:iam::{STAGING}:role/ci/deployer"} <= set(entries)


def test_whoami_shows_the_chain(company: tuple[Path, Sandbox], capsys: pytest.CaptureFixture[str]) -> None:
    root, _ = company
    assert run(["whoami", "--assume", "-q", "-C", str(root)]) == 0
    pat = f"arn:aws:iam::{PEOPLE}:user/pat"
    staging, production = f"arn:aws:iam::{STAGING}:role/ops/iamrbac", f"arn:aws:iam::{PRODUCTION}:role/iamrbac"
    assert capsys.readouterr().out == (
        f"{pat}\n"
        f"  account {PEOPLE}\n"
        f"  who the people of account {PEOPLE} are is asked as arn:aws:iam::{PEOPLE}:role/iamrbac-people\n"
        f"    assumed: arn:aws:sts::{PEOPLE}:assumed-role/iamrbac-people/pat\n"
        "\n"
        f"staging: arn:aws:sts::{STAGING}:assumed-role/iamrbac/iamrbac-ci\n"
        "  nothing from the policies; what this user may do comes from elsewhere\n"
        f"  this is {staging}\n"
        "\n"
        "production: iamrbac\n"
        "  group system:masters\n"
        "  nothing from the policies; what this user may do comes from elsewhere\n"
        f"  this is {production}\n"
    )
    # A developer has no business with these roles: nothing is assumed without being asked for.
    assert run(["whoami", "-q", "-o", "json", "-C", str(root)]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert_shape("whoami", answer)
    assert answer["people"]["arn"] is None
    assert [one["assumeRole"] for one in answer["clusters"]] == [staging, production]
    assert [one["status"] for one in answer["clusters"]] == ["failed", "failed"]
