"""whoami, kubeconfig and token as a developer runs them, on the sandbox."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from iamrbac.cli.main import run
from iamrbac.sandbox.runner import Sandbox
from tests.conftest import ROOT
from tests.usecases.test_own_access import assert_shape

ALICE = "arn:aws:iam::111122223333:user/staff/alice"


@pytest.fixture(autouse=True)
def applied(fresh_sandbox: Sandbox, admin_environment: dict[str, str]) -> None:
    assert run(["apply", "--yes", "-q", "-C", str(ROOT)]) == 0


@pytest.fixture
def become(fresh_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def become(person: str) -> None:
        for name, value in fresh_sandbox.variables(person).items():
            monkeypatch.setenv(name, value)

    return become


def test_whoami(become: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    become("alice")
    capsys.readouterr()
    assert run(["whoami", "-C", str(ROOT), "--cluster", "production"]) == 0
    out, err = capsys.readouterr()
    assert out == (
        f"{ALICE}\n"
        "  account 111122223333\n"
        "\n"
        f"production: {ALICE}\n"
        "  group iamrbac:acme:payments:developers\n"
        f"  clusterRole view in payments (policies/payments.yaml:{line_of('clusters: [production]')})\n"
    )
    assert err == f"Asking 1 cluster about {ALICE}\n"
    assert run(["whoami", "-C", str(ROOT), "-o", "json", "-q"]) == 0
    out, err = capsys.readouterr()
    assert_shape("whoami", json.loads(out))
    assert [one["status"] for one in json.loads(out)["clusters"]] == ["mapped"] * 3
    assert err == ""


def line_of(text: str) -> int:
    """The line of the access item that holds `text`: its dash, one line above."""
    lines = (ROOT / "policies/payments.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines) if text in line)


def test_kubeconfig_then_kubectls_client(
    become: Callable[[str], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    become("alice")
    assert run(["kubeconfig", "-C", str(ROOT), "--namespace-contexts", "-q"]) == 0
    path = Path(os.environ["KUBECONFIG"])
    first = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    capsys.readouterr()
    assert run(["kubeconfig", "-C", str(ROOT), "--namespace-contexts", "-o", "json", "-q"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert_shape("kubeconfig", document)
    assert (document["changed"], path.read_bytes()) == (False, first)
    contexts = {one["name"]: one["context"] for one in yaml.safe_load(first)["contexts"]}
    assert sorted(contexts) == [
        "development",
        "payments-batch@development",
        "payments-batch@staging",
        "payments@development",
        "payments@production",
        "payments@staging",
        "production",
        "search@development",
        "search@staging",
        "staging",
    ]
    assert contexts["production"]["namespace"] == "payments"
    assert "namespace" not in contexts["staging"]
    assert list_pods("staging", "payments") == 200
    assert list_pods("staging", "kube-system") == 403


def test_what_is_written_is_the_persons_choice(
    fresh_sandbox: Sandbox, become: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    become("alice")
    path = Path(os.environ["KUBECONFIG"])
    here = ["kubeconfig", "-C", str(ROOT), "-q"]

    def out(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        assert run([*here, *arguments]) == code
        return capsys.readouterr().out if code != 64 else capsys.readouterr().err

    printed = yaml.safe_load(out("--print", "--exec", "aws", "--cluster", "staging"))
    assert "get-token" in printed["users"][0]["user"]["exec"]["args"]
    assert printed["current-context"] == "staging"
    assert not path.exists()
    assert "+current-context: development\n" in out("--dry-run")
    assert not path.exists()
    named = ("--namespace-contexts", "--name-template", "{team}/{namespace}@{cluster}")
    out(*named, "--current", "payments/payments@staging")
    assert yaml.safe_load(path.read_text())["current-context"] == "payments/payments@staging"
    before = path.read_bytes()
    assert "did you mean payments/payments@staging?" in out(*named, "--current", "payments/payment@staging", code=64)
    assert "write e.g. arn:aws:iam::" in out("--role-arn", "alice", code=64)
    assert "--print is about no file" in out("--print", "--prune", code=64)
    assert path.read_bytes() == before
    fresh_sandbox.remove_from_group("alice", "payments-developers")
    become("pat")
    assert run(["apply", "--yes", "-q", "-C", str(ROOT)]) == 0
    become("alice")
    text = out("--prune", code=3)
    assert text.endswith("it was payments/payments@staging): kubectl config use-context NAME.\n")
    config = yaml.safe_load(path.read_text())
    assert [config[key] for key in ("clusters", "users", "contexts", "current-context")] == [[], [], [], ""]


def list_pods(context: str, namespace: str) -> int:
    """Ask with the official client and the exec plug-in of the kubeconfig; return the HTTP status."""
    from kubernetes import client, config

    api = config.new_client_from_config(os.environ["KUBECONFIG"], context)
    try:
        client.CoreV1Api(api).list_namespaced_pod(namespace)
    except client.ApiException as error:
        return int(error.status)
    finally:
        api.close()
    return 200


@pytest.mark.parametrize("tool", ["python", *(["kubectl"] if shutil.which("kubectl") else [])])
def test_she_may_do_what_the_policies_say_and_nothing_else(become: Callable[[str], None], tool: str) -> None:
    become("dave")
    assert run(["kubeconfig", "-C", str(ROOT), "--cluster", "production", "-q"]) == 0
    for namespace, allowed in {"payments": True, "search": True, "payments-batch": False}.items():
        if tool == "python":
            assert list_pods("production", namespace) == (200 if allowed else 403)
        else:
            command = ["kubectl", "-n", namespace, "get", "pods"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert (done.returncode == 0) is allowed, done.stderr


def test_somebody_without_access(
    fresh_sandbox: Sandbox, become: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    fresh_sandbox.remove_from_group("alice", "payments-developers")
    become("pat")
    assert run(["apply", "--yes", "-q", "-C", str(ROOT)]) == 0
    become("alice")
    capsys.readouterr()
    assert run(["kubeconfig", "-C", str(ROOT), "-q"]) == 3
    assert capsys.readouterr().out == (
        "development  no access\nstaging      no access\nproduction   no access\nNo context was written.\n"
    )
    assert not Path(os.environ["KUBECONFIG"]).exists()
    assert run(["whoami", "-C", str(ROOT), "-q"]) == 0
    assert capsys.readouterr().out.endswith("\ndevelopment: no access\n\nstaging: no access\n\nproduction: no access\n")


def test_the_platform_engineer_writes_all(become: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    become("pat")
    capsys.readouterr()
    assert run(["kubeconfig", "-C", str(ROOT), "--all", "-q"]) == 0
    assert capsys.readouterr().out == (
        f"development\nstaging\nproduction\n{os.environ['KUBECONFIG']}: 3 contexts written;"
        " current context: development.\n"
    )
    assert list_pods("production", "kube-system") == 200


def test_a_cluster_that_is_down_leaves_the_others(
    fresh_sandbox: Sandbox, become: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    fresh_sandbox.cluster("staging").stop()
    become("alice")
    capsys.readouterr()
    assert run(["kubeconfig", "-C", str(ROOT), "-q"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[1].startswith("staging      not known: [ERR202] cannot ask who I am: https://127.0.0.1:")
    assert "(Connection refused). Next: check the network" in out[1]
    assert out[-1].endswith(": 2 contexts written; current context: development.")


def test_bad_places_and_bad_credentials_are_one_line(
    become: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    become("alice")
    capsys.readouterr()
    assert run(["kubeconfig", "-C", str(ROOT), "-q", "--kubeconfig", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"error: [ERR206] {tmp_path}: it is a directory. Next: name a file with --kubeconfig or KUBECONFIG\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    for command in ("whoami", "kubeconfig"):
        assert run([command, "-C", str(ROOT), "-q"]) == 1
        assert capsys.readouterr().err == (
            "error: [ERR201] the AWS configuration: The config profile (nobody) could not be found."
            " Next: set AWS_PROFILE to one of `aws configure list-profiles`\n"
        )
