"""A repository as `iamrbac init` writes it, and a pull request with a dangerous grant: refused, waived, merged."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from iamrbac.cli.main import run
from tests.ci import tools
from tests.ci.workflows import ACCESS, bash, environment, install, steps
from tests.conftest import ROOT
from tests.golden import compare

HERE = Path(__file__).parent
GRANT = """\
    - to: [oncall]
      clusters: {env: production}
      namespaces: [payments]
      role: {template: operator, parameters: {exec: true}}
      reason: INC-4211 they look into pods that hang.
"""
WAIVER = """\
waivers:
  - rule: gate/no-new-danger-in-production
    scope: {team: payments, clusters: [production]}
    reason: INC-4211 accepted by security until pods can be debugged without a shell
    notAfter: "2126-11-26T18:00:00Z"
"""


class PullRequest:
    """A checkout that becomes what GitHub makes of a pull request, and the comments on it."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "acme-access"
        self.temp = folder / "temp"
        (self.temp / "bin").mkdir(parents=True)
        gh = self.temp / "bin" / "gh"
        gh.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I {shlex.quote(str(HERE / "gh.py"))} "$@"\n')
        gh.chmod(0o755)
        (self.temp / "comments.json").write_text("[]")
        self.annotations: list[str] = []
        """What GitHub shows at the lines."""
        install(self.temp)

    def git(self, *words: str) -> str:
        """Run git in the checkout."""
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *who, *words], cwd=self.checkout, env=environment(), check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text of a file, once."""
        path = self.checkout / file
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))

    def review(self, base: str, head: str) -> dict[str, int]:
        """Merge the head into the base as GitHub does, run the workflow's steps, and return how each ended."""
        self.git("checkout", "--quiet", "--detach", base)
        self.git("merge", "--quiet", "--no-ff", "--message", "merge", head)
        for name in ("output", "summary"):
            (self.temp / name).write_text("")
        own = environment(
            RUNNER_TEMP=str(self.temp),
            GITHUB_OUTPUT=str(self.temp / "output"),
            GITHUB_STEP_SUMMARY=str(self.temp / "summary"),
            GITHUB_REPOSITORY="acme/access",
            GH_STATE=str(self.temp / "comments.json"),
            GH_TOKEN="token",
            GOJQ=str(tools.tool("gojq")),
            NUMBER="7",
            FAIL_ON="",
        )
        own |= {"PATH": f"{self.temp / 'bin'}:{own['PATH']}", "HEAD_SHA": self.git("rev-parse", head)}
        own["BASE"] = "0" * 40
        ended = {}
        self.annotations = []
        for step in steps(ACCESS):
            if not step.run or step.name == "Install iamrbac":
                continue
            done = bash(step.run, self.checkout, own)
            ended[step.name] = done.returncode
            self.annotations += [one for one in done.stdout.splitlines() if one.startswith("::")]
            if step.name == "Find the base":
                own["BASE"] = (self.temp / "output").read_text().strip().removeprefix("revision=")
        return ended

    @property
    def comment(self) -> str:
        """The one comment, with revisions blotted out."""
        (only,) = json.loads((self.temp / "comments.json").read_text())
        return re.sub(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{12}\b", "REVISION", only["body"])

    @property
    def scanned(self) -> set[tuple[str, str, int]]:
        """Rule, file and line of each result that code scanning gets about the last policy line."""
        (run_,) = json.loads((self.temp / "iamrbac.sarif").read_text())["runs"]
        places = [(one["ruleId"], one["locations"][0]["physicalLocation"]) for one in run_["results"]]
        found = {(rule, place["artifactLocation"]["uri"], place["region"]["startLine"]) for rule, place in places}
        last = max(line for _, _, line in found)
        return {one for one in found if one[2] == last}


@pytest.fixture
def pull(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> PullRequest:
    """A new repository on main, and on `feature` a shell in production for those on call, with its test changed."""
    monkeypatch.chdir(tmp_path)
    assert run(["init", "acme-access"]) == 0
    made = PullRequest(tmp_path)
    made.git("init", "--quiet", "--initial-branch", "main")
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", "A new access repository")
    made.git("checkout", "--quiet", "-b", "feature")
    policy = made.checkout / "policies" / "payments.yaml"
    policy.write_text(policy.read_text() + GRANT)
    old = "{team: payments/oncall, allowed: [yes, yes, no, no, no]}"
    made.edit("tests/access/payments.yaml", old, "{team: payments/oncall, allowed: [yes, yes, no, yes, no]}")
    made.git("commit", "--quiet", "--all", "--message", "A shell for those on call")
    return made


@pytest.mark.go_tool
def test_a_dangerous_grant_is_refused_with_a_comment_and_passes_once_a_waiver_is_merged(pull: PullRequest) -> None:
    ended = pull.review("main", "feature")
    assert ended.pop("Show what would change") == 3
    assert set(ended.values()) == {0}
    compare(pull.comment, HERE / "golden" / "refused.md")
    compare("\n".join(pull.annotations) + "\n", HERE / "golden" / "refused.txt")
    assert pull.scanned == {("IAM031", "policies/payments.yaml", 32), ("IAM034", "policies/payments.yaml", 32)}
    pull.git("checkout", "--quiet", "main")
    pull.edit("waivers.yaml", "waivers: []\n", WAIVER)
    pull.git("commit", "--quiet", "--all", "--message", "A waiver")
    assert set(pull.review("main", "feature").values()) == {0}
    compare(pull.comment, HERE / "golden" / "waived.md")
    assert not [one for one in pull.annotations if one.startswith("::error")]


@pytest.mark.go_tool
def test_a_waiver_in_the_pull_request_itself_waives_nothing(pull: PullRequest) -> None:
    pull.edit("waivers.yaml", "waivers: []\n", WAIVER)
    pull.edit(
        "iamrbac.yaml", "  - {name: no-new-danger-in-production, clusters: {env: production}, refuse: danger}\n", ""
    )
    pull.git("commit", "--quiet", "--all", "--message", "Waive it myself, and drop the gate")
    assert pull.review("main", "feature")["Show what would change"] == 3
    assert "gate/no-new-danger-in-production" in pull.comment


@pytest.mark.go_tool
def test_a_pull_request_that_changes_nothing_says_so(pull: PullRequest) -> None:
    pull.git("checkout", "--quiet", "-b", "typo", "main")
    pull.edit("policies/payments.yaml", "What the payments team may do", "What team payments may do")
    pull.git("commit", "--quiet", "--all", "--message", "Words")
    assert set(pull.review("main", "typo").values()) == {0}
    assert "No access changes" in pull.comment


def test_readme_shows_that_comment_and_those_annotations() -> None:
    section = (ROOT / "README.md").read_text().split("## In CI", 1)[1].split("\n## ", 1)[0]
    comment, annotations = re.findall(r"```text\n(.*?)```", section, re.DOTALL)
    for shown, golden in ((comment, "refused.md"), (annotations, "refused.txt")):
        assert set(shown.splitlines()) <= set((HERE / "golden" / golden).read_text().splitlines())
    assert len(comment.splitlines()) > 5
    assert "::error " in annotations
