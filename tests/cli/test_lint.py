"""`iamrbac lint` as its user sees it: the whole output, exit codes, the JSON shape, rules explained."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from iamrbac.cli.main import run
from iamrbac.lint.rules import RULES
from tests.golden import compare

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOLDEN = HERE / "golden" / "lint"
DANGEROUS = HERE / "repositories" / "dangerous"
SCHEMAS = ROOT / "iamrbac" / "render" / "schemas"


def lint(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> tuple[int, str, str]:
    code = run(["lint", *map(str, argv)])
    return (code, *capsys.readouterr())


def as_json(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> tuple[int, Any]:
    code, out, _ = lint(capsys, *argv, "-o", "json")
    answer = json.loads(out)
    Draft202012Validator(json.loads((SCHEMAS / "lint.json").read_text())).validate(answer)
    return code, answer


def copy(root: Path, **changes: str) -> Path:
    """A copy of the dangerous repository; changes replace texts of its policy."""
    shutil.copytree(DANGEROUS, root / "repo")
    policy = root / "repo" / "policies" / "payments.yaml"
    text = policy.read_text()
    for before, after in changes.items():
        text = text.replace(before, after)
    policy.write_text(text)
    return root / "repo"


def test_a_dangerous_repository(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = lint(capsys, "-C", DANGEROUS, "--level", "info")
    assert (code, err) == (3, "")
    assert "\x1b" not in out
    compare(out, GOLDEN / "dangerous.txt")


def test_json_says_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = as_json(capsys, "-C", DANGEROUS)
    assert (code, answer["failed"], answer["failOn"], answer["valid"]) == (3, True, "error", True)
    _, out, _ = lint(capsys, "-C", DANGEROUS, "--level", "info")
    for one in answer["findings"]:
        assert f"{one['file']}:{one['line']}:{one['column']}: {one['level']} {one['id']}: " in out
    assert sum(answer["summary"][level] for level in ("error", "warning", "info")) == len(answer["findings"])
    (waived,) = answer["waived"]
    assert (waived["finding"]["id"], waived["finding"]["cluster"]) == ("IAM001", "staging")
    assert waived["reason"] == "the platform team administers staging"


def test_what_is_shown_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = lint(capsys, "-C", DANGEROUS)
    assert ": info " not in out
    assert "of lower level are not shown: --level info\n" in out
    _, out, _ = lint(capsys, "-C", DANGEROUS, "--level", "error")
    assert ": warning " not in out
    # What fails is never hidden.
    _, out, _ = lint(capsys, "-C", DANGEROUS, "--fail-on", "info", "--level", "error")
    assert ": info " in out


@pytest.mark.parametrize(
    ("fail_on", "expected"), [("error", 0), ("warning", 3), ("info", 3), ("never", 0), (None, 0)], ids=str
)
def test_fail_on(fail_on: str | None, expected: int, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, _ = lint(capsys, "-C", ROOT, *(["--fail-on", fail_on] if fail_on else []))
    assert code == expected


def test_fail_on_of_the_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    config = (ROOT / "iamrbac.yaml").read_text()
    (tmp_path / "iamrbac.yaml").write_text(config + "lint: {failOn: warning}\n")
    assert lint(capsys, "-C", tmp_path)[0] == 3
    assert lint(capsys, "-C", tmp_path, "--fail-on", "error")[0] == 0


def test_privileged_namespaces_of_the_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def levels(repo: Path) -> set[str]:
        _, answer = as_json(capsys, "-C", repo)
        return {one["level"] for one in answer["findings"] if one["id"] == "IAM034" and "tools" in one["message"]}

    repo = copy(tmp_path)
    assert levels(repo) == {"error"}
    config = repo / "iamrbac.yaml"
    config.write_text(config.read_text().replace("[kube-*, tools]", "[kube-*]"))
    assert levels(repo) == {"warning"}


def test_a_waiver_takes_a_finding_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = copy(tmp_path)
    (repo / "waivers.yaml").unlink()
    _, before = as_json(capsys, "-C", repo)
    (repo / "waivers.yaml").write_text(
        "apiVersion: iamrbac.dev/v1alpha1\nkind: Waivers\nwaivers:\n"
        "  - {rule: IAM093, scope: {role: debugger, namespaces: [tools]}, reason: r, notAfter: '2999-01-01T00:00:00Z'}"
    )
    _, after = as_json(capsys, "-C", repo)

    def about(answer: Any, place: str) -> list[str]:
        return [one["id"] for one in answer["findings"] if one["line"] == 17 and f"{place} (" in one["message"]]

    assert "IAM093" in about(before, "not-there-yet, tools")
    # The line is about two namespaces, and the waiver about one.
    assert "IAM093" in about(after, "in not-there-yet")
    assert [one["finding"]["message"].split(" names ")[0] for one in after["waived"]] == ["debugger in tools (staging)"]
    assert not {"WVR001", "WVR002"} & {one["id"] for one in after["findings"]}


def test_invalid_documents_are_not_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = copy(tmp_path, spec="spek")
    code, out, _ = lint(capsys, "-C", repo, "--fail-on", "never")
    assert code == 3
    assert "DOC" in out
    assert "IAM" not in out
    code, answer = as_json(capsys, "-C", repo)
    assert (code, answer["valid"], answer["failed"]) == (3, False, True)
    (repo / "waivers.yaml").write_text("kind: Waivers\n")
    assert lint(capsys, "-C", repo)[0] == 3


def test_a_broken_waivers_file_waives_nothing_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = copy(tmp_path)
    (repo / "waivers.yaml").write_text("kind: Waivers\n")
    code, out, _ = lint(capsys, "-C", repo)
    assert code == 3
    assert out.startswith("waivers.yaml:1:")


def test_manifests(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    code, out, err = lint(capsys, "-f", "manifests", "--level", "info")
    assert (code, err) == (3, "")
    compare(out, GOLDEN / "manifests.txt")
    assert as_json(capsys, "-f", "manifests")[1]["summary"]["error"] == 2


def test_manifests_that_cannot_be_read_are_not_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: [}\n")
    assert lint(capsys, "-f", tmp_path, "--fail-on", "never")[0] == 3
    assert lint(capsys, "-f", tmp_path / "nothing")[0] == 64
    assert lint(capsys, "-f", tmp_path, "-C", ROOT)[0] == 64


def test_nothing_to_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(ROOT / "iamrbac.yaml", tmp_path)
    assert lint(capsys, "-C", tmp_path) == (0, "No findings.\n", "")
    assert lint(capsys, "-C", tmp_path / "nowhere")[0] == 1


def test_a_rule_explained(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = lint(capsys, "--explain", "iam020")
    assert (code, err) == (0, "")
    compare(out, GOLDEN / "explain.txt")
    assert max(map(len, out.splitlines())) <= 120


def test_every_rule_is_explained_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    schema = Draft202012Validator(json.loads((SCHEMAS / "rules.json").read_text()))
    _, out, _ = lint(capsys, "--explain", "all", "-o", "json")
    answer = json.loads(out)
    schema.validate(answer)
    assert [one["id"] for one in answer["rules"]] == [rule.id for rule in RULES]
    _, out, _ = lint(capsys, "--explain", "all")
    assert [line.split()[0] for line in out.splitlines()] == [rule.id for rule in RULES]
    _, out, _ = lint(capsys, "--explain", "IAM130", "-o", "json")
    schema.validate(json.loads(out))


def test_an_unknown_rule_suggests_one(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = lint(capsys, "--explain", "IAM1300")
    assert (code, out) == (64, "")
    assert err == "error: [ERR064] lint has no rule IAM1300. Next: did you mean IAM130?\n"
    assert "--explain all" in lint(capsys, "--explain", "secrets")[2]
