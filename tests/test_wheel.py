"""A wheel installed elsewhere works: it carries the templates, the sample repository and the schemas."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the sdist and unpack it into a folder of its own; dependencies stay where they are."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (wheel,) = folder.glob("*.whl")
    target = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True, text=True)
    return target


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed iamrbac in an empty folder."""
    empty = installed.parent / "empty"
    empty.mkdir(exist_ok=True)
    environment = os.environ | {"PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", "iamrbac", *arguments]
    return subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True, check=False)


def test_it_is_the_wheel_that_runs(installed: Path) -> None:
    where = [sys.executable, "-c", "import iamrbac; print(iamrbac.__file__)"]
    environment = os.environ | {"PYTHONPATH": str(installed)}
    said = subprocess.run(where, cwd=installed.parent, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.startswith(str(installed))


def test_the_sample_repository_validates_and_compiles(installed: Path) -> None:
    sample = str(installed / "iamrbac" / "sample")
    assert run(installed, "validate", "-C", sample).returncode == 0
    compiled = run(installed, "compile", "-C", sample, "-o", "json")
    assert compiled.returncode == 0, compiled.stderr
    assert "developer" in compiled.stdout


def test_the_schemas_are_there(installed: Path) -> None:
    for kind in ("policy", "config"):
        said = run(installed, "schema", kind)
        assert said.returncode == 0, said.stderr
        assert json.loads(said.stdout)["$schema"].startswith("https://json-schema.org/")


def test_the_report_has_its_style_and_script(installed: Path, tmp_path: Path) -> None:
    run(installed, "init", str(tmp_path / "new"))
    page = run(installed, "report", "-C", str(tmp_path / "new"), "--html")
    assert page.returncode == 0, page.stderr
    assert "prefers-color-scheme" in page.stdout
    assert "light-dark(" in page.stdout


def test_a_new_repository_can_be_made(installed: Path) -> None:
    for ci in ("github", "gitlab"):
        assert run(installed, "init", ci, "--ci", ci).returncode == 0
        assert run(installed, "validate", "-C", ci).returncode == 0


def test_there_is_no_link_in_it(installed: Path) -> None:
    assert not [path for path in installed.rglob("*") if path.is_symlink()]
