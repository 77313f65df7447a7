"""The Containerfile, as far as it can be judged without building it: what it copies is there, and makes an iamrbac."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.deploy.render import pod_of, rendered

TEXT = (ROOT / "Containerfile").read_text()
LINES = [line for line in TEXT.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
BUILD, FINAL = (part.splitlines() for part in "\n".join(LINES).split("\nFROM ")[1:])


def said(lines: list[str], instruction: str) -> list[str]:
    """The arguments of an instruction."""
    return [line.removeprefix(instruction).strip() for line in lines if line.startswith(f"{instruction} ")]


def copied() -> list[str]:
    return [source for line in said(BUILD, "COPY") for source in line.split()[:-1]]


def test_what_is_copied_is_there_and_nothing_else_reaches_the_build() -> None:
    for source in copied():
        assert (ROOT / source).exists(), source
    ignore = [line for line in (ROOT / ".containerignore").read_text().splitlines() if not line.startswith("#")]
    assert ignore[0] == "*"
    assert {line[1:] for line in ignore if line.startswith("!")} == set(copied())


def test_what_is_copied_makes_the_whole_wheel(tmp_path: Path) -> None:
    source, built = tmp_path / "src", tmp_path / "built"
    source.mkdir()
    for name in copied():
        if (ROOT / name).is_dir():
            skipped = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=skipped)
        else:
            shutil.copy(ROOT / name, source / name)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(built), str(source)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in ("iamrbac/cli/sync.py", "iamrbac/sample/iamrbac.yaml", "iamrbac/templates/roles/viewer.yaml.j2"):
        assert needed in names


def test_it_installs_the_package_with_what_the_tests_ran_with() -> None:
    """No extra: what `iamrbac sync` needs is among the package's own dependencies."""
    (install,) = [line for line in said(BUILD, "RUN") if "pip install" in line]
    assert re.search(r"pip install .*--constraint constraints\.txt \.\s", install)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [re.split(r"[<>=\[]", one)[0] for one in project["dependencies"]]
    pinned = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    assert {name.lower() for name in names} <= pinned


def test_it_runs_as_the_user_that_the_pod_asks_for() -> None:
    (user,) = said(FINAL, "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert said(FINAL, "ENTRYPOINT") == ['["iamrbac"]']
    (run,) = said(FINAL, "RUN")
    number = user.partition(":")[0]
    assert f"useradd --uid {number} --gid {number}" in run
    for program in ("git", "openssh-client", "ca-certificates"):
        assert program in run.split()


@pytest.mark.helm
def test_it_is_the_charts_user() -> None:
    (user,) = said(FINAL, "USER")
    context = pod_of(rendered("base"))["spec"]["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == user


def test_it_holds_no_secret() -> None:
    assert not re.search(r"(?i)password|token|secret|aws_|--mount", TEXT)
    assert all(line.partition("=")[0] == "BASE" for line in said(LINES, "ARG"))
