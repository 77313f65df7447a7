"""`iamrbac audit-log` as people and programs use it: whole outputs, exit codes, JSON shape, every place of logs."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws

from iamrbac.cli.main import run
from iamrbac.rbac.wire import rule_from_json
from tests.audit.build import event, lines, month
from tests.cli.shapes import check
from tests.conftest import ROOT
from tests.git.repo import Repo
from tests.golden import compare

HERE = Path(__file__).parent
ASKED = HERE / "repositories" / "asked"
GOLDEN = HERE / "golden" / "audit-log"
CUT = b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"Resp\n'
PLACE: list[Path] = []


@pytest.fixture(scope="module", autouse=True)
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repo]:
    """The repository, in git since June, so that every grant is older than the log."""
    repo = Repo.init(tmp_path_factory.mktemp("access"))
    shutil.copytree(ASKED, repo.folder, dirs_exist_ok=True)
    repo.commit({})
    PLACE[:] = [repo.folder]
    yield repo
    PLACE.clear()


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A month, with a broken line, named without a path so that outputs are the same everywhere."""
    monkeypatch.chdir(tmp_path)
    Path("audit.log.gz").write_bytes(gzip.compress(lines(month()[:40]) + CUT + lines(month()[40:])))
    return "audit.log.gz"


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = run(["audit-log", *argv, "-C", str(PLACE[0]), "--cluster", "staging", "-q"])
    return (code, *capsys.readouterr())


def as_json(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, Any]:
    code, out, _ = said(capsys, *argv, "-o", "json")
    answer = json.loads(out)
    check("audit-log", answer)
    return code, answer


@pytest.mark.parametrize(("name", "more"), [("month", ()), ("days", ("--days", "7")), ("too-many", ("--days", "90"))])
def test_whole_outputs(name: str, more: tuple[str, ...], log: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, log, *more)
    assert (code, err) == (0, "")
    compare(out, GOLDEN / f"{name}.txt")
    _, answer = as_json(capsys, log, *more)
    assert answer["days"] == (int(more[1]) if more else None)


def test_whole_json(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, answer = as_json(capsys, log)
    compare(json.dumps(answer, indent=2, ensure_ascii=False) + "\n", GOLDEN / "month.json")


def test_the_documentation_shows_the_whole_output() -> None:
    assert (GOLDEN / "month.txt").read_text() in (ROOT / "docs" / "audit-log.md").read_text()


def test_templates_are_role_templates(log: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, log, "--templates")
    assert code == 0
    compare(out, GOLDEN / "templates.txt")
    _, answer = as_json(capsys, log)
    proposed = [one["rules"] for one in answer["roles"] if one["rules"] and one["drops"]]
    assert [one["rules"] for one in yaml.safe_load_all(out)] == proposed
    assert all(rule_from_json(rule) for some in proposed for rule in some)


def test_where_nothing_can_be_smaller_there_is_no_template(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.log").write_bytes(lines([event("list", "nodes", user="system:node:a")]))
    code, out, err = said(capsys, str(tmp_path / "a.log"), "--templates")
    assert (code, out, err) == (0, "", "no role can be made smaller by what is known\n")
    assert said(capsys, str(tmp_path / "a.log"), "--templates", "-o", "json")[0] == 64


@pytest.mark.parametrize(("wanted", "code"), [((), 0), (("unused",), 3), (("denials",), 3), (("unused", "denials"), 3)])
def test_it_may_say_no(wanted: tuple[str, ...], code: int, log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, log, *(word for one in wanted for word in ("--fail-on", one)))[0] == code
    assert said(capsys, log, "--fail-on", "unused", "--days", "90")[0] == 0


def test_a_log_of_nobody_of_ours_asks_whether_it_is_the_right_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.log").write_bytes(lines([event("list", "nodes", user="system:node:a")]))
    _, out, _ = said(capsys, str(tmp_path / "a.log"))
    assert "nobody of our sets is in it: is it really the log of staging?" in out


def test_a_file_that_cannot_be_read_leaves_the_others_and_nothing_is_called_unused(
    log: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(capsys, log, "gone.log")
    assert code == 1
    assert err.startswith("error: [ERR221] gone.log: cannot be read: No such file or directory")
    assert "0 of 5 grants" in out
    assert "a part of the log is lost" in out
    code, answer = as_json(capsys, log, "gone.log")
    assert (code, answer["log"]["whole"], len(answer["log"]["failed"])) == (1, False, 1)
    assert {one["state"] for one in answer["grants"]} == {"used", "unknown"}


def test_gzip_that_is_cut_off_is_told_and_nothing_is_called_unused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = gzip.compress(lines(month()))
    (tmp_path / "a.gz").write_bytes(packed[: len(packed) - 12])
    code, answer = as_json(capsys, str(tmp_path / "a.gz"))
    assert code == 0
    assert answer["log"]["broken"]["times"] == 1
    assert "unused" not in {one["state"] for one in answer["grants"]}


def test_an_empty_log_says_nothing_of_anything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.log").write_bytes(b"")
    code, out, _ = said(capsys, str(tmp_path / "a.log"))
    assert code == 0
    assert out.startswith("staging: no events in 1 file, so that nothing is known")
    as_json(capsys, str(tmp_path / "a.log"))


def test_hostile_text_is_shown_as_what_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    no = event("get", "po\x1b[2Jds", "n\n::error::x", user="eve\x1b[31m\u202e", code=403)
    (tmp_path / "a.log").write_bytes(lines([no, no]))
    _, out, _ = said(capsys, str(tmp_path / "a.log"))
    assert "eve\\x1b[31m\\u202e: get po\\x1b[2Jds in n\\n::error::x" in out
    assert "\x1b" not in out
    as_json(capsys, str(tmp_path / "a.log"))


def test_folders_and_stdin_say_the_same(
    log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, answer = as_json(capsys, log)
    for number, some in enumerate((month()[:20], month()[20:40], month()[40:])):
        (tmp_path / "logs" / f"day-{number}").mkdir(parents=True)
        (tmp_path / "logs" / f"day-{number}" / "audit.log").write_bytes(lines(some))
    (tmp_path / "logs" / "aws-logs-write-test").write_bytes(b"Permission Check Successful")
    (tmp_path / "logs" / ".hidden").write_bytes(b"x")
    _, folder = as_json(capsys, "logs")
    assert (folder["log"]["files"], folder["log"]["broken"]) == (3, None)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(lines(month())))))
    _, stdin = as_json(capsys, "-")
    for part in ("grants", "denials", "roles"):
        assert folder[part] == stdin[part] == answer[part]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "hunter2"}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        client = boto3.Session().client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="acme-audit")
        yield client


def test_a_bucket_is_read_below_a_prefix(bucket: Any, log: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As CloudWatch Logs exports: a folder for each stream, gzip, a time before each line."""
    stamped = b"".join(b"2026-11-26T10:00:00.000Z " + line + b"\n" for line in lines(month()).splitlines())
    bucket.put_object(Bucket="acme-audit", Key="staging/aws-logs-write-test", Body=b"Permission Check Successful")
    for number, some in enumerate((stamped[: stamped.index(b"\n") + 1], stamped[stamped.index(b"\n") + 1 :])):
        key = f"staging/1234/kube-apiserver-audit-{number}/000000.gz"
        bucket.put_object(Bucket="acme-audit", Key=key, Body=gzip.compress(some))
    bucket.put_object(Bucket="acme-audit", Key="production/000000.gz", Body=b"no log")
    _, answer = as_json(capsys, "s3://acme-audit/staging")
    _, expected = as_json(capsys, log)
    assert (answer["log"]["files"], answer["log"]["broken"]) == (2, None)
    assert answer["grants"] == expected["grants"]


def test_a_bucket_that_says_no_is_told_with_the_right_that_is_missing(
    bucket: Any, log: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = said(capsys, "s3://not-there/x", log)
    assert code == 1
    assert "s3:ListBucket failed with NoSuchBucket" in err
    assert said(capsys, "s3:///x")[0] == 64


def test_a_log_is_of_one_cluster(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit-log", log, "-C", str(PLACE[0]), "-q"]) == 64
    assert "here are 2: staging, production. Next: add --cluster NAME" in capsys.readouterr().err
    assert run(["audit-log", "-C", str(PLACE[0])]) == 64


def test_invalid_documents_say_why(tmp_path: Path, log: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "iamrbac.yaml").write_text("kind: Config\n")
    assert run(["audit-log", log, "-C", str(tmp_path), "-q"]) == 3
    assert "iamrbac.yaml" in capsys.readouterr().out


def unused(answer: Any) -> list[str]:
    return [one["set"] for one in answer["grants"] if one["state"] == "unused"]


def why(answer: Any) -> str:
    return next(one["why"] or "" for one in answer["grants"] if one["set"] == "search/developers")


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """Another clone, to change."""
    repo = Repo.init(tmp_path / "other")
    shutil.copytree(ASKED, repo.folder, dirs_exist_ok=True)
    repo.commit({})
    monkeypatch.setattr("tests.cli.test_audit_log.PLACE", [repo.folder])
    return repo


def test_a_grant_that_is_younger_than_the_days_is_not_called_unused(
    log: str, other: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = other.folder / "policies" / "search.yaml"
    text = policy.read_text()
    # What is written beside it makes no line younger.
    policy.write_text(f"# search\n{text}")
    assert unused(as_json(capsys, log)[1]) == ["search/developers"]
    line = text.splitlines()[7]
    policy.write_text(text.replace(line, f"{line}   # again"))
    _, answer = as_json(capsys, log)
    assert unused(answer) == []
    assert why(answer).startswith("it is younger than that: written on 20")
    assert said(capsys, log, "--fail-on", "unused")[0] == 0


def test_where_git_does_not_know_nothing_is_claimed(
    log: str, other: Repo, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other.commit({"README.md": "x"})
    other.git("clone", "--quiet", "--depth=1", other.folder.as_uri(), str(tmp_path / "shallow"))
    monkeypatch.setattr("tests.cli.test_audit_log.PLACE", [tmp_path / "shallow"])
    _, answer = as_json(capsys, log)
    assert (unused(answer), answer["agesUnknown"]) == ([], None)
    assert why(answer) == "git does not say how old it is: it needs the whole history"
    shutil.copytree(ASKED, tmp_path / "no-git")
    monkeypatch.setattr("tests.cli.test_audit_log.PLACE", [tmp_path / "no-git"])
    _, answer = as_json(capsys, log)
    assert (unused(answer), answer["agesUnknown"]) == (["search/developers"], "it is in no git repository")
    assert "  how long they have been given is not known: it is in no git repository\n" in said(capsys, log)[1]
