"""`-o sarif|junit|github|gitlab` of the commands that check, as CI systems call them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from iamrbac.cli.main import run
from tests.conftest import ROOT
from tests.render.test_reports import GITLAB, SARIF

REPOSITORY = Path(__file__).parent / "repositories" / "expected"
TOGETHER = Path(__file__).parent / "repositories" / "together"
HOSTILE = "a\n::error::x ##[add-mask]y%0A,|`<b>@me[l](https://evil.example)\u202e.yaml"


@pytest.fixture(autouse=True)
def _no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def out(capsys: pytest.CaptureFixture[str], *argv: str | Path, code: int) -> str:
    got = run([*map(str, argv)])
    said = capsys.readouterr()
    assert (got, said.err) == (code, "")
    return said.out


def results(text: str) -> list[dict[str, Any]]:
    log = json.loads(text)
    SARIF.validate(log)
    (one,) = log["runs"]
    found: list[dict[str, Any]] = one["results"]
    return found


@pytest.mark.parametrize(
    ("command", "repository", "code"),
    [
        ("validate", TOGETHER, 3),
        ("validate", ROOT, 0),
        ("test", REPOSITORY, 3),
        ("test", TOGETHER, 3),
        ("lint", ROOT, 0),
    ],
)
def test_every_format_says_the_same(
    command: str, repository: Path, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.loads(out(capsys, command, "-C", repository, "-o", "json", code=code))["findings"]
    ids = [one["id"] for one in told]
    found = results(out(capsys, command, "-C", repository, "-o", "sarif", code=code))
    assert [one["ruleId"] for one in found] == ids
    report = json.loads(out(capsys, command, "-C", repository, "-o", "gitlab", code=code))
    GITLAB.validate(report)
    assert [one["check_name"] for one in report] == ids
    suites = ElementTree.fromstring(out(capsys, command, "-C", repository, "-o", "junit", code=code).encode())
    broken = int(suites.attrib["failures"]) + int(suites.attrib["errors"])
    assert (broken > 0) is (code == 3)
    lines = out(capsys, command, "-C", repository, "-o", "github", code=code).splitlines()
    levels = [line.split(" ")[0].strip(":") for line in lines if line.startswith("::")]
    loud = [one["level"] for one in told if one["level"] != "info"]
    assert [level for level in levels if level != "notice"] == loud


def test_files_are_named_from_the_top_of_the_checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".git").mkdir()
    shutil.copytree(TOGETHER, tmp_path / "infra" / "access")
    found = results(out(capsys, "validate", "-C", tmp_path / "infra" / "access", "-o", "sarif", code=3))
    uris = {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in found}
    assert uris == {
        "infra/access/policies/payments.yaml",
        "infra/access/iamrbac.yaml",
    }


def test_the_summary_of_a_job_is_added_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    out(capsys, "validate", "-C", ROOT, "-o", "github", code=0)
    out(capsys, "test", "-C", REPOSITORY, "-o", "github", code=3)
    out(capsys, "test", "-C", REPOSITORY, "-o", "sarif", code=3)
    heads = [line for line in summary.read_text().splitlines() if line.startswith(("###", "before"))]
    assert heads == ["before", "### iamrbac validate: ok", "### iamrbac test: no"]
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert run(["validate", "-C", str(ROOT), "-o", "github"]) == 1
    assert "the job's summary cannot be written" in capsys.readouterr().err


def test_a_strangers_file_breaks_out_of_no_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "repo"
    shutil.copytree(REPOSITORY, root)
    name = HOSTILE.replace("/", "∕")
    (root / "policies" / name).write_text("kind: '::error::x'\n")
    (root / "tests" / "access" / name).write_text(
        "apiVersion: iamrbac.dev/v1alpha1\nkind: AccessTest\ntests:\n"
        "  - {principal: '::stop-commands::x<b>|`%', can: ['get pods']}\n"
    )
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    for command in ("validate", "test", "lint"):
        findings = json.loads(out(capsys, command, "-C", root, "-o", "json", code=3))["findings"]
        assert findings
        lines = out(capsys, command, "-C", root, "-o", "github", code=3).splitlines()
        assert all(line.isprintable() and "##[" not in line for line in lines)
        assert len([line for line in lines if line.lstrip().startswith("::")]) == len(findings)
        assert len(results(out(capsys, command, "-C", root, "-o", "sarif", code=3))) == len(findings)
        ElementTree.fromstring(out(capsys, command, "-C", root, "-o", "junit", code=3).encode())
        GITLAB.validate(json.loads(out(capsys, command, "-C", root, "-o", "gitlab", code=3)))
    assert all(line.isprintable() for line in summary.read_text().split("\n"))


def test_what_is_waived_is_suppressed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "repo"
    shutil.copytree(REPOSITORY, root)
    (root / "waivers.yaml").write_text(
        "apiVersion: iamrbac.dev/v1alpha1\nkind: Waivers\nwaivers:\n"
        "  - {rule: IAM034, scope: {team: payments}, reason: INC-1, notAfter: '2099-01-01T00:00:00Z'}\n"
    )
    found = results(out(capsys, "lint", "-C", root, "-o", "sarif", code=0))
    assert {one["ruleId"] for one in found if "suppressions" in one} == {"IAM034"}
    assert [one for one in found if one["ruleId"] == "IAM034" and "suppressions" not in one] == []
    assert "IAM034" not in out(capsys, "lint", "-C", root, "-o", "gitlab", code=0)


def test_a_refused_change_is_told_in_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "repo"
    shutil.copytree(REPOSITORY, root)
    config = root / "iamrbac.yaml"
    gate = "gates:\n  - {name: production, refuse: gain, clusters: {env: production}, unless: [reason]}\n"
    config.write_text(config.read_text() + gate)
    for git in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "base"],
    ):
        subprocess.run(["git", *git], cwd=root, check=True)
    policy = root / "policies" / "payments.yaml"
    policy.write_text(policy.read_text().replace("role: {clusterRole: view}", "role: developer", 1))
    argv = ("diff", "-C", root, "--base", "HEAD", "-o")
    told = json.loads(out(capsys, *argv, "json", code=3))
    ids = [one["id"] for one in told["refusals"]]
    assert ids == ["GATE001"]
    assert [one["ruleId"] for one in results(out(capsys, *argv, "sarif", code=3))] == ids
    assert [one["check_name"] for one in json.loads(out(capsys, *argv, "gitlab", code=3))] == ids
    assert ElementTree.fromstring(out(capsys, *argv, "junit", code=3).encode()).attrib["failures"] == "1"
    said = out(capsys, *argv, "github", code=3)
    assert said.startswith("::error file=policies/payments.yaml,line=11,")
    policy.write_text("kind: Nothing\n")
    assert [one["ruleId"] for one in results(out(capsys, *argv, "sarif", code=3))] == ["DOC020"]
