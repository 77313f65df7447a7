"""Our workflow files as they are written: what they may, what they take, whose code they run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ci import tools
from tests.ci.workflows import (
    ACCESS,
    ACTION,
    APPLY,
    DELIVER,
    DELIVERY,
    GITHUB,
    GITLAB,
    GITLAB_GITOPS,
    POLICY,
    REVIEWS,
    WORKFLOWS,
    Step,
    load,
    step,
    steps,
)
from tests.conftest import ROOT

# What the runner itself sets (GitHub's default environment variables).
OF_THE_RUNNER = re.compile("RUNNER_TEMP|GITHUB_[A-Z_]+|PATH")
# What a helper of git finds in the environment of a later step.
LATER = "GH_TOKEN"
LOCAL = "./.github/actions/delivery"
STEPS = [one for file in GITHUB for one in steps(file)]
RUN = [one for one in STEPS if one.run]


def called(one: Step) -> str:
    """Return what a step is called in the name of a test."""
    return ":".join(part for part in (one.file, one.job, one.name or one.uses.split("@")[0]) if part)


@pytest.mark.go_tool
@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_actionlint_finds_nothing(file: Path) -> None:
    lint = [str(tools.tool("actionlint")), "-no-color", "-shellcheck=", "-pyflakes=", str(file)]
    done = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


SCHEMAS = {
    "gitlab-ci": (GITLAB, GITLAB_GITOPS),
    "github-workflows": WORKFLOWS,
    "github-actions": (ACTION, DELIVERY),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schemas_find_nothing(name: str, tmp_path: Path) -> None:
    """check-jsonschema brings those of GitLab's editor and of SchemaStore, and needs no network for them."""
    check = [str(Path(sys.executable).parent / "check-jsonschema"), "--builtin-schema", f"vendor.{name}"]

    def judged(*files: Path) -> int:
        return subprocess.run([*check, *files], capture_output=True, check=False).returncode

    assert judged(*SCHEMAS[name]) == 0
    broken = tmp_path / "broken.yml"
    broken.write_text(SCHEMAS[name][-1].read_text().replace("script:", "scripts:").replace("steps:", "step:"))
    assert judged(broken) == 1


@pytest.mark.go_tool
def test_the_action_can_be_used_with_its_inputs_and_no_others(tmp_path: Path) -> None:
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "iamrbac").mkdir()
    shutil.copy(ACTION, tmp_path / "iamrbac")
    given = dict.fromkeys(load(ACTION)["inputs"], "x")
    step = {"id": "it", "uses": "./iamrbac", "with": given}
    after = {"run": 'echo "$FILE"', "env": {"FILE": "${{ steps.it.outputs.sarif }}"}}

    def lint() -> str:
        job = {"runs-on": "ubuntu-latest", "steps": [step, after]}
        (workflows / "x.yml").write_text(json.dumps({"on": "pull_request", "jobs": {"x": job}}))
        run = [str(tools.tool("actionlint")), "-no-color", "-oneline", "-shellcheck=", "-pyflakes="]
        return subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False).stdout

    assert lint() == ""
    given["bass"] = "x"
    assert 'input "bass" is not defined' in lint()


def test_the_three_that_judge_a_pull_request_do_it_by_the_same_steps() -> None:
    runs = [{one.name: one.run for one in steps(file) if one.run} for file in REVIEWS]
    assert runs[0] == runs[1] == runs[2]
    assert list(runs[0]) == [
        "Install iamrbac",
        "Find the base",
        "Validate",
        "Lint",
        "Test",
        "Show what would change",
        "Comment",
        "Write SARIF",
    ]
    for file in (APPLY, DELIVERY):
        assert step(file, "Install iamrbac").run == runs[0]["Install iamrbac"]


@pytest.mark.parametrize("one", RUN, ids=called)
def test_no_script_has_an_expression_in_it(one: Step) -> None:
    """GitHub writes expressions into a script as text, so a branch called `$(…)` would be run: all comes by `env`."""
    assert "${{" not in one.run


@pytest.mark.parametrize("one", RUN, ids=called)
def test_every_variable_of_a_script_is_given_to_it(one: Step) -> None:
    used = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", one.run))
    assert {name for name in used if not OF_THE_RUNNER.fullmatch(name)} - one.env.keys() - {"BASE", LATER} == set()
    assert "BASE" not in used or "BASE" in one.env


@pytest.mark.parametrize("one", [one for one in STEPS if one.uses and one.uses != LOCAL], ids=called)
def test_other_actions_are_pinned_to_a_commit_with_its_version_beside(one: Step) -> None:
    assert re.fullmatch("[a-z-]+/[a-z/-]+@[0-9a-f]{40}", one.uses)
    texts = [file.read_text() for file in GITHUB if file.name == one.file]
    assert any(re.search(rf"uses: {re.escape(one.uses)} # v\d+\.\d+\.\d+\n", text) for text in texts)


def test_the_action_uses_no_other() -> None:
    assert not [one.uses for one in steps(ACTION) if one.uses]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_nothing_is_permitted_but_what_each_job_needs(file: Path) -> None:
    value = load(file)
    assert value["permissions"] == {}
    needed: dict[str, dict[str, str]] = {
        "access.yml": {"contents": "read", "pull-requests": "write", "security-events": "write"},
        "policy.yml": {"contents": "read", "pull-requests": "write", "security-events": "write"},
        "apply.yml": {"contents": "read", "id-token": "write"},
        "deliver.yml": {"contents": "read", "id-token": "write"},
    }
    assert all(job["permissions"] == needed[file.name] for job in value["jobs"].values())
    assert all(job["timeout-minutes"] <= 45 for job in value["jobs"].values())


@pytest.mark.parametrize("file", GITHUB, ids=lambda file: file.name)
def test_a_strangers_pull_request_meets_no_secret(file: Path) -> None:
    text = file.read_text()
    assert file == DELIVER or not re.search(r"\$\{\{[^}]*secrets\b", text)
    assert not re.search("aws-(access-key-id|secret-access-key)", text)
    triggers = load(file).get("on", {})
    assert "pull_request_target" not in triggers
    assert "workflow_run" not in triggers
    for one in steps(file):
        if one.uses.startswith("actions/checkout@"):
            assert one.raw["with"]["persist-credentials"] is False


@pytest.mark.parametrize("file", REVIEWS, ids=lambda file: file.name)
def test_only_a_pull_request_of_this_repository_is_written_to(file: Path) -> None:
    ours = "github.event.pull_request.head.repo.full_name == github.repository"
    writers = [one for one in steps(file) if "GH_TOKEN" in one.env or "upload-sarif" in one.uses]
    assert writers
    assert all(ours in one.raw["if"] for one in writers)


def test_apply_runs_on_main_alone_one_at_a_time_and_is_never_cut_short() -> None:
    value = load(APPLY)
    assert value["on"]["push"] == {"branches": ["main"]}
    assert "pull_request" not in value["on"]
    assert value["concurrency"] == {"group": "apply", "cancel-in-progress": False}
    job = value["jobs"]["apply"]
    assert job["environment"] == "access"
    assert "github.ref == 'refs/heads/main'" in job["if"]


ENVIRONMENTS = ("development", "staging", "production-plan", "production")


def test_deliver_is_promoted_in_order_and_no_pull_request_reaches_it() -> None:
    value = load(DELIVER)
    assert value["on"].keys() == {"push", "schedule", "workflow_dispatch"}
    assert value["on"]["push"] == {"branches": ["main"]}
    jobs: dict[str, Any] = value["jobs"]
    assert tuple(jobs) == ENVIRONMENTS
    assert [job.get("needs") for job in jobs.values()] == [None, *ENVIRONMENTS[:-1]]
    assert [job["environment"] for job in jobs.values()] == list(ENVIRONMENTS)
    assert "github.ref == 'refs/heads/main'" in jobs["development"]["if"]
    # Anything that runs whatever became of the others would break the chain.
    assert not re.search(r"\b(always|failure|cancelled)\(\)|continue-on-error", DELIVER.read_text())
    for name in ("development", "staging", "production"):
        assert jobs[name]["concurrency"] == {"group": f"deliver-{name}", "cancel-in-progress": False}
    # A run that waits for approval would hold it for all others.
    assert "concurrency" not in value


def test_production_is_asked_for_only_where_it_would_change() -> None:
    jobs = load(DELIVER)["jobs"]
    assert jobs["production-plan"]["outputs"] == {"changes": "${{ steps.plan.outputs.changes }}"}
    assert jobs["production"]["if"] == "${{ needs.production-plan.outputs.changes == 'true' }}"


def test_each_environment_is_delivered_by_the_same_steps() -> None:
    found = []
    for name in ("development", "staging", "production"):
        done = [{key: one.raw[key] for key in one.raw} for one in steps(DELIVER) if one.job == name]
        found.append(json.loads(json.dumps(done).replace(f"env={name}", "env=IT")))
    assert found[0] == found[1] == found[2]


def test_a_secret_is_known_to_the_steps_that_need_it_and_to_no_file_of_git() -> None:
    for one in steps(DELIVER):
        said = {**one.raw.get("env", {}), **one.raw.get("with", {})}
        given = {key for key, value in said.items() if "secrets." in str(value)}
        if one.uses == LOCAL:
            assert given == {"deploy-key", "signing-key"} - ({"signing-key"} if one.job == "production-plan" else set())
        else:
            assert given == ({"GH_TOKEN"} if one.run else set())
    assert "secrets." not in json.dumps(
        [load(DELIVER)["env"], *(job.get("env") for job in load(DELIVER)["jobs"].values())]
    )
    assert "GITHUB_ENV" not in DELIVERY.read_text()


@pytest.mark.parametrize("file", REVIEWS, ids=lambda file: file.name)
def test_one_failure_hides_no_other(file: Path) -> None:
    later = [one for one in steps(file) if one.name in {"Lint", "Test", "Show what would change", "Comment"}]
    assert len(later) == 4
    assert all("!cancelled()" in one.raw["if"] for one in later)


def test_the_inputs_of_the_action() -> None:
    inputs = load(ACTION)["inputs"]
    assert set(inputs) == {"base", "working-directory", "version", "fail-on", "comment"}
    assert all(one["description"] and "default" in one for one in inputs.values())
    given: dict[str, Any] = load(POLICY)["on"]["workflow_call"]["inputs"]
    assert set(given) == {"base", "working-directory", "requirement", "fail-on", "comment"}


def test_gitlab_runs_apply_on_the_default_branch_alone_and_stores_no_key() -> None:
    value = yaml.safe_load(GITLAB.read_text())
    assert [rule["if"] for rule in value["review"]["rules"]] == ['$CI_PIPELINE_SOURCE == "merge_request_event"']
    assert [rule["if"] for rule in value["apply"]["rules"]] == [
        "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $IAMRBAC_ROLE"
    ]
    assert value["apply"]["environment"] == value["apply"]["resource_group"] == "access"
    assert value["apply"]["interruptible"] is False
    assert "AWS_ACCESS_KEY_ID" not in GITLAB.read_text()


def test_gitlab_delivers_on_the_default_branch_alone_in_order_and_stores_no_key() -> None:
    value = yaml.safe_load(GITLAB_GITOPS.read_text())
    assert value["review"] == yaml.safe_load(GITLAB.read_text())["review"]
    assert value["default"] == yaml.safe_load(GITLAB.read_text())["default"]
    assert value["stages"] == ["review", *ENVIRONMENTS]
    main = "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $IAMRBAC_ROLE"
    assert value[".deliver"]["rules"] == [{"if": main}]
    assert value[".deliver"]["interruptible"] is False
    jobs = [value[name] for name in ENVIRONMENTS]
    assert all(job["extends"] == ".deliver" and job["environment"] == job["stage"] for job in jobs)
    assert [job.get("needs") for job in jobs] == [None, *([name] for name in ENVIRONMENTS[:-1])]
    assert [job.get("resource_group") for job in jobs] == ["development", "staging", None, "production"]
    assert [job["environment"] for job in jobs] == list(ENVIRONMENTS)
    assert [job.get("rules") for job in jobs[:-1]] == [None, None, None]
    assert all(rule["if"].startswith(main) and rule["when"] == "manual" for rule in jobs[-1]["rules"])
    assert "AWS_ACCESS_KEY_ID" not in GITLAB_GITOPS.read_text()


def test_hooks_for_pre_commit_and_those_of_the_scaffold_are_the_same() -> None:
    ours = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    scaffolded = yaml.safe_load((ROOT / "iamrbac/scaffold/documents/pre-commit-config.yaml").read_text())
    (local,) = scaffolded["repos"]
    stripped = [{key: value for key, value in one.items() if key != "description"} for one in ours]
    assert [
        {key: value for key, value in one.items() if key != "additional_dependencies"} for one in local["hooks"]
    ] == (stripped)
    for one in ours:
        assert one["entry"].split()[0] == "iamrbac"
        assert re.search(one["files"], "policies/temporary/inc-4211.yaml")
        assert re.search(one["files"], "iamrbac.yaml")
        assert not re.search(one["files"], "README.md")
        assert not re.search(one["files"], "other/iamrbac.yaml")


def test_the_review_of_the_scaffold_is_for_pull_requests() -> None:
    assert load(ACCESS)["on"] == {"pull_request": None}
