"""Each `run:` step executed by bash in a checkout, as a runner would, with an iamrbac that answers as it is told."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from iamrbac.render.diff_markdown import MARKER
from tests.ci import tools
from tests.ci.workflows import ACCESS, ACTION, APPLY, GITLAB, POLICY, REVIEWS, bash, environment, load, step

HERE = Path(__file__).parent
Done = subprocess.CompletedProcess[str]


@dataclass
class Runner:
    """A checkout, the runner's own folder, and what the steps so far have left in it."""

    checkout: Path
    temp: Path

    @property
    def calls(self) -> list[str]:
        """How iamrbac was called, in order."""
        file = self.temp / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def answer(self, command: str, text: str, code: int = 0) -> None:
        """Say what `iamrbac COMMAND` prints and how it ends."""
        (self.temp / f"{command}.out").write_text(text)
        (self.temp / f"{command}.code").write_text(str(code))

    def env(self, **more: str) -> dict[str, str]:
        """Return a step's environment."""
        own = environment(
            RUNNER_TEMP=str(self.temp),
            GITHUB_OUTPUT=str(self.temp / "output"),
            GITHUB_STEP_SUMMARY=str(self.temp / "summary"),
            GITHUB_REPOSITORY="acme/access",
            GH_STATE=str(self.temp / "comments.json"),
        )
        return own | {"PATH": f"{self.temp / 'bin'}:{own['PATH']}"} | more

    def run(self, file: Path, name: str, **env: str) -> Done:
        """Execute a step of a workflow file; its own environment is what is given here."""
        return bash(step(file, name).run, self.checkout, self.env(**env))

    def git(self, *arguments: str) -> str:
        """Run git in the checkout."""
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, *arguments]
        done = subprocess.run(command, cwd=self.checkout, env=environment(), capture_output=True, text=True, check=True)
        return done.stdout.strip()


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A checkout with one commit, and an iamrbac that writes down how it is called."""
    made = Runner(tmp_path / "work" / "access", tmp_path / "temp")
    made.checkout.mkdir(parents=True)
    (made.temp / "bin").mkdir(parents=True)
    here = shlex.quote(str(made.temp))
    script(
        made.temp / "bin" / "iamrbac",
        f'#!/bin/sh\necho "$*" >> {here}/calls\n'
        f'[ ! -e {here}/"$1".out ] || cat {here}/"$1".out\n'
        f'[ ! -e {here}/"$1".code ] || exit "$(cat {here}/"$1".code)"\n',
    )
    (made.temp / "iamrbac" / "bin").mkdir(parents=True)
    (made.temp / "iamrbac" / "bin" / "iamrbac").symlink_to(made.temp / "bin" / "iamrbac")
    made.git("init", "--quiet", "--initial-branch", "main")
    made.git("commit", "--quiet", "--allow-empty", "--message", "base")
    return made


@pytest.fixture
def github(runner: Runner) -> Runner:
    """The same with a `gh`, and nobody who has commented yet."""
    script(runner.temp / "bin" / "gh", f'#!/bin/sh\nexec {sys.executable} -I {HERE / "gh.py"} "$@"\n')
    (runner.temp / "comments.json").write_text("[]")
    return runner


def merged(runner: Runner) -> tuple[str, str, str]:
    """Make the checkout what GitHub makes of a pull request; return the old base, the base of now, and the head."""
    old = runner.git("rev-parse", "HEAD")
    runner.git("checkout", "--quiet", "-b", "feature")
    runner.git("commit", "--quiet", "--allow-empty", "--message", "one")
    runner.git("commit", "--quiet", "--allow-empty", "--message", "two")
    head = runner.git("rev-parse", "HEAD")
    runner.git("checkout", "--quiet", "main")
    runner.git("commit", "--quiet", "--allow-empty", "--message", "meanwhile")
    base = runner.git("rev-parse", "HEAD")
    runner.git("checkout", "--quiet", "--detach")
    runner.git("merge", "--quiet", "--no-ff", "--message", "merge", "feature")
    return old, base, head


@pytest.mark.parametrize("file", REVIEWS, ids=lambda file: file.name)
def test_the_base_is_what_the_pull_request_is_merged_into_now(file: Path, runner: Runner) -> None:
    old, base, head = merged(runner)
    assert runner.run(file, "Find the base", BASE=old, HEAD_SHA=head).returncode == 0
    assert (runner.temp / "output").read_text() == f"revision={base}\n"


def test_a_head_that_is_checked_out_by_itself_is_compared_with_the_base_of_the_event(runner: Runner) -> None:
    """Its first parent would leave out all but its last commit."""
    old, _, head = merged(runner)
    runner.git("checkout", "--quiet", head)
    assert runner.run(ACCESS, "Find the base", BASE=old, HEAD_SHA=head).returncode == 0
    assert (runner.temp / "output").read_text() == f"revision={old}\n"


def test_a_base_that_is_given_is_taken(runner: Runner) -> None:
    old, base, _ = merged(runner)
    assert runner.run(ACTION, "Find the base", BASE="main", HEAD_SHA="").returncode == 0
    assert (runner.temp / "output").read_text() == f"revision={base}\n"
    assert base != old


@pytest.mark.parametrize("base", ["", "0" * 40, "--help", "$(touch hit)", "a\nrevision=b", "; touch hit"])
def test_a_base_that_is_not_there_is_said_and_nothing_is_put_out(base: str, runner: Runner) -> None:
    done = runner.run(ACTION, "Find the base", BASE=base, HEAD_SHA="")
    assert done.returncode == 1
    assert done.stdout.startswith("::error::The base of this change is not here. Next: ")
    assert not (runner.temp / "output").exists()
    assert not list(runner.checkout.glob("hit"))


@pytest.mark.parametrize("code", [0, 1, 3])
def test_validate_lint_and_test_end_as_iamrbac_does(code: int, runner: Runner) -> None:
    for command, name in (("validate", "Validate"), ("lint", "Lint"), ("test", "Test")):
        runner.answer(command, "::error file=a.yaml::b\n", code)
        done = runner.run(ACCESS, name, BASE="abc", FAIL_ON="")
        assert (done.returncode, done.stdout) == (code, "::error file=a.yaml::b\n")
    assert runner.calls == ["validate -o github", "lint --base abc -o github", "test -o github"]


def test_inputs_are_arguments_and_never_code(runner: Runner) -> None:
    hostile = '$(touch hit); `touch hit` "x" *'
    assert runner.run(POLICY, "Lint", BASE=hostile, FAIL_ON=hostile).returncode == 0
    assert runner.calls == [f"lint --base {hostile} --fail-on {hostile} -o github"]
    assert not list(runner.checkout.glob("hit"))


@pytest.mark.parametrize("code", [0, 1, 3])
def test_the_change_goes_into_the_summary_whatever_it_means(code: int, runner: Runner) -> None:
    runner.answer("diff", "## Access\n- alice gains `edit`\n", code)
    done = runner.run(ACCESS, "Show what would change", BASE="abc")
    refused = ["diff --base abc -o github"] if code == 3 else []
    assert (done.returncode, runner.calls) == (code, ["diff --base abc -o markdown", *refused])
    assert (runner.temp / "summary").read_text() == "## Access\n- alice gains `edit`\n"


def test_nothing_said_is_not_nothing_changes(runner: Runner) -> None:
    runner.answer("diff", "", 1)
    assert runner.run(ACCESS, "Show what would change", BASE="abc").returncode == 1
    assert "could not say what would change" in (runner.temp / "summary").read_text()
    comment = (runner.temp / "iamrbac-diff.md").read_text()
    assert comment == f"{MARKER}\niamrbac could not say what would change: see the log of the run.\n"


@pytest.mark.parametrize(("ends", "step_ends"), [(0, 0), (3, 0), (1, 1), (64, 1)])
def test_sarif_is_written_also_of_a_refusal(ends: int, step_ends: int, runner: Runner) -> None:
    runner.answer("lint", '{"version": "2.1.0"}', ends)
    done = runner.run(ACCESS, "Write SARIF", BASE="abc")
    assert (done.returncode, done.stdout) == (step_ends, "")
    assert (runner.temp / "iamrbac.sarif").read_text() == '{"version": "2.1.0"}'
    if not step_ends:
        assert (runner.temp / "output").read_text() == f"file={runner.temp}/iamrbac.sarif\n"


def comment(runner: Runner, text: str) -> list[dict[str, Any]]:
    """Execute the steps that write a comment, and return what is on the pull request then."""
    runner.answer("diff", f"{MARKER}\n{text}")
    assert runner.run(ACCESS, "Show what would change", BASE="abc").returncode == 0
    done = runner.run(ACCESS, "Comment", GH_TOKEN="token", NUMBER="7", GOJQ=str(tools.tool("gojq")))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    found: list[dict[str, Any]] = json.loads((runner.temp / "comments.json").read_text())
    return found


@pytest.mark.go_tool
def test_the_comment_is_updated_and_not_repeated(github: Runner) -> None:
    others = [
        {"id": 1, "body": "Looks good", "user": {"login": "alice"}},
        {"id": 2, "body": f"{MARKER}\nNo access changes.", "user": {"login": "mallory"}},
        {"id": 3, "body": "Coverage: 98%", "user": {"login": "github-actions[bot]"}},
        {"id": 4, "body": f"quoting {MARKER}", "user": {"login": "github-actions[bot]"}},
    ]
    (github.temp / "comments.json").write_text(json.dumps(others))
    text = "# Access\n@everyone $(touch hit) `x` \\n\n"
    *before, ours = comment(github, text)
    assert before == others
    assert ours["body"] == f"{MARKER}\n{text}"
    again = comment(github, "No access changes.\n")
    assert again == [*others, {**ours, "body": f"{MARKER}\nNo access changes.\n"}]
    assert not list(github.checkout.glob("hit"))


@pytest.mark.go_tool
def test_of_two_comments_of_ours_the_first_is_updated(github: Runner) -> None:
    two = [{"id": n, "body": f"{MARKER}\nold", "user": {"login": "github-actions[bot]"}} for n in (1, 2)]
    (github.temp / "comments.json").write_text(json.dumps(two))
    assert [one["body"] for one in comment(github, "new\n")] == [f"{MARKER}\nnew\n", f"{MARKER}\nold"]


def test_a_comment_that_cannot_be_written_fails_the_step(github: Runner) -> None:
    (github.temp / "iamrbac-diff.md").write_text("x")
    done = github.run(ACCESS, "Comment", GH_TOKEN="", NUMBER="7", GOJQ="")
    assert done.returncode == 1


def test_apply_asks_nobody(runner: Runner) -> None:
    runner.answer("apply", "", 6)
    assert runner.run(APPLY, "Apply").returncode == 6
    assert runner.calls == ["apply --yes"]


def gitlab(runner: Runner, job: str, **env: str) -> Done:
    """Execute the script of a GitLab job, without what installs iamrbac."""
    (text,) = load(GITLAB)[job]["script"]
    return bash(text, runner.checkout, runner.env(**env))


@pytest.mark.parametrize("refused", [None, "validate", "lint", "test", "diff"])
def test_gitlab_writes_every_report_and_says_no_at_the_end(refused: str | None, runner: Runner) -> None:
    for command in ("validate", "lint", "test", "diff"):
        runner.answer(command, command, 3 if command == refused else 0)
    done = gitlab(runner, "review", CI_MERGE_REQUEST_DIFF_BASE_SHA="abc")
    assert done.returncode == (3 if refused else 0)
    assert runner.calls == [
        "validate",
        "lint --base abc",
        "lint --base abc -o gitlab",
        "test",
        "test -o junit",
        "diff --base abc",
        "diff --base abc -o html",
    ]
    reports = load(GITLAB)["review"]["artifacts"]
    for file in (*reports["paths"], *reports["reports"].values()):
        assert (runner.checkout / file).read_text()


def test_gitlab_takes_the_target_of_now_where_it_is_known(runner: Runner) -> None:
    gitlab(runner, "review", CI_MERGE_REQUEST_DIFF_BASE_SHA="abc", CI_MERGE_REQUEST_TARGET_BRANCH_SHA="now")
    assert {call for call in runner.calls if "--base" in call and "--base now" not in call} == set()


def test_gitlab_gives_aws_a_token_and_no_key(runner: Runner) -> None:
    script(runner.temp / "bin" / "iamrbac", '#!/bin/sh\nenv | grep ^AWS_ | sort; cat "$AWS_WEB_IDENTITY_TOKEN_FILE"\n')
    own = runner.temp / "own"
    own.mkdir()
    role = "arn:aws:iam::111122223333:role/access"
    done = gitlab(runner, "apply", own=str(own), IAMRBAC_TOKEN="e.y.J", IAMRBAC_ROLE=role, CI_JOB_ID="12")
    assert done.stdout.splitlines() == [
        "AWS_DEFAULT_REGION=eu-west-1",
        f"AWS_ROLE_ARN={role}",
        "AWS_ROLE_SESSION_NAME=iamrbac-12",
        f"AWS_WEB_IDENTITY_TOKEN_FILE={own}/token",
        "e.y.J",
    ]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel called iamrbac that pip can install without the network."""
    source = tmp_path_factory.mktemp("wheel")
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "iamrbac"\nversion = "9"\nscripts = {iamrbac = "iamrbac_nine:main"}\n'
        '[tool.hatch.build.targets.wheel]\ninclude = ["iamrbac_nine.py"]\n'
    )
    (source / "iamrbac_nine.py").write_text("def main():\n    print('nine')\n")
    build: Sequence[str] = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(source / "out")]
    subprocess.run([*build, str(source)], check=True, capture_output=True)
    (built,) = (source / "out").glob("*.whl")
    return built


# What Python would import from the folder that it is started in, or run for being there.
TRAPS = (
    "venv.py",
    "ensurepip.py",
    "pip.py",
    "sitecustomize.py",
    "usercustomize.py",
    "yaml.py",
    "iamrbac.py",
    "setup.py",
)


@pytest.mark.parametrize("how", ["github", "gitlab"])
def test_what_is_installed_is_found_and_nothing_of_the_checkout_is_run(how: str, wheel: Path, runner: Runner) -> None:
    for trap in TRAPS:
        (runner.checkout / trap).write_text(f"open({str(runner.temp / 'hit')!r}, 'w')\nraise SystemExit('trapped')\n")
    (runner.checkout / "pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:9/\n")
    (runner.temp / "iamrbac" / "bin" / "iamrbac").unlink()
    env = {"REQUIREMENT": str(wheel), "PIP_NO_INDEX": "1", "TMPDIR": str(runner.temp)}
    if how == "github":
        done = runner.run(ACCESS, "Install iamrbac", **env)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        found = runner.temp / "iamrbac" / "bin" / "iamrbac"
        done = subprocess.run(
            [found], cwd=runner.checkout, env=runner.env(), capture_output=True, text=True, check=False
        )
    else:
        (before,) = load(GITLAB)["default"]["before_script"]
        done = bash(before + "iamrbac\n", runner.checkout, runner.env(**env))
    assert (done.returncode, done.stdout) == (0, "nine\n"), done.stderr
    assert not (runner.temp / "hit").exists()
