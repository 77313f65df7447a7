"""README is true: its console blocks are run, in order, on a fresh sandbox; its tables are held against the code.

`UPDATE_GOLDEN=1 pytest tests/test_readme.py` pastes the real output.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from iamrbac.cli.main import COMMANDS
from iamrbac.model import errors
from iamrbac.sandbox.runner import Sandbox
from tests.conftest import ROOT

README = ROOT / "README.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
MOST, HEAD, TAIL = 16, 11, 2
LAST = "  # …"
"""At a command's end: only the last line of its output is shown."""
SHELLS = {"pat$": "pat", "alice$": "alice"}


def elided(text: str) -> str:
    """Shorten a long output in the middle."""
    lines = [line.rstrip() for line in text.strip("\n").splitlines()]
    if len(lines) > MOST:
        lines = [*lines[:HEAD], "…", *lines[-TAIL:]]
    return "\n".join(lines)


class Session:
    """Runs what README shows, as whom it shows, in a copy of the sample repository."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.path = sandbox.environment()["PATH"]

    def run(self, person: str, line: str) -> str:
        """Return what the command prints on stdout; a `# exit N` at its end is checked."""
        command, _, comment = line.partition("  # exit ")
        environment = self.sandbox.environment(person) | {"NO_COLOR": "1"}
        done = subprocess.run(
            shlex.split(command),
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == int(comment or 0), (line, done.stdout, done.stderr)
        said = done.stdout if done.stdout.strip() else done.stderr
        said = said.replace(str(self.folder), "acme").replace(str(self.sandbox.folder), "/home/you")
        return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", said)

    def block(self, block: str) -> str:
        """Run a block's commands and return the block with what they really print.

        What a tool that is not here printed (kubectl) is kept.
        """
        result: list[str] = []
        keep = False
        for line in block.splitlines():
            prompt, _, command = line.partition(" ")
            if prompt in SHELLS:
                shown = [line]
                if shutil.which(command.split()[0], path=self.path) is None:
                    keep = True
                else:
                    keep = False
                    said = self.run(SHELLS[prompt], command.removesuffix(LAST))
                    said = f"…\n{said.splitlines()[-1]}" if command.endswith(LAST) else elided(said)
                    shown += [said] if said else []
                result += shown
            elif keep:
                result.append(line)
        return "\n".join(result) + "\n"


def test_every_console_block_prints_what_it_shows(fresh_sandbox: Sandbox, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "policies", tmp_path / "repo" / "policies")
    shutil.copytree(ROOT / "tests" / "access", tmp_path / "repo" / "tests" / "access")
    shutil.copy(ROOT / "iamrbac.yaml", tmp_path / "repo")
    session = Session(fresh_sandbox, tmp_path / "repo")
    text = README.read_text()
    true = BLOCK.sub(lambda match: f"```console\n{session.block(match.group(1))}```", text)
    if os.environ.get("UPDATE_GOLDEN"):
        README.write_text(true)
    assert len(BLOCK.findall(text)) > 3
    assert true == text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_readme(name: str) -> None:
    assert f"`iamrbac {name}" in README.read_text()


def test_every_exit_code_of_an_error_is_in_readme() -> None:
    section = README.read_text().split("## Exit codes", 1)[1].split("\n## ", 1)[0]
    documented = {int(code) for code in re.findall(r"^\| `(\d+)`", section, re.MULTILINE)}
    raised = {
        one.exit_code for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.IamrbacError)
    }
    assert raised <= documented
    assert {0, 1, 2, 3, 4, 5, 6, 64, 130} <= documented


def test_the_two_commands_of_readme_are_targets() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in ("demo", "test", "e2e", "fuzz", "torture", "bench"):
        assert f"make {target}" in README.read_text()
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README.read_text()))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
