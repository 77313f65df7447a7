"""Completion through the scripts that the shells run; bash itself where it is on the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def complete(line: str, folder: Path = REPOSITORY) -> list[str]:
    """Return what bash is offered at the end of a line."""
    words = line.split(" ")
    environment = {
        **os.environ,
        "_IAMRBAC_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        # Whoever would ask anything gets no answer.
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }
    done = _run([sys.executable, "-m", "iamrbac"], folder, environment)
    return done.split()


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stderr == ""
    return done.stdout


def test_commands() -> None:
    assert complete("iamrbac pl") == ["plan"]
    assert {"validate", "apply", "token", "completion"} <= set(complete("iamrbac "))


@pytest.mark.parametrize("command", ["plan", "apply", "report", "status"])
def test_clusters_by_name_and_label(command: str) -> None:
    labels = ["env=development", "env=production", "env=staging"]
    assert complete(f"iamrbac {command} --cluster ") == ["development", *labels, "production", "staging"]
    assert complete(f"iamrbac {command} --cluster st") == ["staging"]


def test_options_and_their_choices() -> None:
    assert complete("iamrbac plan --det") == ["--detailed-exitcode"]
    assert complete("iamrbac lint --output ") == ["text", "json", "sarif", "junit", "github", "gitlab"]
    assert complete("iamrbac completion ") == ["bash", "zsh", "fish"]


def test_namespaces_and_teams() -> None:
    assert complete("iamrbac can alice get pods -n pay") == ["payments", "payments-batch"]
    assert complete("iamrbac access --team pay") == ["payments"]


def test_the_repository_that_is_named(tmp_path: Path) -> None:
    line = f"iamrbac plan --repo {REPOSITORY} --cluster prod"
    assert complete(line, tmp_path) == ["production"]


def test_nothing_where_there_is_no_repository_or_a_broken_one(tmp_path: Path) -> None:
    assert complete("iamrbac plan --cluster ", tmp_path) == []
    (tmp_path / "iamrbac.yaml").write_text("clusters: [", encoding="utf-8")
    assert complete("iamrbac plan --cluster ", tmp_path) == []
    (tmp_path / "iamrbac.yaml").write_text("clusters: [{name: {}}, 7, {name: one, labels: 3}]", encoding="utf-8")
    assert complete("iamrbac plan --cluster ", tmp_path) == ["one"]


def test_bash_itself(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash on this machine")
    program = tmp_path / "iamrbac"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m iamrbac "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    script = """
    source <(iamrbac completion bash)
    COMP_WORDS=(iamrbac plan --cluster sta) COMP_CWORD=3
    _iamrbac_completion iamrbac
    echo "${COMPREPLY[@]}"
    """
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert _run([bash, "-c", script], REPOSITORY, environment) == "staging\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(shell: str, tmp_path: Path) -> None:
    script = _run([sys.executable, "-m", "iamrbac", "completion", shell], tmp_path, dict(os.environ))
    assert f"_IAMRBAC_COMPLETE=complete_{shell}" in script


def test_roles_and_the_other_options_of_a_request() -> None:
    assert complete("iamrbac request --role ") == [
        "admin",
        "deployer",
        "developer",
        "edit",
        "operator",
        "view",
        "viewer",
    ]
    assert complete("iamrbac request --namespace pay") == ["payments", "payments-batch"]
    assert complete("iamrbac request --team se") == ["search"]
    assert complete("iamrbac request --cluster prod") == ["production"]
    assert complete("iamrbac request --rea") == ["--reason"]


def test_roles_of_the_repository_and_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "templates" / "roles").mkdir(parents=True)
    (tmp_path / "templates" / "roles" / "vip.yaml.j2").write_text("rules: []", encoding="utf-8")
    assert complete("iamrbac request --role vi", tmp_path) == ["view", "viewer"]
    (tmp_path / "iamrbac.yaml").write_text("{}", encoding="utf-8")
    assert complete("iamrbac request --role vi", tmp_path) == ["view", "viewer", "vip"]


@pytest.mark.parametrize(
    ("shell", "asked"),
    [
        ("zsh", {"_TYPER_COMPLETE_ARGS": "iamrbac request --role vie"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "iamrbac request --role vie", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_the_other_shells(shell: str, asked: dict[str, str]) -> None:
    environment = {**os.environ, **asked, "_IAMRBAC_COMPLETE": f"complete_{shell}"}
    out = _run([sys.executable, "-m", "iamrbac"], REPOSITORY, environment)
    assert {"view", "viewer"} <= {word.strip("'\" ,:()") for word in out.split()}
