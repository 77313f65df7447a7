"""A repository of `iamrbac init --delivery gitops`, merged to and promoted: development, staging, production."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from iamrbac.cli.main import run
from iamrbac.sandbox.runner import Sandbox
from tests.ci.promotion import TOKEN, ArgoCd, Pipeline, config, git, install
from tests.ci.workflows import DELIVERY, bash, step

DONE = {"development": "success", "staging": "success", "production-plan": "success"}
SKIPPED = {"staging": "skipped", "production-plan": "skipped", "production": "skipped"}


@pytest.fixture
def pipeline(
    tmp_path: Path, fresh_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Pipeline:
    """A new repository on main, whose delivery repository is empty and pulled from by all clusters of the sandbox."""
    monkeypatch.chdir(tmp_path)
    assert run(["init", "acme-access", "--delivery", "gitops"]) == 0
    checkout, bare, temp = tmp_path / "acme-access", tmp_path / "clusters.git", tmp_path / "temp"
    temp.mkdir()
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "main", str(bare))
    more = {"https://github.com/acme/clusters.git": bare.as_uri(), 'account: "222233334444"': 'account: "111122223333"'}
    config(checkout, more)
    git(checkout, "init", "--quiet", "--initial-branch", "main")
    commit(checkout, "A new access repository")
    install(temp)
    argocd = ArgoCd(bare, fresh_sandbox)
    return Pipeline(checkout, temp, bare, fresh_sandbox, argocd, secrets={"GH_TOKEN": TOKEN})


def commit(checkout: Path, message: str) -> str:
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", message)
    return git(checkout, "rev-parse", "HEAD")


def test_a_merge_is_promoted_and_production_follows_once_it_is_approved(pipeline: Pipeline) -> None:
    assert pipeline.run() == DONE | {"production": "waiting"}, pipeline.log
    assert pipeline.delivered == {"development", "staging"}
    # Who approves sees what that means.
    assert "production" in (pipeline.temp / "summary").read_text()
    assert pipeline.run(approved=True) == DONE | {"production": "success"}, pipeline.log
    assert pipeline.delivered == {"development", "staging", "production"}
    assert len(pipeline.commits) == 3
    # An hour later nobody is asked about nothing, and nothing is committed.
    assert pipeline.run() == DONE | {"production": "skipped"}, pipeline.log
    assert len(pipeline.commits) == 3
    who = git(pipeline.bare, "log", "-1", "--format=%an <%ae> %cn <%ce>", "main")
    assert who == "iamrbac <iamrbac@example.com> iamrbac <iamrbac@example.com>"
    assert TOKEN not in pipeline.log
    left = [path for path in pipeline.temp.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert left == []


def test_nothing_goes_on_before_development_is_in_sync(pipeline: Pipeline) -> None:
    pipeline.argocd.up = {"staging", "production"}
    assert pipeline.run() == {"development": "Deliver: 6"} | SKIPPED, pipeline.log
    assert pipeline.delivered == {"development"}
    assert "Waiting until the cluster is synced" in pipeline.log
    # Still not, an hour later.
    assert pipeline.run()["staging"] == "skipped"
    pipeline.argocd.up.add("development")
    pipeline.argocd.sync()
    assert pipeline.run() == DONE | {"production": "waiting"}, pipeline.log
    assert pipeline.delivered == {"development", "staging"}


def test_a_development_that_fails_stops_the_others(pipeline: Pipeline) -> None:
    hook = pipeline.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho the branch is frozen >&2\nexit 1\n")
    hook.chmod(0o755)
    assert pipeline.run(approved=True) == {"development": "Deliver: 6"} | SKIPPED
    assert "the branch is frozen" in pipeline.log
    assert pipeline.delivered == set()


def test_an_old_commit_is_not_delivered_after_a_newer_one(pipeline: Pipeline) -> None:
    old = git(pipeline.checkout, "rev-parse", "HEAD")
    (pipeline.checkout / "README.md").write_text("Who may do what.\n")
    new = commit(pipeline.checkout, "Words")
    assert pipeline.run(sha=old) == {"development": "Only the newest commit: 1"} | SKIPPED
    assert f"::error::main is at {new} by now" in pipeline.log
    assert pipeline.delivered == set()


def credentials(pipeline: Pipeline, url: str, token: str) -> tuple[int, str]:
    """Return what git would log in with at a URL, after the step that lets git in."""
    env = pipeline.environment("") | {"DELIVERY_HOST": "git.example.com", "DEPLOY_KEY": "", "SIGNING_KEY": ""}
    assert bash(step(DELIVERY, "Let git in").run, pipeline.temp, env).returncode == 0
    env |= {"GH_TOKEN": token, "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        ["git", "credential", "fill"], input=f"url={url}\n\n", env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def test_git_has_the_token_from_the_environment_and_for_one_host(pipeline: Pipeline) -> None:
    code, said = credentials(pipeline, "https://git.example.com/acme/clusters.git", TOKEN)
    assert (code, said.splitlines()[-2:]) == (0, ["username=iamrbac", f"password={TOKEN}"])
    for url in ("https://git.example.com.evil.test/x.git", "http://git.example.com/x.git", "https://evil.test/x.git"):
        assert credentials(pipeline, url, TOKEN) == (128, "")
    assert credentials(pipeline, "https://git.example.com/acme/clusters.git", "") == (128, "")
    assert TOKEN not in (pipeline.temp / "home" / ".gitconfig").read_text()


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen")
def test_keys_sign_commits_and_open_ssh_and_nobody_else_may_read_them(pipeline: Pipeline) -> None:
    key = pipeline.temp / "made"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    pipeline.secrets |= {"SIGNING_KEY": key.read_text().rstrip("\n"), "DEPLOY_KEY": key.read_text().rstrip("\n")}
    with pipeline.argocd.following():
        assert pipeline.job("development", git(pipeline.checkout, "rev-parse", "HEAD"), {}) == "success", pipeline.log
    assert "BEGIN SSH SIGNATURE" in git(pipeline.bare, "cat-file", "commit", "main")
    for name in ("signing-key", "deploy-key"):
        assert (pipeline.temp / name).stat().st_mode & 0o777 == 0o600
        assert (pipeline.temp / name).read_text() == key.read_text()
    env = pipeline.environment("")
    said = subprocess.run(["git", "config", "core.sshCommand"], env=env, capture_output=True, text=True, check=True)
    assert f"-i '{pipeline.temp}/deploy-key' -o IdentitiesOnly=yes" in said.stdout
    assert key.read_text().splitlines()[1] not in pipeline.log
