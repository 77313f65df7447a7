"""plan and apply as a person runs them, on the sandbox: real botocore, the official client, HTTP and TLS."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from moto.iam.models import iam_backends

from iamrbac.cli.main import run
from iamrbac.sandbox.runner import Sandbox
from tests.conftest import ROOT


@pytest.fixture
def repository(tmp_path: Path, fresh_sandbox: Sandbox, admin_environment: dict[str, str]) -> Iterator[Path]:
    """A copy of the sample repository, and a fresh sandbox whose admin we are."""
    copy = tmp_path / "repo"
    shutil.copytree(ROOT / "policies", copy / "policies")
    shutil.copy(ROOT / "iamrbac.yaml", copy)
    yield copy


class Shell:
    """Runs iamrbac in this process, in a repository."""

    def __init__(self, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._where = ["-C", str(repository)]
        self._capsys = capsys
        self.out = ""
        self.err = ""

    def __call__(self, command: str, *arguments: str) -> int:
        code = run([command, *arguments, *self._where])
        self.out, self.err = self._capsys.readouterr()
        return code


@pytest.fixture
def shell(repository: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(repository, capsys)


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(files("iamrbac.render").joinpath(f"schemas/{name}.json").read_text()))


def plan_json(shell: Shell, *arguments: str) -> dict[str, Any]:
    shell("plan", "-o", "json", *arguments)
    value: dict[str, Any] = json.loads(shell.out)
    return value


def test_plan_apply_and_then_nothing_to_do(shell: Shell) -> None:
    assert shell("plan", "--detailed-exitcode") == 2
    assert "+ alice gains developer in payments, payments-batch (staging)" in shell.out
    assert shell.out.splitlines()[-1].startswith("Plan: ")
    assert shell("apply", "--yes") == 0
    assert shell("plan", "--detailed-exitcode") == 0
    assert shell.out == "No changes: development, staging, production are as the policies say.\n"


def test_the_json_has_the_published_shape_and_lines_of_policies(shell: Shell) -> None:
    document = plan_json(shell)
    assert list(schema("plan").iter_errors(document)) == []
    assert {cluster["name"]: cluster["mapping"] for cluster in document["clusters"]} == {
        "development": "access-entries",
        "staging": "access-entries",
        "production": "aws-auth",
    }
    lines = {origin for change in document["changes"] for origin in change["because"]}
    assert lines
    assert all(
        file.startswith("policies/") and int(line) > 1 for file, _, line in (one.partition(":") for one in lines)
    )
    assert shell("apply", "--yes", "-o", "json", "-q") == 0
    events = [json.loads(line) for line in shell.out.splitlines()]
    assert [error for event in events for error in schema("apply-event").iter_errors(event)] == []
    assert events[-1]["done"] == len(document["changes"])


def test_no_secret_is_in_any_output(shell: Shell, fresh_sandbox: Sandbox, tmp_path: Path) -> None:
    shell("plan", "-o", "json", "--out", str(tmp_path / "plan.json"))
    said = shell.out + shell.err + (tmp_path / "plan.json").read_text()
    shell("apply", "--yes", "-v")
    said += shell.out + shell.err
    for profile in fresh_sandbox.profiles:
        assert profile.secret_key not in said
        assert profile.access_key not in said
    assert "k8s-aws-v1." not in said


def test_a_saved_plan_is_applied_once_and_is_stale_then(shell: Shell, tmp_path: Path) -> None:
    saved = str(tmp_path / "plan.json")
    assert shell("plan", "--out", saved) == 0
    assert shell("apply", saved) == 0
    assert list(schema("plan").iter_errors(json.loads((tmp_path / "plan.json").read_text()))) == []
    assert shell("apply", saved) == 4
    said = shell.err.splitlines()
    assert any("[ERR301]" in line and "the plan is stale: " in line for line in said)
    assert sum(line.startswith("  - ") for line in said) == 11
    assert any(line.endswith(" was to be added, and is there already") for line in said)
    assert shell("plan", "--detailed-exitcode") == 0


def test_a_policy_that_changed_makes_a_saved_plan_stale(shell: Shell, repository: Path, tmp_path: Path) -> None:
    saved = str(tmp_path / "plan.json")
    shell("plan", "--out", saved)
    policy = repository / "policies" / "search.yaml"
    policy.write_text(policy.read_text().replace("role: developer", "role: viewer", 1))
    assert shell("apply", saved) == 4
    assert shell("plan", "--detailed-exitcode") == 2


def test_an_expiry_between_plan_and_apply_makes_it_stale(
    shell: Shell, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    from iamrbac.cli import apply

    saved = str(tmp_path / "plan.json")
    shell("plan", "--out", saved)
    monkeypatch.setattr(apply, "at_now", lambda: datetime(2199, 1, 1, tzinfo=UTC))
    assert shell("apply", saved) == 4


def test_a_plan_for_another_target_is_refused(shell: Shell, tmp_path: Path) -> None:
    saved = tmp_path / "plan.json"
    shell("plan", "--cluster", "staging", "--out", str(saved))
    document = json.loads(saved.read_text())
    document["targets"] = {"staging": "arn:aws:eks:eu-west-1:999999999999:cluster/staging"}
    saved.write_text(json.dumps(document))
    assert shell("apply", str(saved)) == 4
    assert "999999999999" in shell.err


def test_nobody_to_ask_is_a_no(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert shell("apply") == 5
    assert shell("plan", "--detailed-exitcode") == 2


def test_a_cluster_that_does_not_answer_stops_only_itself(shell: Shell, fresh_sandbox: Sandbox) -> None:
    fresh_sandbox.cluster("production").stop()
    assert shell("plan") == 1
    assert "! production could not be planned: [ERR202]" in shell.out
    assert shell("apply", "--yes") == 1
    assert shell("plan", "--cluster", "staging", "--detailed-exitcode") == 0


def test_an_object_of_that_name_that_is_not_ours_is_refused_and_nothing_is_written(
    shell: Shell, fresh_sandbox: Sandbox
) -> None:
    change = next(one for one in plan_json(shell)["changes"] if one["kind"] == "Role" and one["cluster"] == "staging")
    fresh_sandbox.cluster("staging").store.put(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": change["name"], "namespace": change["namespace"]},
            "rules": [],
        }
    )
    assert shell("apply", "--yes") == 3
    key = f"Role/{change['namespace']}/{change['name']}"
    assert f"OWN002: staging: {key} is already there and is not ours" in shell.out
    assert plan_json(shell, "--cluster", "development")["summary"]["create"] > 0
    assert shell("apply", "--yes", "--adopt", key) == 0
    assert shell("plan", "--detailed-exitcode") == 0


def test_aws_auth_that_does_not_parse_stops_its_cluster_and_stays_as_it_is(
    shell: Shell, fresh_sandbox: Sandbox
) -> None:
    cluster = fresh_sandbox.cluster("production")
    config_map = cluster.store.get("ConfigMap", "kube-system", "aws-auth")
    assert config_map is not None
    # The nodes' section: ours is the other one, and pat's own row has to go on working.
    config_map["data"]["mapRoles"] = "- rolearn: {{broken\n"
    cluster.store.put(config_map)
    before = dict(cluster.aws_auth_data() or {})
    assert shell("apply", "--yes") == 1
    assert "ERR205" in shell.out
    assert "mapRoles" in shell.out
    assert cluster.aws_auth_data() == before


def test_foreign_bytes_of_aws_auth_survive(shell: Shell, fresh_sandbox: Sandbox, repository: Path) -> None:
    cluster = fresh_sandbox.cluster("production")
    before = dict(cluster.aws_auth_data() or {})
    assert shell("apply", "--yes") == 0
    during = dict(cluster.aws_auth_data() or {})
    assert during != before
    for policy in (repository / "policies").rglob("*.yaml"):
        policy.unlink()
    assert shell("apply", "--yes", "--allow-removals", "100") == 0
    after = dict(cluster.aws_auth_data() or {})
    assert {key: text for key, text in after.items() if key in before} == before


def test_an_empty_repository_is_refused_by_the_guards(shell: Shell, repository: Path) -> None:
    shell("apply", "--yes")
    for policy in (repository / "policies").rglob("*.yaml"):
        policy.unlink()
    assert shell("apply", "--yes") == 3
    assert "GRD001" in shell.out
    assert "GRD002" in shell.out
    assert "Plan: " in shell.out


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("iamrbac.yaml", "count: 5", "count: 0"), ("policies/search.yaml", "role: operator", "role: opperator")],
    ids=["a guard", "invalid documents"],
)
def test_a_refusal_in_json_is_a_stream_of_lines_too_and_ends_with_the_summary(
    shell: Shell, repository: Path, file: str, old: str, new: str
) -> None:
    shell("apply", "--yes")
    changed = repository / file
    changed.write_text(changed.read_text().replace(old, new))
    search = repository / "policies" / "search.yaml"
    search.write_text(search.read_text().replace("role: developer", "role: viewer"))
    assert shell("apply", "--yes", "-o", "json", "-q") == 3
    events = [json.loads(line) for line in shell.out.splitlines()]
    assert [error for event in events for error in schema("apply-event").iter_errors(event)] == []
    assert [event["type"] for event in events] == ["refused", "summary"]
    assert events[-1]["exitCode"] == 3


def test_json_says_why_a_cluster_was_not_planned(shell: Shell, repository: Path) -> None:
    config = repository / "iamrbac.yaml"
    config.write_text(config.read_text().replace("- name: production\n", "- name: production\n    eksName: nope\n"))
    assert shell("apply", "--yes", "-o", "json", "-q") == 1
    summary = json.loads(shell.out.splitlines()[-1])
    assert list(schema("apply-event").iter_errors(summary)) == []
    assert summary["notPlanned"] == ["production"]
    assert [(one["cluster"], one["code"]) for one in summary["errors"]] == [("production", "ERR201")]
    assert "EKS has no cluster nope" in summary["errors"][0]["message"]


def test_suspended_means_nowhere(shell: Shell, repository: Path, fresh_sandbox: Sandbox) -> None:
    shell("apply", "--yes")
    config = repository / "iamrbac.yaml"
    config.write_text(config.read_text().replace("suspended: []", f"suspended: [{fresh_sandbox.arn('alice')}]"))
    access = plan_json(shell)["access"]
    assert {(one["principal"], one["change"]) for one in access} == {(fresh_sandbox.arn("alice"), "lose")}
    assert shell("apply", "--yes") == 0
    assert all(
        "alice" not in (cluster.aws_auth_data() or {}).get("mapUsers", "")
        for cluster in fresh_sandbox.clusters.values()
    )


def test_a_place_that_cannot_be_written_is_no_fault_of_usage(shell: Shell, tmp_path: Path) -> None:
    assert shell("plan", "--out", str(tmp_path / "missing" / "plan.json")) == 1
    assert "error: [ERR209]" in shell.err
    assert "it cannot be written: No such file or directory" in shell.err


def test_a_user_made_again_gets_in_again(shell: Shell, fresh_sandbox: Sandbox) -> None:
    assert shell("apply", "--yes") == 0
    alice = fresh_sandbox.arn("alice")
    account = alice.split(":")[4]
    backend = iam_backends[account]["aws"]
    backend.remove_user_from_group("payments-developers", "alice")
    for key in list(backend.users["alice"].access_keys):
        backend.delete_access_key(key.access_key_id, "alice")
    backend.delete_user("alice")
    backend.create_user("eu-west-1", "alice", "/staff/")
    backend.add_user_to_group("payments-developers", "alice")
    entries = fresh_sandbox.aws.front.eks.clusters.access(account, "eu-west-1", "staging").entries
    old = entries[alice].principal_id
    # IAM says whole seconds.
    entries[alice].created_at -= timedelta(hours=1)
    assert shell("plan", "--cluster", "staging", "--detailed-exitcode") == 2
    assert f"-/+ replace AccessEntry {alice}" in shell.out
    assert "MAP111" in shell.out
    assert shell("apply", "--yes", "--cluster", "staging") == 0
    entries = fresh_sandbox.aws.front.eks.clusters.access(account, "eu-west-1", "staging").entries
    assert entries[alice].principal_id != old
    assert shell("plan", "--cluster", "staging", "--detailed-exitcode") == 0
