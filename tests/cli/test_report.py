"""`iamrbac report` as people and programs use it: whole outputs, exit codes, its JSON shape, hostile names."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from iamrbac.cli.main import run
from iamrbac.sandbox.runner import Sandbox
from tests.cli.shapes import check
from tests.conftest import ROOT
from tests.git.repo import Repo
from tests.golden import compare
from tests.report.repository import AT, make, settled

GOLDEN = Path(__file__).parent / "golden" / "report"
FORMATS = {"text": (), "csv": ("--csv",), "json": ("--json",), "html": ("--html",)}


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    made = make(tmp_path / "access")
    monkeypatch.chdir(made.folder)
    return made


def said(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0, at: str = AT) -> str:
    capsys.readouterr()
    got = run(["report", "--at", at, "-q", *argv])
    out, err = capsys.readouterr()
    assert (got, err) == (code, ""), err
    return out


def as_json(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    answer = json.loads(said(capsys, *argv, "-o", "json"))
    check("report", answer)
    return answer


@pytest.mark.parametrize("name", list(FORMATS))
def test_whole_outputs(name: str, repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "--identities", "people.json", *FORMATS[name])
    compare(settled(out, repo), GOLDEN / f"report.{'txt' if name == 'text' else name}")
    assert said(capsys, "--identities", "people.json", *FORMATS[name]) == out


def test_the_json_has_its_published_shape(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    answer = as_json(capsys, "--identities", "people.json")
    assert answer["commit"] == repo.git("rev-parse", "HEAD")
    assert {one["kind"] for one in answer["standouts"]} == {"administrator", "secrets", "unknown"}
    assert [one["state"] for one in answer["temporary"]] == ["soon", "later", "ended"]
    assert json.loads(said(capsys, "--identities", "people.json", "--json")) == answer


def test_the_sample_is_reported_as_it_is_declared(capsys: pytest.CaptureFixture[str]) -> None:
    answer = as_json(capsys, "-C", str(ROOT), "--cluster", "production")
    assert {one["cluster"] for one in answer["matrix"]} == {"production"}
    assert [one["name"] for one in answer["clusters"]] == ["production"]
    about = {one["about"] for one in answer["unknown"]}
    assert {"what is on the clusters", "iamGroup payments-oncall"} <= about


def test_the_matrix_is_what_access_lists(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    matrix = as_json(capsys, "--identities", "people.json")["matrix"]
    mine = {
        (row["cluster"], principal, namespace, one["role"])
        for row in matrix
        for principal in row["principals"]
        for namespace in row["namespaces"]
        for one in row["roles"]
    }
    (repo.folder / "policies" / "temporary" / "inc-4211.yaml").unlink()
    mine -= {("production", "arn:aws:iam::111122223333:user/erin", "payments", "operator")}
    capsys.readouterr()
    assert run(["access", "--identities", "people.json", "-o", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)["access"]
    assert mine == {(one["cluster"], one["principal"], one["namespace"], one["role"]) for one in listed}


def test_time_is_what_at_says(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    later = json.loads(said(capsys, "--json", "--identities", "people.json", at="2026-12-01T00:00:00+01:00"))
    assert later["at"] == "2026-11-30T23:00:00Z"
    assert [one["state"] for one in later["temporary"]] == ["later", "ended", "ended"]
    few = as_json(capsys, "--identities", "people.json", "--days", "3")
    assert [one["state"] for one in few["temporary"]] == ["later", "later", "ended"]


def test_who_is_not_in_the_file_stays_as_declared_and_is_said(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    people = json.loads((repo.folder / "people.json").read_text())
    people["groups"] = [one for one in people["groups"] if one["name"] != "payments-oncall"]
    (repo.folder / "people.json").write_text(json.dumps(people))
    answer = as_json(capsys, "--identities", "people.json")
    assert any("iamGroup payments-oncall" in row["principals"] for row in answer["matrix"])
    assert "iamGroup payments-oncall" in {one["about"] for one in answer["unknown"]}


@pytest.mark.parametrize("name", list(FORMATS))
def test_outside_of_git_it_is_said_that_nobody_knows(
    name: str, repo: Repo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repo.folder / ".git").rename(repo.folder / "away")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(repo.folder.parent))
    assert "it is in no git repository" in said(capsys, *FORMATS[name])


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def hostile(repo: Repo) -> None:
    """Put what would act on a page or in a spreadsheet where people may write freely."""
    policy = repo.folder / "policies" / "temporary" / "inc-4211.yaml"
    text = policy.read_text().replace("INC-4211 peak season on-call", "placeholder")
    policy.write_text(text.replace("reason: placeholder", f"reason: {json.dumps(HOSTILE)}"))
    repo.commit({}, f"{HOSTILE}\n\nReviewed-by: =HYPERLINK(1) {HOSTILE}\nApproved-by: @SUM(1)")


def test_no_name_acts_on_the_page(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    hostile(repo)
    page = said(capsys, "--html")
    assert page.count("<script>") == 1
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_no_cell_is_a_formula(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    hostile(repo)
    cells = list(csv.reader(io.StringIO(said(capsys, "--csv"))))
    erin = next(one for one in cells if one[7] == "2026-11-30T18:00:00Z")
    assert erin[8].startswith("'=HYPERLINK(1) <script>")
    assert {len(one) for one in cells} == {14}
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in cells for cell in row)


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_what_begins_like_a_formula_gets_an_apostrophe(cell: str) -> None:
    from iamrbac.render.report_csv import safe

    assert safe(cell) == f"'{cell}"
    assert safe(f"x{cell}").startswith("x")


def test_a_file_is_written_whole(repo: Repo, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report.html"
    assert said(capsys, "--html", "--out", str(out)) == ""
    assert out.read_text() == said(capsys, "--html")
    capsys.readouterr()
    assert run(["report", "--out", str(tmp_path / "no" / "folder" / "x")]) == 1
    assert "[ERR209]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (("--html", "--csv"), "--html, --csv and --json exclude each other"),
        (("--csv", "-o", "json"), "--html, --csv and --json exclude each other"),
        (("--live", "--identities", "people.json"), "--live and --identities exclude each other"),
        (("--at", "2026-12-01"), "--at '2026-12-01' is not a time of RFC 3339"),
        (("--cluster", "prod"), "no such cluster in iamrbac.yaml: prod"),
        (("--days", "-1"), "Invalid value for '--days'"),
    ],
)
def test_what_does_not_go_together(
    argv: tuple[str, ...], reason: str, repo: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", *argv]) == 64
    assert reason in capsys.readouterr().err


def test_invalid_documents_end_with_3(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    repo.write({"policies/broken.yaml": "kind: ["})
    assert run(["report", "--html"]) == 3


def test_broken_waivers_are_not_known_and_the_rest_is_told(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    repo.write({"waivers.yaml": "kind: Waivers"})
    answer = as_json(capsys)
    assert (answer["judged"], answer["waivers"]) == (False, [])
    assert {"waivers", "risks by rule"} <= {one["about"] for one in answer["unknown"]}
    assert answer["matrix"]
    assert "Not known what the rules say: " in said(capsys, "--html")
    assert "  not known what the rules say: " in said(capsys)


def test_live_says_what_is_on_the_clusters_and_which_could_not_be_read(
    fresh_sandbox: Sandbox, admin_environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = (ROOT / "iamrbac.yaml").read_text().replace("name: staging", "name: nowhere")
    pat = "arn:aws:iam::111122223333:user/pat"
    (tmp_path / "iamrbac.yaml").write_text(config.replace("suspended: []", f"suspended: [{pat}]"))
    here = ("--live", "-C", str(tmp_path), "--cluster", "development", "--cluster", "nowhere", "--at", AT)
    assert run(["report", "--json", *here]) == 1
    answer = json.loads(capsys.readouterr().out)
    check("report", answer)
    assert [(one["name"], one["known"]) for one in answer["clusters"]] == [("development", True), ("nowhere", False)]
    assert "cluster nowhere" in {one["about"] for one in answer["unknown"]}
    admins = [one for one in answer["standouts"] if one["kind"] == "administrator"]
    assert any(pat in one["principals"] for one in admins)
    assert [(one["principal"], one["still"]) for one in answer["suspended"]] == [(pat, ["development"])]
    for form, words in (
        ("--csv", "nowhere,unknown,"),
        ("--html", "Not known: ["),
        ("-q", "none, but nowhere could not be read"),
    ):
        assert run(["report", form, *here]) == 1
        assert words in capsys.readouterr().out


def test_live_knows_the_policy_lines_and_the_ends_of_what_is_ours(
    fresh_sandbox: Sandbox, admin_environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    here = ("-C", str(ROOT), "--cluster", "production")
    assert run(["apply", "--yes", "-q", *here]) == 0
    answer = as_json(capsys, "--live", *here)
    dave = "arn:aws:iam::111122223333:user/dave"
    told = {
        (namespace, one["role"], *one["because"], one["ends"])
        for row in answer["matrix"]
        if dave in row["principals"]
        for namespace in row["namespaces"]
        for one in row["roles"]
    }
    assert told == {
        ("payments", "viewer", "policies/temporary/payments-launch.yaml:12", "2036-01-31T18:00:00Z"),
        ("search", "viewer", "policies/search.yaml:18", None),
    }


def test_the_documentation_shows_the_whole_output() -> None:
    docs = re.sub(r"(commit|\d\d-\d\d) [0-9a-f]{12}\b", r"\1 COMMIT", (ROOT / "docs" / "report.md").read_text())
    shown = re.sub(r"COMMIT-\d+", "COMMIT", (GOLDEN / "report.txt").read_text())
    assert shown.replace("iamrbac VERSION", "iamrbac 0.1.0") in docs
