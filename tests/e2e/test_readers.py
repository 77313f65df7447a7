"""Whoever reads the kubeconfig gets in, as the policies say: kubectl, Go's client-go, Python's client, the AWS CLI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.aws_cli import CannotInstallError, aws_cli
from tests.e2e.readers import PYTHON, goclient
from tests.e2e.real import ACCOUNT, RealSandbox
from tests.kubeconfig.test_entries import assert_readable

ROLE = f"arn:aws:iam::{ACCOUNT}:role/ci/payments-deployer"


@pytest.fixture(scope="module")
def applied(real: RealSandbox) -> RealSandbox:
    done = real.run("iamrbac", "apply", "--yes", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    return real


def written(real: RealSandbox, path: Path, *arguments: str) -> dict[str, str]:
    """Let alice write a kubeconfig; return the environment of whoever uses it."""
    done = real.run("iamrbac", "kubeconfig", "-q", "--kubeconfig", str(path), *arguments, person="alice")
    assert done.returncode == 0, done.stdout + done.stderr
    assert_readable(yaml.safe_load(path.read_text()))
    return {**real.environment("alice"), "KUBECONFIG": str(path)}


def said(command: list[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return (done.stdout or done.stderr).strip()


def test_three_readers_of_one_file(applied: RealSandbox, tmp_path: Path) -> None:
    environment = written(applied, tmp_path / "config", "--namespace-contexts")
    for namespace, status in (("payments", "200"), ("search", "403")):
        path = f"/api/v1/namespaces/{namespace}/pods"
        assert said([str(goclient()), "production", path], environment) == status
        assert said([sys.executable, "-c", PYTHON, "production", namespace], environment) == status
    assert said([str(goclient()), "no-such", "/"], environment).endswith(
        "context was not found for specified context: no-such"
    )
    if kubectl := shutil.which("kubectl"):
        ask = [kubectl, "--context", "payments@production", "auth", "can-i", "list", "pods"]
        assert said(ask, environment) == "yes"
        assert said([*ask, "-n", "search"], environment) == "no"


def test_by_a_role_that_the_plug_in_assumes(applied: RealSandbox, tmp_path: Path) -> None:
    environment = written(applied, tmp_path / "config", "--cluster", "staging", "--role-arn", ROLE)
    path = "/api/v1/namespaces/payments/pods"
    assert said([str(goclient()), "staging", path], environment) == "200"
    if kubectl := shutil.which("kubectl"):
        groups = said([kubectl, "auth", "whoami", "-o", "jsonpath={.status.userInfo.groups}"], environment)
        assert "iamrbac:acme:payments:deployer" in groups
        assert "iamrbac:acme:payments:developers" not in groups


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """An AWS CLI on the PATH, behind the one that may be there."""
    try:
        folder = aws_cli().parent
    except CannotInstallError as error:
        pytest.skip(str(error))
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{folder}")


@pytest.mark.usefixtures("aws")
def test_by_the_aws_cli(applied: RealSandbox, tmp_path: Path) -> None:
    environment = written(applied, tmp_path / "config", "--exec", "aws", "--cluster", "production")
    # The AWS CLI would sign for that endpoint, which no EKS cluster takes.
    del environment["AWS_ENDPOINT_URL"]
    assert said([str(goclient()), "production", "/api/v1/namespaces/payments/pods"], environment) == "200"
    assert said([str(goclient()), "production", "/api/v1/namespaces/search/pods"], environment) == "403"
