"""A repository of `iamrbac init --delivery gitops`, merged to and promoted: development, staging, production."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from iamrbac.cli.main import run
from iamrbac.sandbox.runner import Sandbox
from tests.ci.promotion import TOKEN, ArgoCd, Pipeline, config, git, install
from tests.ci.workflows import DELIVERY, GITLAB_GITOPS, bash, load, step
from tests.git.forges import TOKEN as FORGE_TOKEN
from tests.git.forges import forge

DONE = {"development": "success", "staging": "success", "production-plan": "success"}
AFTER_STAGING = {"production-plan": "skipped", "production": "skipped"}
SKIPPED = {"staging": "skipped"} | AFTER_STAGING


@pytest.fixture
def pipeline(
    tmp_path: Path, fresh_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Pipeline]:
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
    yield Pipeline(checkout, temp, bare, fresh_sandbox, argocd, secrets={"GH_TOKEN": TOKEN})
    argocd.stop()


def commit(checkout: Path, message: str) -> str:
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", message)
    return git(checkout, "rev-parse", "HEAD")


def test_a_merge_is_promoted_and_production_follows_once_it_is_approved(pipeline: Pipeline) -> None:
    assert pipeline.run() == DONE | {"production": "waiting"}, pipeline.log
    assert pipeline.delivered == {"development", "staging"}
    # Who approves sees what that means.
    assert "production" in (pipeline.temp / "summary").read_text()
    with pipeline.argocd.following():
        assert pipeline.job("production", git(pipeline.checkout, "rev-parse", "HEAD"), {}) == "success", pipeline.log
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


def test_what_is_proposed_waits_until_somebody_merges_it(pipeline: Pipeline, tmp_path: Path) -> None:
    seed = tmp_path / "seed"
    git(tmp_path, "clone", "--quiet", pipeline.bare.as_uri(), str(seed))
    (seed / "README.md").write_text("What the clusters have.\n")
    commit(seed, "A new delivery repository")
    with forge("github") as fake:
        url = f"https://git.example.com/{fake.project}.git"
        more = {
            pipeline.bare.as_uri(): url,
            "commit: push ": f"forge: {{kind: github, api: '{fake.url}'}}\n  commit: pull-request ",
        }
        config(pipeline.checkout, more)
        commit(pipeline.checkout, "Pull requests")
        # What people and the pipeline call by its URL is the folder; the forge is the runner's own.
        env = pipeline.environment("")
        for name, value in ((f"url.{pipeline.bare.as_uri()}.insteadOf", url), ("protocol.file.allow", "always")):
            subprocess.run(["git", "config", "--global", name, value], env=env, check=True)
        pipeline.more = {"GITHUB_API_URL": fake.url}
        pipeline.secrets["GH_TOKEN"] = FORGE_TOKEN
        with pipeline.argocd.following():
            git(seed, "push", "--quiet", "origin", "HEAD:main")
        assert pipeline.run(approved=True) == {"development": "Deliver: 6"} | SKIPPED, pipeline.log
        assert [(one["head"], one["base"]) for one in fake.pulls] == [("iamrbac/acme-access/development", "main")]
        assert pipeline.delivered == set()
        with pipeline.argocd.following():
            git(seed, "fetch", "--quiet", "origin", "iamrbac/acme-access/development")
            git(seed, "push", "--quiet", "origin", "FETCH_HEAD:refs/heads/main")
        assert pipeline.run(approved=True) == {"development": "success", "staging": "Deliver: 6"} | AFTER_STAGING
        assert pipeline.delivered == {"development"}
        assert [one["head"] for one in fake.pulls[1:]] == ["iamrbac/acme-access/staging"]
    assert FORGE_TOKEN not in pipeline.log


def gitlab(pipeline: Pipeline, environment: str, sha: str) -> int:
    """Execute the script of a GitLab job of an environment, whose AWS is the sandbox's own; return its exit code."""
    trust = 'export AWS_ROLE_ARN="$IAMRBAC_ROLE" AWS_WEB_IDENTITY_TOKEN_FILE="$own/token"\n'
    job = load(GITLAB_GITOPS)[".deliver"]
    text = "\n".join(job["script"])
    assert text.count(trust) == 1
    env = pipeline.environment("") | {name: str(value) for name, value in job["variables"].items()}
    env |= {"own": str(pipeline.temp), "CI_ENVIRONMENT_NAME": environment, "CI_COMMIT_SHA": sha, "CI_JOB_ID": "12"}
    env |= {"CI_DEFAULT_BRANCH": "main", "DELIVERY_TOKEN": TOKEN, "IAMRBAC_TOKEN": "e.y.J", "SIGNING_KEY": ""}
    env["PATH"] = f"{pipeline.temp / 'iamrbac' / 'bin'}:{env['PATH']}"
    with pipeline.argocd.following():
        done = bash(text.replace(trust, ""), pipeline.checkout, env)
    pipeline.log += done.stdout + done.stderr
    return done.returncode


def test_gitlab_delivers_an_environment_and_plans_production(pipeline: Pipeline, tmp_path: Path) -> None:
    origin = tmp_path / "origin.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(pipeline.checkout), str(origin))
    git(pipeline.checkout, "remote", "add", "origin", str(origin))
    sha = git(pipeline.checkout, "rev-parse", "HEAD")
    assert gitlab(pipeline, "development", sha) == 0, pipeline.log
    assert gitlab(pipeline, "production-plan", sha) == 0, pipeline.log
    assert pipeline.delivered == {"development"}
    assert "by Git: " in pipeline.log.split("clusters/production")[0].rpartition("\n")[2]
    assert git(pipeline.bare, "log", "-1", "--format=%cn", "main") == "iamrbac"
    pipeline.argocd.up = {"production"}
    assert gitlab(pipeline, "staging", sha) == 6
    # Somebody merges meanwhile: what was started before is over.
    git(pipeline.checkout, "commit", "--quiet", "--allow-empty", "--message", "more")
    git(pipeline.checkout, "push", "--quiet", "origin", "main")
    assert gitlab(pipeline, "production", sha) == 1
    assert "main is at " in pipeline.log
    assert pipeline.delivered == {"development", "staging"}
    assert TOKEN not in pipeline.log
    assert TOKEN not in (pipeline.temp / "home" / ".gitconfig").read_text()


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
