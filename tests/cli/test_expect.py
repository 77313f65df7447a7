"""`iamrbac test` as people and pipelines use it: the whole output, the exit code, the JSON shape."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from iamrbac.cli.main import run
from tests.conftest import ROOT
from tests.golden import compare

HERE = Path(__file__).parent
REPOSITORY = HERE / "repositories" / "expected"
TESTS = REPOSITORY / "tests" / "access"
GOLDEN = HERE / "golden" / "expect"
SCHEMA = ROOT / "iamrbac" / "render" / "schemas" / "test.json"


def judge(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> tuple[int, str, str]:
    code = run(["test", *map(str, argv)])
    return (code, *capsys.readouterr())


def as_json(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> tuple[int, Any]:
    code, out, _ = judge(capsys, *argv, "-o", "json")
    answer = json.loads(out)
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(answer)
    return code, answer


def copy(to: Path) -> Path:
    return Path(shutil.copytree(REPOSITORY, to / "repo"))


@pytest.mark.parametrize(
    ("name", "argv", "code"),
    [
        ("all", (), 3),
        ("quiet", ("-q", TESTS / "kept.yaml"), 1),
        ("staging", ("--cluster", "staging", TESTS / "broken.yaml"), 3),
        ("coverage", ("--coverage", TESTS / "kept.yaml"), 1),
        ("too-few", ("--fail-under", "80", TESTS / "kept.yaml"), 3),
    ],
)
def test_whole_outputs(name: str, argv: tuple[str | Path, ...], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    got, out, err = judge(capsys, "-C", REPOSITORY, *argv)
    assert (got, err) == (code, "")
    compare(out, GOLDEN / f"{name}.txt")


def test_json_has_the_published_shape(capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = as_json(capsys, "-C", REPOSITORY, TESTS / "broken.yaml")
    assert code == 3
    for breach in (one for case in answer["tests"] for one in case["breaches"] if one["answer"] is not None):
        # What `can` says in full is golden elsewhere.
        breach["answer"] = breach["answer"]["reason"]
    compare(json.dumps(answer, indent=2, ensure_ascii=False) + "\n", GOLDEN / "broken.json")
    code, answer = as_json(capsys, "-C", REPOSITORY, TESTS / "more")
    assert (code, answer["passed"], answer["summary"]["broken"]) == (3, False, 7)
    assert {finding["id"] for finding in answer["findings"]} == {f"TST00{number}" for number in range(1, 7)}
    assert all(finding["line"] and finding["column"] and finding["hint"] for finding in answer["findings"])


def test_json_of_invalid_documents_has_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = copy(tmp_path)
    (root / "tests" / "access" / "kept.yaml").write_text("kind: AccessTest\n")
    code, answer = as_json(capsys, "-C", root)
    assert (code, answer["valid"], answer["passed"], answer["tests"], answer["coverage"]) == (3, False, False, [], None)
    code, out, _ = judge(capsys, "-C", root)
    assert (code, out.splitlines()[-1]) == (3, f"{len(answer['findings'])} errors in 1 file.")


def test_the_sample_repository_keeps_its_promises(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = judge(capsys, "-C", ROOT)
    assert (code, err, out.splitlines()[-1]) == (0, "", "6 tests: 6 passed; 4 of 12 grants are tested.")
    assert as_json(capsys, "-C", ROOT)[1]["passed"] is True


def test_without_tests_nothing_fails_and_the_next_step_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copy(tmp_path)
    shutil.rmtree(root / "tests")
    code, out, _ = judge(capsys, "-C", root)
    assert code == 0
    assert out == (
        "No tests of access: tests/access/ has none. Next: write one (iamrbac schema test), or iamrbac test --help\n"
    )
    assert judge(capsys, "-C", root, "--fail-under", "1")[0] == 3


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("policies",), "policies: this holds no test of access. Next: name a file *.yaml in tests/access/"),
        (("tests/nothing",), "tests/nothing: there is no such file or folder"),
        (("--cluster", "stagin"), "no such cluster in iamrbac.yaml: stagin"),
        (("--fail-under", "101"), "Invalid value for '--fail-under'"),
        (("--people", "iamrbac.yaml"), "iamrbac.yaml: "),
    ],
)
def test_a_question_that_has_no_answer_is_a_usage_error(
    argv: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    code, out, err = judge(capsys, *argv)
    assert (code, out) == (64, "")
    assert message in err


def test_what_a_stranger_writes_moves_no_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = copy(tmp_path)
    shutil.rmtree(root / "tests")
    folder = root / "tests" / "access" / "\x1b[2J"
    folder.mkdir(parents=True)
    (folder / "\u202ea.yaml").write_text(
        "apiVersion: iamrbac.dev/v1alpha1\nkind: AccessTest\ntests:\n"
        '  - {principal: "\\u202eerin\\u0007", can: ["get pods\\e[2J"]}\n'
    )
    code, out, err = judge(capsys, "-C", root)
    assert code == 3
    assert (out + err).replace("\n", "").isprintable()
