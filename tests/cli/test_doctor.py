"""doctor as a developer and as a platform engineer run it, on the sandbox: what broke, who can fix it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from iamrbac.cli.main import run
from iamrbac.sandbox.runner import Sandbox
from tests.cli.test_own_access import ALICE, become
from tests.conftest import ROOT
from tests.golden import compare
from tests.usecases.test_own_access import assert_shape

__all__ = ["become"]
GOLDEN = Path(__file__).with_name("golden") / "doctor"
HERE = ["-C", str(ROOT)]
Become = Callable[[str], None]
Out = pytest.CaptureFixture[str]


@pytest.fixture
def bare(fresh_sandbox: Sandbox, admin_environment: dict[str, str], become: Become, capsys: Out) -> Sandbox:
    """Alice has a kubeconfig of clusters that know nobody yet but pat."""
    become("alice")
    assert run(["kubeconfig", "--all", "-q", *HERE]) == 0
    capsys.readouterr()
    return fresh_sandbox


@pytest.fixture
def alice(fresh_sandbox: Sandbox, admin_environment: dict[str, str], become: Become, capsys: Out) -> Sandbox:
    """Alice has made her kubeconfig, a while ago."""
    assert run(["apply", "--yes", "-q", *HERE]) == 0
    become("alice")
    assert run(["kubeconfig", "-q", *HERE]) == 0
    capsys.readouterr()
    return fresh_sandbox


def doctor(capsys: Out, *arguments: str, code: int = 3) -> dict[str, Any]:
    """Run it, and return its answer, whose shape is held to the schema."""
    assert run(["doctor", "-q", "-o", "json", *arguments]) == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert_shape("doctor", document)
    return document


def first(document: dict[str, Any]) -> tuple[str, list[str]]:
    """Return the check that failed, and its causes; one that was seen is marked."""
    check = next(one for one in document["checks"] if one["id"] == document["failed"])
    later = document["checks"][document["checks"].index(check) + 1 :]
    assert {one["status"] for one in later} <= {"not-reached"}
    return check["id"], [cause["id"] + ("!" if cause["certain"] else "") for cause in check["causes"]]


def text(capsys: Out, name: str, *arguments: str, code: int = 3) -> None:
    """Run it, and compare the whole text with a golden file, without what differs from run to run."""
    assert run(["doctor", "-q", *arguments]) == code
    out = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", capsys.readouterr().out)
    out = re.sub(
        r"made again on [0-9-]+, after its access entry of [0-9-]+",
        "made again on DAY, after its access entry of DAY",
        out,
    )
    compare(re.sub(r"of /\S+/kubeconfig", "of kubeconfig", out), GOLDEN / f"{name}.txt")


def change(edit: Callable[[dict[str, Any]], None]) -> None:
    """Change the kubeconfig by hand."""
    path = Path(os.environ["KUBECONFIG"])
    value = yaml.safe_load(path.read_text())
    edit(value)
    path.write_text(yaml.safe_dump(value))


def test_all_is_well_and_a_question(
    alice: Sandbox, become: Become, capsys: Out, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    text(capsys, "well", "--context", "production", code=0)
    text(capsys, "no-namespace", code=1)
    text(capsys, "well-in-the-repository", *HERE, "--context", "staging", code=0)
    text(capsys, "secrets-without-policies", "--context", "production", "list", "secrets", "-n", "payments")
    text(capsys, "secrets", *HERE, "--cluster", "production", "list", "secrets", "-n", "payments")
    text(capsys, "another-namespace", *HERE, "--cluster", "production", "list", "pods", "-n", "search")
    assert first(doctor(capsys, *HERE, "--cluster", "production", "-n", "search")) == (
        "rbac",
        ["namespace-not-granted"],
    )
    assert doctor(capsys, *HERE, "--cluster", "production", "list", "pods", "-n", "payments", code=0)["failed"] is None
    with monkeypatch.context() as patch:
        patch.setenv("KUBECONFIG", str(tmp_path / "none"))
        assert doctor(capsys, *HERE, "--cluster", "staging", code=0)["context"] is None
        listed = doctor(capsys, *HERE, "--cluster", "production", "list", "pods", "-n", "payments", code=0)
        assert listed["failed"] is None
    alice.cluster("production").store.put(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "view"},
            "rules": [],
        }
    )
    wiped = doctor(capsys, *HERE, "--cluster", "production", "list", "pods", "-n", "payments")
    assert first(wiped) == ("rbac", ["not-applied!"])
    become("dave")
    monkeypatch.setattr("iamrbac.cli.planning.at_now", lambda: datetime(2036, 2, 1, tzinfo=UTC))
    text(capsys, "grant-over", *HERE, "--cluster", "production", "list", "secrets", "-n", "payments")


def test_the_kubeconfig_is_of_another_cluster(bare: Sandbox, capsys: Out) -> None:
    def other_token(value: dict[str, Any]) -> None:
        arguments = next(one for one in value["users"] if one["name"] == "production")["user"]["exec"]["args"]
        arguments[arguments.index("production")] = "staging"

    change(other_token)
    assert first(doctor(capsys, *HERE, "--cluster", "production")) == ("mapping", ["token-for-another-cluster!"])

    def recreated(value: dict[str, Any]) -> None:
        import base64

        theirs = base64.b64encode(trustme.CA().cert_pem.bytes()).decode()
        for one in value["clusters"]:
            one["cluster"]["certificate-authority-data"] = theirs

    change(recreated)
    text(capsys, "recreated-cluster", *HERE, "--cluster", "staging")


def test_a_cluster_that_is_down_or_gone(bare: Sandbox, capsys: Out) -> None:
    bare.cluster("production").stop()
    down = first(doctor(capsys, "--context", "production"))
    assert down == ("endpoint", ["endpoint-unreachable", "public-access-cidrs"])
    for name in ("production", "staging"):
        bare.client("eks").delete_cluster(name=name)
    text(capsys, "gone", "--context", "production")
    assert first(doctor(capsys, "--context", "staging")) == ("cluster", ["cluster-gone!"])


def test_credentials_that_are_no_good(
    bare: Sandbox, capsys: Out, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "aws"
    folder.mkdir()
    (folder / "config").write_text(
        "[profile alice]\nregion = eu-west-1\nsso_session = corp\nsso_account_id = 111122223333\n"
        "sso_role_name = Developer\n[sso-session corp]\nsso_start_url = https://corp.example\nsso_region = eu-west-1\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    text(capsys, "sso-expired", *HERE, "--cluster", "production")
    (folder / "config").write_text("")
    assert first(doctor(capsys, *HERE, "--cluster", "production")) == ("credentials", ["profile-missing!"])


def test_bad_places_are_one_line(bare: Sandbox, capsys: Out, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run(["doctor", "-q", *HERE, "--context", "nope"]) == 64
    assert run(["doctor", "-q", *HERE, "--cluster", "nope"]) == 64
    assert run(["doctor", "-q", *HERE, "list"]) == 64
    assert run(["doctor", "-q", *HERE, "--cluster", "staging", "--context", "staging"]) == 64
    assert run(["doctor", "-q", *HERE, "--cluster", "staging", "--principal", "alice"]) == 64
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert run(["doctor", "-q", *HERE]) == 64
    monkeypatch.chdir(tmp_path)
    assert run(["doctor", "-q"]) == 64
    capsys.readouterr()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path))
    assert run(["doctor", "-q", *HERE]) == 1
    assert capsys.readouterr().err == f"error: [ERR206] {tmp_path}: it is a directory. Next: set KUBECONFIG to a file\n"


def test_nobody_maps_her(alice: Sandbox, become: Become, capsys: Out) -> None:
    alice.remove_from_group("alice", "payments-developers")
    become("pat")
    assert run(["apply", "--yes", "-q", *HERE]) == 0
    become("alice")
    capsys.readouterr()
    text(capsys, "not-mapped", *HERE, "--cluster", "production")
    become("pat")
    text(capsys, "not-mapped-seen-by-pat", *HERE, "--cluster", "production", "--principal", ALICE)


def aws_auth(sandbox: Sandbox, edit: Callable[[str], str]) -> None:
    store = sandbox.cluster("production").store
    found = next(one for one in store.list("ConfigMap") if one["metadata"]["name"] == "aws-auth")
    store.put({**found, "data": {**found["data"], "mapUsers": edit(found["data"]["mapUsers"])}})


def about_alice(capsys: Out, cluster: str, *more: str, code: int = 3) -> dict[str, Any]:
    return doctor(capsys, *HERE, "--cluster", cluster, "--principal", ALICE, *more, code=code)


def test_pat_sees_what_is_wrong_with_her_row(alice: Sandbox, become: Become, capsys: Out) -> None:
    become("pat")
    assert about_alice(capsys, "production", code=0)["caller"].endswith(":user/pat")
    allowed = about_alice(capsys, "production", "list", "pods", "-n", "payments", code=0)
    assert allowed["checks"][-1]["saw"] == f"{ALICE} may list pods in payments"
    assert first(about_alice(capsys, "production", "list", "secrets", "-n", "payments"))[1][0] == "role-without-it"
    aws_auth(alice, lambda rows: rows.replace("user/staff/alice\n", "user/alice\n", 1))
    assert first(about_alice(capsys, "production")) == ("mapping", ["user-path-missing!"])
    become("alice")
    hers = first(doctor(capsys, *HERE, "--cluster", "production"))
    assert hers == ("mapping", ["not-mapped", "user-path-missing", "section-unreadable"])
    become("pat")
    again = f"- {{userarn: '{ALICE}', username: alice, groups: [few]}}\n"
    aws_auth(alice, lambda rows: rows.replace("user/alice\n", "user/staff/alice\n", 1) + again)
    assert first(about_alice(capsys, "production"))[1][0] == "later-row-wins!"
    store = alice.cluster("staging").store
    rows = f"- {{userarn: '{ALICE}', username: alice, groups: ['system:masters']}}\n"
    metadata = {"name": "aws-auth", "namespace": "kube-system"}
    store.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"mapUsers": rows}})
    become("pat")
    found = first(about_alice(capsys, "staging", "list", "secrets", "-n", "search"))
    assert found == ("rbac", ["entry-shadows-row!"])
    store.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {}})
    clusters = alice.aws.front.eks.clusters
    with clusters.lock:
        entry = clusters.access("111122223333", "eu-west-1", "staging").entries[ALICE]
        entry.created_at -= timedelta(days=30)
        entry.principal_id = "AIDABEFORE"
    text(capsys, "recreated-principal", *HERE, "--cluster", "staging", "--principal", ALICE)
    become("alice")
    # The sandbox lets everybody ask EKS and IAM, so that she can see it, too.
    assert first(doctor(capsys, *HERE, "--cluster", "staging")) == ("mapping", ["entry-of-deleted-principal!"])
