"""`iamrbac validate` on folders of bad repositories: the whole output, the exit code, the JSON shape."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from iamrbac.cli.main import run
from tests.golden import compare

HERE = Path(__file__).parent
GOLDEN = HERE / "golden" / "validate"
REPOSITORIES = HERE / "repositories"
ROOT = HERE.parents[1]
SCHEMA = ROOT / "iamrbac" / "render" / "schemas" / "validate.json"
CODES = {"shapes": 3, "traps": 3, "together": 3, "warnings": 0, "broken-config": 3}


def validate(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> tuple[int, str, str]:
    code = run(["validate", *map(str, argv)])
    return (code, *capsys.readouterr())


def as_json(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> tuple[int, Any]:
    code, out, _ = validate(capsys, *argv, "-o", "json")
    return code, json.loads(out)


@pytest.mark.parametrize("name", list(CODES))
def test_every_mistake_of_a_repository_is_told_at_once(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = validate(capsys, "-C", REPOSITORIES / name)
    assert (code, err) == (CODES[name], "")
    assert "\x1b" not in out
    compare(out, GOLDEN / f"{name}.txt")


@pytest.mark.parametrize("name", list(CODES))
def test_json_says_the_same_in_its_published_shape(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = as_json(capsys, "-C", REPOSITORIES / name)
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(answer)
    assert code == CODES[name]
    assert answer["valid"] is (code == 0)
    _, out, _ = validate(capsys, "-C", REPOSITORIES / name)
    told = [
        f"{one['file']}:{one['line']}:{one['column']}: {one['level']} {one['id']}"
        for one in answer["findings"]
        if one["line"]
    ]
    lines = out.splitlines()
    assert [line for line in told if not any(shown.startswith(line) for shown in lines)] == []
    assert len(answer["findings"]) == len(lines) - 1


def test_the_sample_repository_is_fine(capsys: pytest.CaptureFixture[str]) -> None:
    assert validate(capsys, "-C", ROOT) == (
        0,
        "OK: 2 policies, 1 temporary grant, 3 clusters, 4 tests of access; 0 warnings.\n",
        "",
    )
    assert as_json(capsys, "-C", ROOT) == (0, {"formatVersion": 1, "valid": True, "findings": []})


def test_the_nearest_repository_upwards_is_taken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORIES / "warnings" / "policies" / "temporary")
    assert validate(capsys)[0] == 0


@pytest.mark.parametrize("path", ["policies/again.yaml", "policies/again.yaml/", "./policies/../policies/again.yaml"])
def test_a_path_leaves_out_what_others_say(
    path: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORIES / "together")
    _, answer = as_json(capsys, path)
    assert {one["file"] for one in answer["findings"]} == {"policies/again.yaml"} or answer["findings"] == []


def test_paths_are_judged_with_all_documents(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORIES / "together")
    code, answer = as_json(capsys, "policies/payments.yaml")
    assert code == 3
    assert {one["file"] for one in answer["findings"]} == {"policies/payments.yaml"}
    assert "POL001" in {one["id"] for one in answer["findings"]}
    monkeypatch.chdir("policies")
    assert as_json(capsys, REPOSITORIES / "together" / "policies", "../iamrbac.yaml") == as_json(capsys)
    assert as_json(capsys, "..") == as_json(capsys)


def test_a_good_file_beside_bad_ones_is_good(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = validate(
        capsys, "-C", REPOSITORIES / "together", REPOSITORIES / "together" / "policies" / "again.yaml"
    )
    assert (code, out.splitlines()[-1]) == (0, "OK: 2 policies, 0 temporary grants, 3 clusters; 0 warnings.")


def test_without_a_config_nothing_can_be_called_good(capsys: pytest.CaptureFixture[str]) -> None:
    good = REPOSITORIES / "broken-config" / "policies" / "search.yaml"
    code, out, _ = validate(capsys, "-C", REPOSITORIES / "broken-config", good)
    assert code == 3
    assert out.startswith("iamrbac.yaml:2:")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (REPOSITORIES / "together" / "nothing.yaml", "there is no such file or folder. Next: correct the path\n"),
        (REPOSITORIES / "shapes" / "policies" / "kind.yaml", "it is not in the repository"),
        (HERE, "it is not in the repository"),
    ],
)
def test_a_path_that_is_no_document_is_a_usage_error(
    path: Path, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = validate(capsys, "-C", REPOSITORIES / "together", path)
    assert (code, out) == (64, "")
    assert err.startswith(f"error: [ERR064] {path}: {message}")


def test_a_file_of_the_repository_that_is_no_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "iamrbac.yaml").write_text((REPOSITORIES / "warnings" / "iamrbac.yaml").read_text())
    (tmp_path / "README.md").write_text("hello")
    code, _, err = validate(capsys, "-C", tmp_path, tmp_path / "README.md")
    assert (code, err) == (
        64,
        "error: [ERR064] README.md: this holds no document of the repository. "
        "Next: name iamrbac.yaml, waivers.yaml, a file *.yaml in policies/ or tests/access/, or a folder of such\n",
    )


def test_a_repository_that_is_reached_by_a_link(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "link").symlink_to(REPOSITORIES / "warnings")
    policy = tmp_path / "link" / "policies" / "search.yaml"
    assert validate(capsys, "-C", tmp_path / "link", policy)[0] == 0
    assert validate(capsys, "-C", REPOSITORIES / "warnings", policy)[0] == 0


@pytest.mark.parametrize(
    ("config", "err"),
    [
        (None, "the folder has no iamrbac.yaml. Next: create iamrbac.yaml with kind: Config (iamrbac schema config)\n"),
    ],
)
def test_no_repository_is_an_error(
    config: str | None, err: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validate(capsys, "-C", tmp_path) == (1, "", f"error: [ERR101] {tmp_path}: {err}")
    code, out, said = validate(capsys, "-C", tmp_path / "nowhere")
    assert (code, out) == (1, "")
    assert (
        said
        == f"error: [ERR101] {tmp_path / 'nowhere'}: there is no such folder. Next: name a folder with --repo DIR\n"
    )


def test_files_that_are_no_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "iamrbac.yaml").write_text((REPOSITORIES / "warnings" / "iamrbac.yaml").read_text())
    policies = tmp_path / "policies"
    policies.mkdir()
    with (policies / "large.yaml").open("wb") as file:
        file.truncate(50_000_000)
    (policies / "folder.yaml").mkdir()
    (policies / "nul.yaml").write_bytes(b"a: \x00\n")
    (policies / "latin.yaml").write_bytes(b"a: \xe9\n")
    (policies / "\x1b[2J.yaml").write_bytes(b"")
    (policies / "out.yaml").symlink_to("/etc/hostname")
    os.mkfifo(policies / "pipe.yaml")
    code, out, _ = validate(capsys, "-C", tmp_path)
    assert code == 3
    compare(out, GOLDEN / "no-files.txt")


@pytest.mark.parametrize("kind", ["policy", "grant", "config"])
def test_schema_prints_a_schema(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", kind]) == 0
    schema = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith(f"/{kind}.json")


def test_schema_of_what_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "sandbox"]) == 64
    assert "'policy', 'grant', 'config'" in capsys.readouterr().err
