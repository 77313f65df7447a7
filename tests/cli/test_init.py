"""`iamrbac init`: what it writes is a repository that every command takes, and it changes nothing that is there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from iamrbac import __version__
from iamrbac.cli.main import run
from iamrbac.model.documents import Config
from iamrbac.usecases.scaffold import instance_name
from tests.ci import tools
from tests.ci.workflows import ACCESS, GITLAB, bash, environment, install, load, steps
from tests.golden import compare

GOLDEN = Path(__file__).parent / "golden" / "init"
# Called by the pipelines, and without a base to compare with.
CHECKS = ("iamrbac validate", "iamrbac lint", "iamrbac test", "iamrbac compile")
PLACEHOLDERS = ("INSTANCE", "VERSION", "PIPELINE", "CODEOWNERS_FILE", "FORGE", "PREPRODUCTION")


def written(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A new repository in acme-access, and the test in the folder above."""
    monkeypatch.chdir(tmp_path)
    assert run(["init", "acme-access"]) == 0
    capsys.readouterr()
    return tmp_path / "acme-access"


@pytest.fixture
def by_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """The same, delivered by Git."""
    monkeypatch.chdir(tmp_path)
    assert run(["init", "acme-access", "--delivery", "gitops"]) == 0
    capsys.readouterr()
    return tmp_path / "acme-access"


@pytest.mark.parametrize("delivery", ["direct", "gitops"])
@pytest.mark.parametrize("ci", ["github", "gitlab", "none"])
def test_it_says_what_it_wrote(
    ci: str, delivery: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["init", "acme-access", "--ci", ci, "--delivery", delivery]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    compare(out, GOLDEN / (f"{ci}.txt" if delivery == "direct" else f"{ci}-{delivery}.txt"))
    said = {line.removeprefix("+ ") for line in out.splitlines() if line.startswith("+ ")}
    assert said == written(tmp_path / "acme-access").keys()


@pytest.mark.parametrize("command", CHECKS)
def test_what_it_writes_passes_every_check(
    command: str, acme: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(acme)
    assert run(command.split()[1:]) == 0, capsys.readouterr()


def test_validate_has_nothing_to_say(acme: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", "-C", str(acme)]) == 0
    assert capsys.readouterr().out == "OK: 1 policy, 0 temporary grants, 2 clusters, 2 tests of access; 0 warnings.\n"


@pytest.mark.parametrize("command", CHECKS)
def test_what_it_writes_for_git_passes_every_check(
    command: str, by_git: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(by_git)
    assert run(command.split()[1:]) == 0, capsys.readouterr()


def test_validate_has_nothing_to_say_of_delivery_by_git(by_git: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", "-C", str(by_git)]) == 0
    assert capsys.readouterr().out == "OK: 1 policy, 0 temporary grants, 3 clusters, 2 tests of access; 0 warnings.\n"


@pytest.mark.parametrize(("ci", "forge"), [("github", "github.com"), ("gitlab", "gitlab.com")])
def test_the_config_for_git_has_what_the_pipeline_asks_for_and_is_else_the_same(
    ci: str, forge: str, acme: Path, tmp_path: Path
) -> None:
    assert run(["init", str(tmp_path / "other"), "--delivery", "gitops", "--ci", ci]) == 0
    direct, by_git = (yaml.safe_load((one / "iamrbac.yaml").read_text()) for one in (acme, tmp_path / "other"))
    environments = ["development", "staging", "production"]
    assert [cluster["labels"] for cluster in by_git["clusters"]] == [{"env": name} for name in environments]
    assert {cluster["delivery"] for cluster in by_git["clusters"]} == {"gitops"}
    assert by_git["gitops"] == {
        "repository": f"https://{forge}/acme/clusters.git",
        "branch": "main",
        "path": "clusters/{cluster}",
        "layout": "argocd",
        "commit": "push",
        "accessEntries": "direct",
    }
    own = ("clusters", "gitops", "metadata")
    same = [{key: value for key, value in one.items() if key not in own} for one in (direct, by_git)]
    assert same[0] == same[1]


def test_its_names_are_its_own(acme: Path) -> None:
    files = written(acme)
    assert yaml.safe_load(files["iamrbac.yaml"])["metadata"] == {"name": "acme-access"}
    assert f"REQUIREMENT: iamrbac=={__version__}  " in files[".github/workflows/access.yml"]
    assert f"additional_dependencies: [iamrbac=={__version__}]" in files[".pre-commit-config.yaml"]
    assert not [word for word in PLACEHOLDERS for text in files.values() if re.search(rf"\b{word}\b", text)]


@pytest.mark.parametrize(
    "file", ["iamrbac.yaml", "waivers.yaml", "policies/payments.yaml", "tests/access/payments.yaml"]
)
def test_editors_find_the_schema_of_each_document(file: str, acme: Path) -> None:
    first = (acme / file).read_text().splitlines()[0]
    schema = (acme / file).parent / first.removeprefix("# yaml-language-server: $schema=")
    validator = Draft202012Validator(json.loads(schema.read_text()))
    validator.validate(yaml.safe_load((acme / file).read_text()))
    assert not validator.is_valid({"kind": "Other"})


def test_a_folder_that_has_some_of_it_is_left_alone(acme: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in acme.rglob("*"):
        if path.is_file() and path.name != "waivers.yaml":
            path.unlink()
    (acme / "waivers.yaml").write_text("mine")
    assert run(["init", "acme-access"]) == 3
    assert capsys.readouterr() == (
        "",
        "error: [ERR210] acme-access: there already: waivers.yaml; nothing was written. "
        "Next: name another folder, or leave these as they are and write the others: --keep\n",
    )
    assert written(acme) == {"waivers.yaml": "mine"}
    assert run(["init", "acme-access", "--keep"]) == 0
    assert "= waivers.yaml" in capsys.readouterr().out.splitlines()
    assert written(acme)["waivers.yaml"] == "mine"
    assert "iamrbac.yaml" in written(acme)


def test_a_repository_that_has_a_config_gets_no_documents(acme: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in ("policies/payments.yaml", "templates/roles/restarter.yaml.j2", ".github/workflows/apply.yml"):
        (acme / file).unlink()
    assert run(["init", "acme-access", "--keep"]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("+")] == [
        "+ .github/workflows/apply.yml"
    ]
    assert not (acme / "policies" / "payments.yaml").exists()


@pytest.mark.parametrize("way", [".github", ".github/workflows", "policies"])
def test_it_follows_no_link_and_writes_through_no_file(
    way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    place = tmp_path / "new" / way
    place.parent.mkdir(parents=True)
    for make in (lambda: place.symlink_to(outside), lambda: place.write_text("mine")):
        make()
        assert run(["init", str(tmp_path / "new"), "--keep"]) == 1
        assert capsys.readouterr().err == (
            f"error: [ERR209] {place}: a folder is needed here, and this is a file or a link; nothing was written. "
            "Next: move it away\n"
        )
        place.unlink()
    assert list(outside.iterdir()) == []
    assert not (tmp_path / "new" / "iamrbac.yaml").exists()


def test_a_link_at_a_files_place_counts_as_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "iamrbac.yaml").symlink_to(tmp_path / "nowhere")
    assert run(["init", str(tmp_path)]) == 3
    assert run(["init", str(tmp_path), "--keep"]) == 0
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert run(["init", str(tmp_path / "file" / "x")]) == 1
    assert "[ERR209]" in capsys.readouterr().err


@given(st.text(max_size=80))
def test_any_folders_name_gives_an_instance(folder: str) -> None:
    name = instance_name(folder)
    cluster = {"name": "c", "account": "111122223333", "region": "eu-west-1"}
    head = {"apiVersion": "iamrbac.dev/v1alpha1", "kind": "Config"}
    Config.model_validate({**head, "metadata": {"name": name}, "clusters": [cluster]})


def actionlint(folder: Path) -> tuple[int, str, str]:
    (folder / ".git").mkdir(exist_ok=True)
    lint = [str(tools.tool("actionlint")), "-no-color", "-shellcheck=", "-pyflakes="]
    done = subprocess.run(lint, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.go_tool
def test_actionlint_takes_the_workflows_as_written(acme: Path) -> None:
    assert actionlint(acme) == (0, "", "")


@pytest.mark.go_tool
def test_actionlint_takes_those_for_git_with_the_action_beside_them(by_git: Path) -> None:
    assert actionlint(by_git) == (0, "", "")
    workflow = by_git / ".github" / "workflows" / "deliver.yml"
    workflow.write_text(workflow.read_text().replace("deploy-key:", "deploykey:"))
    assert 'input "deploykey" is not defined' in actionlint(by_git)[1]


def commit(folder: Path, message: str) -> str:
    """Commit everything in a folder, and return the commit."""
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    for words in (["init", "--quiet"], ["add", "--all"], [*who, "commit", "--quiet", "--message", message]):
        subprocess.run(["git", *words], cwd=folder, env=environment(), check=True, capture_output=True)
    head = ["git", "rev-parse", "HEAD"]
    return subprocess.run(
        head, cwd=folder, env=environment(), check=True, capture_output=True, text=True
    ).stdout.strip()


def test_its_pipeline_says_yes_to_a_change_that_changes_nothing(acme: Path, tmp_path: Path) -> None:
    base = commit(acme, "base")
    (acme / "README.md").write_text("Who may do what.\n")
    commit(acme, "change")
    temp = tmp_path / "temp"
    install(temp)
    own = environment(RUNNER_TEMP=str(temp), BASE=base, HEAD_SHA="", FAIL_ON="", CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
    own |= {name: str(temp / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    (review,) = load(GITLAB)["review"]["script"]
    scripts = [one.run for one in steps(ACCESS) if one.run and one.name not in ("Install iamrbac", "Comment")]
    for script in (*scripts, review):
        done = bash(script, acme, own)
        assert done.returncode == 0, (script, done.stdout, done.stderr)


def test_nothing_that_init_needs_is_slow() -> None:
    """It is the first thing that people see: no AWS, no Kubernetes, no template engine is imported for it."""
    code = (
        "import sys; from iamrbac.cli.main import run; run(['init', sys.argv[1]]); print(*sys.modules, file=sys.stderr)"
    )
    with_folder = [sys.executable, "-c", code, os.devnull]
    done = subprocess.run(with_folder, capture_output=True, text=True, check=False)
    assert {"boto3", "kubernetes", "jinja2", "rich"} & set(done.stderr.split()) == set()
