"""plan and apply through Git as a person runs them: real git, a bare repository, the sandbox's AWS and clusters."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from iamrbac.sandbox.runner import Sandbox
from tests.cli.test_plan_apply import Shell, schema
from tests.conftest import ROOT
from tests.golden import compare

GOLDEN = Path(__file__).parent / "golden" / "delivery"
AUTHOR = "author: {name: iamrbac, email: platform@example.com}"
GITOPS = f"gitops: {{repository: ../clusters.git, {AUTHOR}}}\n"
ONLY = ("--cluster", "staging")


@pytest.fixture
def repository(
    tmp_path: Path, fresh_sandbox: Sandbox, admin_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The sample repository with all clusters delivered by Git, and a bare repository beside it."""
    home = tmp_path / "home"
    home.mkdir()
    for name, value in {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
    }.items():
        monkeypatch.setenv(name, value)
    (home / "gitconfig").write_text("[user]\n\tname = Pat\n\temail = pat@example.com\n")
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "clusters.git")
    root = tmp_path / "repo"
    shutil.copytree(ROOT / "policies", root / "policies")
    text = (ROOT / "iamrbac.yaml").read_text().replace("    labels: {env", "    delivery: gitops\n    labels: {env")
    (root / "iamrbac.yaml").write_text(GITOPS + text)
    return root


@pytest.fixture
def shell(repository: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(repository, capsys)


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def delivered(repository: Path, *arguments: str) -> str:
    """Ask the bare repository."""
    return git(repository.parent / "clusters.git", *arguments)


def steady(text: str) -> str:
    """Put a word in the place of what is another one in every run."""
    return re.sub("committed [0-9a-f]{12},", "committed COMMIT,", re.sub("sha256:[0-9a-f]{64}", "FINGERPRINT", text))


def test_the_whole_output_of_plan_and_apply(shell: Shell, repository: Path) -> None:
    assert shell("plan", "--detailed-exitcode", *ONLY) == 2
    said = shell.out
    assert shell("apply", "--yes", "-q", *ONLY) == 6
    said += "---\n" + shell.out
    assert shell("plan", "--detailed-exitcode", *ONLY) == 2
    said += "---\n" + shell.out
    compare(steady(said), GOLDEN / "plan-apply.txt")


def test_the_commit_says_for_whom_and_from_which_policies(shell: Shell, repository: Path) -> None:
    shell("apply", "--yes", *ONLY)
    said = delivered(repository, "log", "-1", "--format=%an <%ae>, committed by %cn%n%n%B")
    compare(steady(said), GOLDEN / "commit.txt")
    said = delivered(repository, "ls-tree", "-r", "--name-only", "main")
    compare(said, GOLDEN / "files.txt")


def test_a_file_reads_like_this(shell: Shell, repository: Path) -> None:
    shell("apply", "--yes", *ONLY)
    (path,) = [
        one
        for one in delivered(repository, "ls-tree", "-r", "--name-only", "main").splitlines()
        if "/payments/RoleBinding-iamrbac-payments-developers" in one
    ]
    compare(delivered(repository, "show", f"main:{path}"), GOLDEN / "binding.yaml")


def test_json_has_the_published_shapes(shell: Shell) -> None:
    shell("plan", "-o", "json", *ONLY)
    document = json.loads(shell.out)
    assert list(schema("plan").iter_errors(document)) == []
    (cluster,) = document["clusters"]
    assert cluster["delivery"]["branch"] == "main"
    assert {one["action"] for one in cluster["delivery"]["files"]} == {"create"}
    shell("apply", "--yes", "-o", "json", "-q", *ONLY)
    events = [json.loads(line) for line in shell.out.splitlines()]
    assert [error for event in events for error in schema("apply-event").iter_errors(event)] == []
    (told,) = [event for event in events if event["type"] == "delivery"]
    assert told["files"] == len(cluster["delivery"]["files"])
    assert events[-1]["waiting"] == 6


def test_a_saved_plan_is_delivered_and_is_stale_once_somebody_changed_our_files(
    shell: Shell, repository: Path, tmp_path: Path
) -> None:
    saved = str(tmp_path / "plan.json")
    assert shell("plan", "--out", saved, *ONLY) == 0
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "clusters.git", "clone")
    (clone / "README.md").write_text("hello\n")
    git(clone, "add", "-A")
    git(clone, "commit", "--quiet", "-m", "somebody else")
    git(clone, "push", "--quiet", "origin", "HEAD:main")
    assert shell("apply", saved) == 6
    assert delivered(repository, "rev-list", "--count", "main").strip() == "2"
    assert shell("apply", saved) == 4


def test_an_unreachable_repository_fails_its_clusters_alone(shell: Shell, repository: Path) -> None:
    text = (repository / "iamrbac.yaml").read_text().replace("    delivery: gitops\n", "", 1)
    (repository / "iamrbac.yaml").write_text(text)
    shutil.rmtree(repository.parent / "clusters.git")
    assert shell("plan", "-q") == 1
    assert "! staging could not be planned: [ERR211] ../clusters.git: " in shell.out
    assert "development  arn:aws:eks" in shell.out


def test_the_persons_own_checkout_is_never_touched(shell: Shell, repository: Path) -> None:
    git(repository, "init", "--quiet", "--initial-branch=main")
    git(repository, "add", "-A")
    git(repository, "commit", "--quiet", "-m", "policies")
    (repository / "notes.txt").write_text("mine\n")
    before = git(repository, "status", "--porcelain"), git(repository, "rev-parse", "HEAD")
    shell("apply", "--yes", *ONLY)
    assert (git(repository, "status", "--porcelain"), git(repository, "rev-parse", "HEAD")) == before
    assert f"Policy-Commit: {before[1].strip()}\n" in delivered(repository, "log", "-1", "--format=%B")


def test_a_commit_that_fails_is_told_once(shell: Shell, repository: Path) -> None:
    text = (repository / "iamrbac.yaml").read_text().replace("gitops: {", "gitops: {commit: pull-request, ", 1)
    (repository / "iamrbac.yaml").write_text(text)
    assert shell("apply", "--yes", "-q", *ONLY) == 6
    failed = [line for line in shell.out.splitlines() if "nothing says at which forge" in line]
    assert len(failed) == 1
    assert failed[0].startswith("! failed to commit to main of ../clusters.git (staging): ")
